import io
import os
import stat
import struct
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from tutorial_lib.data import archive, open_dataset
from tutorial_lib.data.folder import load_images, resize_images
from tutorial_lib.errors import TutorialError

RED, GREEN, BLUE, WHITE, GREY = (
    (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (128, 128, 128)
)  # fmt: skip


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def plain(colour=RED, size=(32, 32)):
    return encoded(Image.new("RGB", size, colour))


def load_one(tmp_path, data, name="picture.png", size=16):
    (tmp_path / name).write_bytes(data)
    images, skipped = load_images(tmp_path, size)
    assert skipped == {} and images.shape == (1, size, size, 3) and images.dtype == np.uint8
    return images[0]


def assert_colour(image, colour, tolerance=3):
    np.testing.assert_allclose(
        image.astype(int), np.broadcast_to(colour, image.shape), atol=tolerance
    )


def quarters(mode="RGB"):
    """Draw red, green / blue, white quarters, so that every turn and mirroring shows."""
    image = Image.new("RGB", (48, 48), WHITE)
    for colour, box in ((RED, (0, 0, 24, 24)), (GREEN, (24, 0, 48, 24)), (BLUE, (0, 24, 24, 48))):
        image.paste(colour, box)
    return image.convert(mode)


def assert_quarters(image, tolerance=3):
    near, far = len(image) // 4, 3 * len(image) // 4
    assert_colour(image[near, near], RED, tolerance)
    assert_colour(image[near, far], GREEN, tolerance)
    assert_colour(image[far, near], BLUE, tolerance)
    assert_colour(image[far, far], WHITE, tolerance)


# ---- every kind of file


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("PNG", {}, 3),
        ("BMP", {}, 3),
        ("GIF", {}, 3),
        ("WEBP", {"lossless": True}, 3),
        ("WEBP", {"quality": 90}, 25),
        ("JPEG", {"quality": 95}, 12),
        ("JPEG", {"quality": 95, "progressive": True}, 12),
    ],
)
def test_formats(tmp_path, kind, options, tolerance):
    data = encoded(quarters(), kind, **options)
    assert_quarters(load_one(tmp_path, data, "no_suffix"), tolerance)


def test_palette_image(tmp_path):
    assert_quarters(load_one(tmp_path, encoded(quarters().quantize(16))))


@pytest.mark.parametrize(("mode", "level", "expected"), [("L", 77, 77), ("1", 1, 255)])
def test_grey_and_bilevel_images(tmp_path, mode, level, expected):
    data = encoded(Image.new(mode, (20, 20), level))
    assert_colour(load_one(tmp_path, data), (expected,) * 3, 0)


@pytest.mark.parametrize("level", [0, 129, 32768, 51400, 65535])
def test_16_bit_grey_is_scaled_not_clipped(tmp_path, level):
    data = encoded(Image.fromarray(np.full((20, 20), level, np.uint16)))
    assert data[24] == 16  # bits a sample, in the PNG header
    assert_colour(load_one(tmp_path, data), (round(level / 257),) * 3, 0)


def test_transparency_lies_on_white(tmp_path):
    image = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    image.paste((255, 0, 0, 128), (0, 0, 10, 20))
    loaded = load_one(tmp_path, encoded(image), size=20)
    assert_colour(loaded[:, :8], (255, 127, 127))
    assert_colour(loaded[:, 12:], WHITE, 0)


