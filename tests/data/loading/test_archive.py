import io
import stat
import struct
import tarfile
import zipfile

import numpy as np
import pytest
from helpers.pictures import (
    BLUE,
    GREEN,
    INPUTS,
    RED,
    assert_colour,
    encoded,
    pack,
    pack_tar,
    pack_zip,
    plain,
)
from PIL import Image

from tutorial_lib.data.loading import archive
from tutorial_lib.data.loading.decode import decode_image
from tutorial_lib.data.loading.folder import load_images
from tutorial_lib.errors import TutorialError

ARCHIVES = ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz"]


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_equal_folders(tmp_path, name):
    members = {f"top/cat_{n}.png": encoded(Image.new("L", (8, 8), n)) for n in (10, 9, 200, 3)}
    members |= {"top/._cat_3.png": b"x", "__MACOSX/cat_3.png": b"x", "top/notes.txt": b"notes"}
    pack(tmp_path / name, members)
    images, skipped = load_images(tmp_path / name, 8)
    assert list(images[:, 0, 0, 0]) == [3, 9, 10, 200]
    assert skipped == {"top/notes.txt": "of another kind"}


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_members_that_lead_outside_are_skipped_and_written_nowhere(tmp_path, name):
    outside = ["../escape.png", "/tmp/absolute.png", "a/../../escape.png", "C:/drive.png"]
    (tmp_path / "in").mkdir()
    pack(tmp_path / "in" / name, {path: plain() for path in [*outside, "good.png"]})
    before = sorted(tmp_path.rglob("*"))
    images, skipped = load_images(tmp_path / "in" / name, 8)
    assert len(images) == 1 and set(skipped) == set(outside)
    assert "leads out" in skipped["../escape.png"]
    assert "absolute" in skipped["/tmp/absolute.png"]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_links_that_lead_outside_and_devices_are_skipped(tmp_path, name):
    (tmp_path / "secret.png").write_bytes(plain(GREEN))
    bad = {
        "soft.png": (tarfile.SYMTYPE, str(tmp_path / "secret.png")),
        "up.png": (tarfile.SYMTYPE, "../secret.png"),
        "hard.png": (tarfile.LNKTYPE, "../secret.png"),
        "device.png": (tarfile.CHRTYPE, ""),
        "pipe.png": (tarfile.FIFOTYPE, ""),
    }
    pack(tmp_path / name, {"good.png": plain(), **bad})
    images, skipped = load_images(tmp_path / name, 8)
    assert_colour(images, RED)
    assert set(skipped) == set(bad)
    assert "leads out of the archive: " in skipped["soft.png"]
    assert "secret.png" in skipped["soft.png"]
    assert "../secret.png" in skipped["up.png"] and "../secret.png" in skipped["hard.png"]
    assert skipped["device.png"] == skipped["pipe.png"] == "not a regular file"


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_links_inside_an_archive_are_followed(tmp_path, name):
    members = {
        "0.png": (tarfile.LNKTYPE, "deep/b.png"),  # before what it stands for
        "deep/a.png": (tarfile.SYMTYPE, "../c.png"),
        "deep/b.png": plain(BLUE),
        "deep/link_to_link.png": (tarfile.SYMTYPE, "a.png"),
        "c.png": plain(RED),
        "lost.png": (tarfile.LNKTYPE, "nowhere.png"),
        "round.png": (tarfile.SYMTYPE, "round.png"),
        "to_a_folder": (tarfile.SYMTYPE, "deep"),
    }
    pack(tmp_path / name, members)
    images, skipped = load_images(tmp_path / name, 8)
    for image, colour in zip(images, (BLUE, RED, RED, BLUE, RED), strict=True):
        assert_colour(image, colour)
    assert set(skipped) == {"lost.png", "round.png", "to_a_folder"}
    assert skipped["lost.png"] == "a link to nothing in the archive: nowhere.png"


def test_hard_links_as_tar_packs_them():
    images, skipped = load_images(INPUTS / "hardlinks.tar", 16)
    assert len(images) == 4 and skipped == {}
    plain_picture = decode_image((INPUTS / "png" / "plain.png").read_bytes(), 16)
    for image in images:
        np.testing.assert_array_equal(image, plain_picture)


def test_links_count_as_much_as_what_they_stand_for(tmp_path, monkeypatch):
    links = {f"{n}.png": (tarfile.LNKTYPE, "a.png") for n in range(20)}
    pack_tar(tmp_path / "a.tar", {"a.png": plain(), **links})
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 10 * len(plain()))
    with pytest.raises(TutorialError, match="holds more than"):
        load_images(tmp_path / "a.tar", 8)


def test_a_link_of_the_name_of_a_file_is_named(tmp_path):
    pack_tar(tmp_path / "a.tar", {"a.png": plain(RED), "b.png": plain(BLUE)})
    with tarfile.open(tmp_path / "a.tar", "a") as packed:
        member = tarfile.TarInfo("a.png")
        member.type, member.linkname = tarfile.LNKTYPE, "b.png"
        packed.addfile(member)
    images, skipped = load_images(tmp_path / "a.tar", 8)
    assert_colour(images[0], RED)
    assert_colour(images[1], BLUE)
    assert skipped == {"a.png": "a second member of the same name"}


