import errno
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import BLUE, RED, assert_colour, pack_tar, plain
from PIL import Image

from tutorial_lib.data import open_dataset
from tutorial_lib.data.cats import load_cats
from tutorial_lib.data.loading import cache, folder
from tutorial_lib.data.loading.folder import load_images


@pytest.fixture(autouse=True)
def cache_of_all_sizes(tmp_path, monkeypatch):
    """Keep copies of small sources too, in a folder of the test's own."""
    monkeypatch.setattr(cache, "SMALL", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "cats-from-noise"


@pytest.fixture
def decoded(monkeypatch):
    """List the names of the files that are decoded."""
    names, decode = [], folder.decode_or_explain

    def note(name, *arguments):
        names.append(name)
        return decode(name, *arguments)

    monkeypatch.setattr(folder, "decode_or_explain", note)
    return names


@pytest.fixture(params=["folder", "archive"])
def source(request, tmp_path):
    """Make a source of one picture and one damaged file, in a folder or an archive."""
    members = {"a.png": plain(RED), "deep/b.png": b"damaged", "notes.txt": b"notes"}
    if request.param == "archive":
        pack_tar(tmp_path / "source.tar", members)
        return tmp_path / "source.tar"
    for name, data in members.items():
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / name).write_bytes(data)
    return tmp_path / "source"


def change(source):
    members = {"a.png": plain(RED), "b.png": plain(BLUE)}
    if source.is_dir():
        (source / "b.png").write_bytes(members["b.png"])
    else:
        pack_tar(source, members)


def test_a_source_is_decoded_once_and_its_losses_are_named_again(source, decoded):
    first, skipped = load_images(source, 8)
    assert len(decoded) == 3
    again, skipped_again = load_images(source, 8)
    assert len(decoded) == 3
    assert isinstance(again, np.memmap) and not again.flags.writeable
    np.testing.assert_array_equal(first, again)
    assert_colour(again, RED)
    assert skipped == skipped_again
    assert skipped == {"deep/b.png": "damaged: no picture is in it", "notes.txt": "of another kind"}


def test_the_photographs_of_a_local_source_share_it(source, decoded):
    for _ in range(2):
        with pytest.warns(UserWarning, match="1 file, damaged: deep/b.png"):
            assert load_cats(source).shape == (1, 64, 64, 3)
    assert open_dataset(source)[0].shape == (1, 64, 64, 3)
    assert len(decoded) == 3


def test_every_size_has_its_own_copy(source, decoded):
    for size in (8, 16, 8, 16):
        assert load_images(source, size)[0].shape == (1, size, size, 3)
    assert len(decoded) == 6


def test_a_changed_source_is_decoded_again_and_its_old_copies_go(
    source, decoded, cache_of_all_sizes
):
    for size in (8, 16):
        load_images(source, size)
    assert len(list(cache_of_all_sizes.iterdir())) == 4
    change(source)
    images, _ = load_images(source, 8)
    assert_colour(images[1], BLUE)
    assert sorted(path.suffix for path in cache_of_all_sizes.iterdir()) == [".json", ".npy"]


def test_a_file_of_the_same_size_but_another_time_is_decoded_again(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for colour, moment in ((RED, 1), (BLUE, 2)):
        (source / "a.bmp").write_bytes(b"")
        Image.new("RGB", (8, 8), colour).save(source / "a.bmp")
        os.utime(source / "a.bmp", (moment, moment))
        assert_colour(load_images(source, 8)[0], colour)


def test_another_decoder_decodes_again(source, decoded, monkeypatch):
    load_images(source, 8)
    monkeypatch.setattr(cache, "VERSION", cache.VERSION + 1)
    load_images(source, 8)
    assert len(decoded) == 6


def test_a_pillow_that_reads_more_formats_decodes_again(source, decoded, monkeypatch):
    load_images(source, 8)
    monkeypatch.setattr(folder, "readable_formats", lambda: ("JPEG", "PNG", "NEW"))
    load_images(source, 8)
    assert len(decoded) == 6


def test_two_sources_do_not_disturb_each_other(tmp_path, decoded):
    for name, colour in (("one", RED), ("two", BLUE)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(plain(colour))
    for _ in range(2):
        for name, colour in (("one", RED), ("two", BLUE)):
            assert_colour(load_images(tmp_path / name, 8)[0], colour)
    assert len(decoded) == 2


def test_a_run_inside_the_data_does_not_touch_the_copy(tmp_path, decoded):
    source = tmp_path / "photos"
    source.mkdir()
    (source / "a.png").write_bytes(plain())
    load_images(source, 8)
    run = source / "run"
    (run / "samples").mkdir(parents=True)
    (run / "samples" / "0.png").write_bytes(plain(BLUE))
    (run / "config.json").write_text(json.dumps({"recipe": {}}))
    images, skipped = load_images(source, 8)
    assert len(images) == 1 and skipped == {"run": "a run of this program"}
    assert decoded == ["a.png"]


@pytest.mark.parametrize("suffix", [".npy", ".json"])
@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_damaged_copy_is_made_anew(source, cache_of_all_sizes, suffix, content):
    images, expected = load_images(source, 8)
    pixels = np.array(images)
    del images  # which maps the file that is overwritten now
    (path,) = cache_of_all_sizes.glob(f"*{suffix}")
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    for _ in range(2):
        images, skipped = load_images(source, 8)
        np.testing.assert_array_equal(images, pixels)
        assert skipped == expected
    assert len(list(cache_of_all_sizes.iterdir())) == 2


def test_small_sources_are_not_copied(source, monkeypatch, cache_of_all_sizes):
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_of_all_sizes.parent))
    images, skipped = load_images(source, 8)
    assert len(images) == 1 and len(skipped) == 2
    assert not cache_of_all_sizes.exists()


