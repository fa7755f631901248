import io
import os
import stat

import numpy as np
import pytest
from helpers.pictures import (
    BLUE,
    GREY,
    RED,
    assert_colour,
    encoded,
    load_one,
    pack_zip,
    plain,
)
from PIL import Image

from tutorial_lib.data import open_dataset
from tutorial_lib.data.loading.folder import load_images, resize_images
from tutorial_lib.errors import TutorialError

# ---- crop and size


@pytest.mark.parametrize("shape", [(90, 30), (30, 90), (91, 30)])
def test_the_centre_square_is_kept(tmp_path, shape):
    image = Image.new("RGB", shape, GREY)
    left, top = ((side - 30) // 2 for side in shape)
    image.paste(RED, (left, top, left + 30, top + 30))
    assert_colour(load_one(tmp_path, encoded(image)), RED, 0)


def test_an_image_of_the_size_asked_keeps_its_pixels(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    np.testing.assert_array_equal(load_one(tmp_path, encoded(Image.fromarray(pixels))), pixels)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_reduction_is_antialiased(tmp_path, kind):
    lines = np.zeros((512, 512, 3), np.uint8)
    lines[:, ::2] = 255  # picking pixels would give black or white, or moiré
    data = encoded(Image.fromarray(lines), kind)
    assert_colour(load_one(tmp_path, data), (127.5,) * 3, 8)


def test_a_large_jpeg_loses_no_more_detail_than_a_png(tmp_path):
    cells = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    image = Image.fromarray(cells.repeat(8, 0).repeat(8, 1)[4:-4, 4:-4])
    (tmp_path / "a.jpg").write_bytes(encoded(image, "JPEG", quality=95))
    (tmp_path / "b.png").write_bytes(encoded(image))
    (jpeg, png), _ = load_images(tmp_path, 60)
    assert np.abs(jpeg.astype(int) - png).mean() < 3


def test_small_images_are_enlarged(tmp_path):
    assert_colour(load_one(tmp_path, plain(size=(3, 5)), size=64), RED, 0)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("shape", [(1, 1), (20_000, 3), (3, 20_000)])
def test_pictures_of_odd_shapes(tmp_path, kind, shape):
    assert_colour(load_one(tmp_path, encoded(Image.new("RGB", shape, RED), kind)), RED)


@pytest.mark.parametrize("size", [0, -1, 2000, 16.0, "64"])
def test_other_sizes_are_refused(tmp_path, size):
    with pytest.raises(TutorialError, match=f"from 1 to 1024, not {size!r}"):
        load_images(tmp_path, size)


def test_resize_images_averages():
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    images = np.stack([np.stack([board] * 3, -1), np.full((64, 64, 3), 9, np.uint8)])
    small = resize_images(images, 16)
    assert small.shape == (2, 16, 16, 3) and small.dtype == np.uint8
    assert_colour(small[0], (127,) * 3, 8)
    assert_colour(small[1], (9,) * 3, 0)


# ---- folders


def test_folders_are_searched_in_natural_order(tmp_path):
    names = ["cat_10.png", "cat_9.png", "b/cat_2.png", "b/cat_11.png", "a/deep/er/1.png"]
    for level, name in enumerate(names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(encoded(Image.new("L", (8, 8), 10 * level)))
    images, skipped = load_images(tmp_path, 8)
    assert skipped == {}
    assert list(images[:, 0, 0, 0]) == [40, 20, 30, 10, 0]


def bad_files():
    whole = encoded(
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    )
    noisy = Image.open(io.BytesIO(whole))
    return {
        "text.jpg": b"This is no picture at all.",
        "empty.png": b"",
        "notes.txt": b"Notes",
        "cut.png": whole[: len(whole) // 2],
        "cut.jpg": encoded(noisy, "JPEG")[:1500],
        "cut.webp": encoded(noisy, "WEBP")[:900],
        "cut.bmp": encoded(noisy, "BMP")[:3000],
        "cut.gif": encoded(noisy, "GIF")[:1200],
        "corrupt.png": whole[:200] + bytes(400) + whole[600:],
        "page.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    }


def test_bad_files_are_skipped_and_named(tmp_path):
    for name, data in bad_files().items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "a_good.png").write_bytes(plain(RED))
    (tmp_path / "z_good.png").write_bytes(plain(BLUE))
    images, skipped = load_images(tmp_path, 8)
    assert set(skipped) == set(bad_files())
    assert_colour(images[0], RED)
    assert_colour(images[1], BLUE)
    assert len(images) == 2
    assert skipped["empty.png"] == "empty"
    assert skipped["notes.txt"] == skipped["page.eps"] == "of another kind"
    assert all("damaged" in skipped[name] for name in ("text.jpg", "cut.png", "cut.jpg"))


def test_links_of_a_folder(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "far.png").write_bytes(plain(BLUE))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "linked.png").symlink_to("../elsewhere/far.png")
    (tmp_path / "data" / "broken.png").symlink_to("nowhere.png")
    (tmp_path / "data" / "loop").symlink_to(".")
    images, skipped = load_images(tmp_path / "data", 8)
    assert_colour(images, BLUE)
    assert set(skipped) == {"broken.png", "loop"}
    assert "link to a folder" in skipped["loop"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_named_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "good.png").write_bytes(plain())
    images, skipped = load_images(tmp_path, 8)
    assert len(images) == 1 and skipped == {"pipe.png": "not a regular file"}


def test_unreadable_files_are_named(tmp_path):
    for name in ("good.png", "secret.png", "closed/inside.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(plain())
    (tmp_path / "secret.png").chmod(0)
    if os.access(tmp_path / "secret.png", os.R_OK):
        pytest.skip("this user may read everything")
    (tmp_path / "closed").chmod(0)
    try:
        images, skipped = load_images(tmp_path, 8)
    finally:
        (tmp_path / "closed").chmod(stat.S_IRWXU)
    assert len(images) == 1 and set(skipped) == {"secret.png", "closed"}


def test_a_name_that_is_not_text_can_be_printed(tmp_path):
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.png")).write_bytes(b"no image")
    except OSError:
        pytest.skip("the file system takes only names that are text")
    (tmp_path / "good.png").write_bytes(plain())
    _, skipped = load_images(tmp_path, 8)
    assert [name.encode() for name in skipped] == [b"caf\\udce9.png"]


# ---- what cannot be used at all


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "cannot be read .*No such file"),
        (lambda path: path.mkdir(), "holds no readable image"),
        (lambda path: path.write_bytes(b""), "neither a folder nor an archive"),
        (lambda path: path.write_bytes(plain()), "neither a folder nor an archive"),
        (lambda path: pack_zip(path, {}), "holds no readable image"),
        (lambda path: pack_zip(path, {"a.txt": b"x"}), r"skipped: 1 file of another kind \(.txt\)"),
    ],
)
def test_unusable_paths(tmp_path, make, message):
    make(tmp_path / "source")
    with pytest.raises(TutorialError, match=rf"source.* {message}"):
        load_images(tmp_path / "source", 8)


def test_a_folder_with_nothing_but_an_archive_names_it(tmp_path):
    pack_zip(tmp_path / "cats.zip", {"a.png": plain()})
    with pytest.raises(TutorialError, match=r"it does hold an archive, cats\.zip"):
        load_images(tmp_path, 8)


def test_images_that_do_not_fit_into_memory(tmp_path, monkeypatch):
    def refuse(*_):
        raise MemoryError

    (tmp_path / "a.png").write_bytes(plain())
    monkeypatch.setattr(np, "empty", refuse)
    with pytest.raises(TutorialError, match="1 images of 1024×1024 pixels need 0.0 GB"):
        load_images(tmp_path, 1024)


# ---- the one door


def test_open_dataset_takes_paths(tmp_path):
    (tmp_path / "a.png").write_bytes(plain())
    (tmp_path / "b.png").write_bytes(b"")
    for path in (tmp_path, str(tmp_path)):
        images, skipped = open_dataset(path, 8)
        assert images.shape == (1, 8, 8, 3) and list(skipped) == ["b.png"]


def test_open_dataset_draws():
    images, skipped = open_dataset("drawn", 32, count=3, seed=5)
    assert images.shape == (3, 32, 32, 3) and images.dtype == np.uint8 and skipped == {}
    np.testing.assert_array_equal(images, open_dataset("drawn", 32, count=3, seed=5)[0])


def test_open_dataset_names_an_unknown_dataset():
    with pytest.raises(TutorialError, match='no dataset "dogs".*"cats", "drawn"'):
        open_dataset("dogs")


def test_a_full_import_of_the_data_package_brings_no_tensorflow():
    import subprocess
    import sys

    code = (
        "import sys, tutorial_lib.data, tutorial_lib.data.cats, tutorial_lib.data.pixels;"
        "assert not {'tensorflow', 'keras', 'pooch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_decoding_shows_a_bar_where_somebody_watches(tmp_path, monkeypatch, capsys):
    (tmp_path / "a.png").write_bytes(plain())
    open_dataset(tmp_path, 8)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("tutorial_lib.data.loading.folder.is_watched", lambda: True)
    open_dataset(tmp_path, 8)
    assert "Decoding: 100%" in capsys.readouterr().err
    load_images(tmp_path, 8)
    assert capsys.readouterr().err == ""


def test_the_home_folder_may_be_written_short(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(plain())
    assert len(load_images("~/photos", 8)[0]) == len(open_dataset("~/photos", 8)[0]) == 1
    with pytest.raises(TutorialError, match="no dataset"):
        open_dataset("~no-such-user/photos")