def test_names_with_backslashes(tmp_path):
    names = ["photos\\a.png", "__MACOSX\\._a.png", "..\\up.png", "C:\\drive.png", "\\root.png"]
    pack_zip(tmp_path / "a.zip", {name: plain() for name in names})
    images, skipped = load_images(tmp_path / "a.zip", 8)
    assert len(images) == 1
    assert (
        list(skipped.values())
        == ["a path that leads out of the archive"] + ["an absolute path"] * 2
    )


def test_an_old_python_is_told_so(tmp_path, monkeypatch):
    pack_zip(tmp_path / "a.zip", {"a.png": plain()})
    monkeypatch.delattr(tarfile, "data_filter")
    with pytest.raises(TutorialError, match="Python 3.10.12"):
        load_images(tmp_path / "a.zip", 8)


def test_links_in_a_zip_are_skipped(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("good.png", plain())
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(link, "/etc/passwd")
    _, skipped = load_images(tmp_path / "a.zip", 8)
    assert skipped == {"link.png": "a link"}


def test_encrypted_members_are_skipped(tmp_path):
    pack_zip(tmp_path / "a.zip", {"good.png": plain(), "locked.png": plain()})
    data = bytearray((tmp_path / "a.zip").read_bytes())
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        second = data.index(signature, data.index(signature) + 1)
        struct.pack_into("<H", data, second + offset, 1)
    (tmp_path / "a.zip").write_bytes(data)
    images, skipped = load_images(tmp_path / "a.zip", 8)
    assert len(images) == 1 and skipped == {"locked.png": "encrypted"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_a_second_member_of_the_same_name_is_named(tmp_path, name):
    if name.endswith("zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as packed:
            packed.writestr("x.png", plain(RED))
            packed.writestr("x.png", plain(BLUE))
    else:
        pack_tar(tmp_path / name, {"x.png": plain(RED)})
        with tarfile.open(tmp_path / name, "a") as packed:
            member = tarfile.TarInfo("x.png")
            member.size = len(plain(BLUE))
            packed.addfile(member, io.BytesIO(plain(BLUE)))
    images, skipped = load_images(tmp_path / name, 8)
    assert_colour(images, RED)
    assert len(images) == 1 and skipped == {"x.png": "a second member of the same name"}


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
@pytest.mark.parametrize(("limit", "value"), [("MAX_FILES", 5), ("MAX_TOTAL_BYTES", 500)])
def test_archive_bombs_are_refused(tmp_path, monkeypatch, name, limit, value):
    pack(tmp_path / name, {f"{n}.png": plain() for n in range(9)})
    monkeypatch.setattr(archive, limit, value)
    with pytest.raises(TutorialError, match=rf"{name} holds more than"):
        load_images(tmp_path / name, 8)


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_a_member_too_large_for_an_image_is_skipped_unread(tmp_path, monkeypatch, name):
    pack(tmp_path / name, {"good.png": plain(), "zeros.png": bytes(5000)})
    monkeypatch.setattr(archive, "MAX_FILE_BYTES", 1000)
    images, skipped = load_images(tmp_path / name, 8)
    assert len(images) == 1 and skipped == {"zeros.png": "too large for an image: 5,000 bytes"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_a_member_too_large_is_not_read_in_place_of_its_namesake(tmp_path, monkeypatch, name):
    for data in (bytes(5000), plain(RED)):
        if name.endswith("zip"):
            with zipfile.ZipFile(tmp_path / name, "a") as packed:
                packed.writestr("x.png", data)
        else:
            with tarfile.open(tmp_path / name, "a") as packed:
                member = tarfile.TarInfo("x.png")
                member.size = len(data)
                packed.addfile(member, io.BytesIO(data))
    monkeypatch.setattr(archive, "MAX_FILE_BYTES", 1000)
    images, skipped = load_images(tmp_path / name, 8)
    assert_colour(images, RED)
    assert skipped == {"x.png": "too large for an image: 5,000 bytes"}


def test_an_oversized_tar_header_is_refused_unread(tmp_path, monkeypatch):
    pack_tar(tmp_path / "a.tar.gz", {"x" * 5000: plain()}, "w:gz")
    monkeypatch.setattr(archive, "MAX_HEADER_BYTES", 1000)
    with pytest.raises(TutorialError, match="a header of"):
        load_images(tmp_path / "a.tar.gz", 8)


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_cut_archive_is_refused(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    pack(tmp_path / name, {f"{n}.png": encoded(Image.fromarray(x)) for n, x in enumerate(noise)})
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(TutorialError, match=rf"{name} (is damaged|is neither)"):
        load_images(tmp_path / name, 8)


def test_a_tar_with_a_damaged_header_is_refused(tmp_path):
    pack_tar(tmp_path / "a.tar", {f"{n}.png": plain() for n in range(4)})
    data = bytearray((tmp_path / "a.tar").read_bytes())
    third = data.index(b"2.png")
    data[third + 100 : third + 150] = b"?" * 50
    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises(TutorialError, match=r"a\.tar is damaged"):
        load_images(tmp_path / "a.tar", 8)


def test_a_damaged_zip_member_is_skipped_and_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:  # stored, so that bytes can be found
        packed.writestr("bad.png", plain(BLUE))
        packed.writestr("good.png", plain(RED))
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[data.index(b"IDAT") + 6] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(data)
    images, skipped = load_images(tmp_path / "a.zip", 8)
    assert_colour(images, RED)
    assert "CRC" in skipped["bad.png"]