# ---- where it is, and where it cannot be


def test_the_place_of_the_cache(tmp_path, monkeypatch):
    assert cache.cache_place() == tmp_path / "home" / "cats-from-noise"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / name)
    assert cache.cache_place() == tmp_path / "cats-from-noise"
    assert cache.cache_place(tmp_path / "other") == tmp_path / "other"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert cache.cache_place("~/mine") == tmp_path / "mine"


def test_the_argument_names_another_place(source, tmp_path, cache_of_all_sizes):
    load_images(source, 8, cache=tmp_path / "mine")
    assert len(list((tmp_path / "mine").iterdir())) == 2
    assert not cache_of_all_sizes.exists()


@pytest.mark.parametrize("fault", ["a file", "full", "closed"])
def test_a_cache_that_cannot_be_written_is_said_in_one_sentence(
    source, tmp_path, monkeypatch, fault, cache_of_all_sizes
):
    if fault == "a file":
        cache_of_all_sizes.parent.mkdir()
        cache_of_all_sizes.write_bytes(b"")
    elif fault == "full":
        monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 5}))
    else:

        def refuse(*_, **__):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.warns(UserWarning, match="cannot be kept in .*XDG_CACHE_HOME") as caught:
        images, skipped = load_images(source, 8)
    assert len(images) == 1 and len(skipped) == 2 and len(caught) == 1
    assert caught[0].filename == __file__
    assert "\n" not in str(caught[0].message)
    if fault == "full":
        assert not list(cache_of_all_sizes.glob("*.npy")) + list(cache_of_all_sizes.glob("*.tmp"))


def test_a_source_without_pictures_leaves_no_copy(tmp_path, cache_of_all_sizes):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.txt").write_bytes(b"x")
    with pytest.raises(ValueError, match="holds no readable image"):
        load_images(tmp_path / "source", 8)
    assert not cache_of_all_sizes.exists()


def age(folder, pattern, days):
    for path in folder.glob(pattern):
        os.utime(path, (time.time() - days * 86400,) * 2)


def test_what_nobody_uses_goes(tmp_path, cache_of_all_sizes, source):
    used, unused = tmp_path / "used", tmp_path / "unused"
    for folder_of_one in (used, unused):
        folder_of_one.mkdir()
        (folder_of_one / "a.png").write_bytes(plain())
        load_images(folder_of_one, 8)
    for name in ("cats-1-64.npy", "old.tmp"):
        (cache_of_all_sizes / name).write_bytes(b"")
    age(cache_of_all_sizes, "*", 100)
    load_images(used, 8)  # which makes it young
    load_images(source, 8)  # which makes a new one
    names = [path.name for path in cache_of_all_sizes.iterdir()]
    assert len(names) == 5 and "cats-1-64.npy" in names


def test_an_array_stored_while_another_process_stores_it(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (12, 64, 64, 3), dtype=np.uint8)
    target = tmp_path / "a.npy"

    def interrupted():
        yield pixels[:5]
        np.testing.assert_array_equal(cache.store_array([pixels], 12, 64, target), pixels)
        yield pixels[5:]

    np.testing.assert_array_equal(cache.store_array(interrupted(), 12, 64, target), pixels)
    assert list(tmp_path.iterdir()) == [target]