def test_grey_with_alpha_lies_on_white(tmp_path):
    assert_colour(load_one(tmp_path, encoded(Image.new("LA", (20, 20), (0, 51)))), (204,) * 3)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_transparent_palette_colour_lies_on_white(tmp_path, kind):
    image = Image.new("P", (20, 20), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste(1, (0, 0, 10, 20))
    loaded = load_one(tmp_path, encoded(image, kind, transparency=0), size=20)
    assert_colour(loaded[:, :8], RED)
    assert_colour(loaded[:, 12:], WHITE, 0)


@pytest.mark.parametrize(("mode", "key", "opaque"), [("L", 9, 200), ("RGB", GREEN, RED)])
def test_a_colour_key_is_transparent(tmp_path, mode, key, opaque):
    image = Image.new(mode, (20, 20), key)
    image.paste(opaque, (0, 0, 10, 20))
    loaded = load_one(tmp_path, encoded(image, transparency=key), size=20)
    assert_colour(loaded[:, :8], np.broadcast_to(opaque, 3))
    assert_colour(loaded[:, 12:], WHITE, 0)


def test_cmyk_jpeg(tmp_path):
    assert_quarters(load_one(tmp_path, encoded(quarters("CMYK"), "JPEG", quality=95), "a.jpg"), 12)


def test_only_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (20, 20), colour) for colour in (RED, GREEN, BLUE)]
    for kind in ("GIF", "WEBP"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
        assert Image.open(io.BytesIO(data)).n_frames == 3
        assert_colour(load_one(tmp_path, data, "moving"), RED, 20)


TURNED = {  # how a camera stored the picture, by the EXIF orientation that undoes it
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
}  # fmt: skip


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", TURNED)
def test_exif_rotation_is_undone(tmp_path, orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(quarters().transpose(TURNED[orientation]), kind, exif=exif, quality=95)
    assert_quarters(load_one(tmp_path, data), 25)


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
        "picture.tiff": encoded(noisy, "TIFF"),
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
    assert "empty" in skipped["empty.png"]
    assert all("not a JPEG" in skipped[name] for name in ("text.jpg", "notes.txt", "picture.tiff"))
    assert all("damaged" in skipped[name] for name in ("cut.png", "cut.jpg", "corrupt.png"))


def test_hidden_files_are_passed_over(tmp_path):
    for name in ("good.png", ".hidden.png", "__MACOSX/._good.png", ".git/picture.png", ".DS_Store"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(plain())
    images, skipped = load_images(tmp_path, 8)
    assert len(images) == 1 and skipped == {}


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


def test_a_picture_of_too_many_pixels_is_skipped(tmp_path, monkeypatch):
    (tmp_path / "small.png").write_bytes(plain())
    (tmp_path / "large.png").write_bytes(plain(size=(60, 50)))
    (tmp_path / "larger.png").write_bytes(plain(size=(600, 500)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    images, skipped = load_images(tmp_path, 8)
    assert len(images) == 1
    assert skipped == dict.fromkeys(("large.png", "larger.png"), "more than 2,000 pixels")


# ---- archives


def pack_tar(path, members, mode="w"):
    with tarfile.open(path, mode) as packed:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            if isinstance(data, bytes):
                member.size = len(data)
                packed.addfile(member, io.BytesIO(data))
            else:
                member.type, member.linkname = data
                packed.addfile(member)


def pack_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)


def pack(path, members):
    if path.suffix == ".zip":
        pack_zip(path, members)
    else:
        mode = {".tar": "w", ".gz": "w:gz", ".tgz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}
        pack_tar(path, members, mode[path.suffix])


ARCHIVES = ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz"]


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_equal_folders(tmp_path, name):
    members = {f"top/cat_{n}.png": encoded(Image.new("L", (8, 8), n)) for n in (10, 9, 200, 3)}
    members |= {"top/._cat_3.png": b"x", "__MACOSX/cat_3.png": b"x", "top/notes.txt": b"notes"}
    pack(tmp_path / name, members)
    images, skipped = load_images(tmp_path / name, 8)
    assert list(images[:, 0, 0, 0]) == [3, 9, 10, 200]
    assert skipped == {"top/notes.txt": "not a JPEG, PNG, WebP, GIF or BMP image"}


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


def test_links_and_devices_in_an_archive_are_skipped(tmp_path):
    (tmp_path / "secret.png").write_bytes(plain(GREEN))
    bad = {
        "soft.png": (tarfile.SYMTYPE, str(tmp_path / "secret.png")),
        "hard.png": (tarfile.LNKTYPE, "good.png"),
        "device.png": (tarfile.CHRTYPE, ""),
        "pipe.png": (tarfile.FIFOTYPE, ""),
    }
    pack_tar(tmp_path / "a.tar", {"good.png": plain(), **bad})
    images, skipped = load_images(tmp_path / "a.tar", 8)
    assert_colour(images, RED)
    assert set(skipped) == set(bad)
    assert "secret.png" in skipped["soft.png"]


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
    assert len(images) == 1 and skipped == {"zeros.png": "too large for an image (5,000 bytes)"}


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


# ---- what cannot be used at all


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "cannot be read .*No such file"),
        (lambda path: path.mkdir(), "holds 0 readable images"),
        (lambda path: path.write_bytes(b""), "neither a folder nor an archive"),
        (lambda path: path.write_bytes(plain()), "neither a folder nor an archive"),
        (lambda path: pack_zip(path, {}), "holds 0 readable images"),
        (lambda path: pack_zip(path, {"a.txt": b"x"}), r"skipped: 1 file: a.txt \(not a JPEG"),
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


def test_fewer_than_the_minimum_names_both_numbers(tmp_path):
    (tmp_path / "a.png").write_bytes(plain())
    with pytest.raises(TutorialError, match="holds 1 readable image.* at least 3"):
        load_images(tmp_path, 8, minimum=3)


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
