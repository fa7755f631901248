import io

import numpy as np
import pytest
from helpers.pictures import (
    BLUE,
    GREEN,
    INPUTS,
    RED,
    assert_colour,
    assert_quarters,
    encoded,
    load_one,
    plain,
    quarters,
)
from PIL import Image

from tutorial_lib.data.loading import decode
from tutorial_lib.data.loading.decode import decode_image, decode_or_explain
from tutorial_lib.data.loading.folder import load_images

# ---- formats and modes


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
        ("TIFF", {}, 3),
        ("TIFF", {"compression": "tiff_lzw"}, 3),
        ("TIFF", {"compression": "tiff_adobe_deflate"}, 3),
        ("TIFF", {"compression": "jpeg", "quality": 95}, 12),
        ("TIFF", {"big_tiff": True}, 3),
        ("JPEG2000", {}, 3),
        ("PPM", {}, 3),
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


def test_only_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (20, 20), colour) for colour in (RED, GREEN, BLUE)]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
        assert Image.open(io.BytesIO(data)).n_frames == 3
        assert_colour(load_one(tmp_path, data, "moving"), RED, 20)


def test_the_first_picture_of_a_multi_picture_jpeg():
    pictures = [Image.new("RGB", (20, 20), colour) for colour in (RED, GREEN)]
    data = encoded(pictures[0], "MPO", save_all=True, append_images=pictures[1:])
    assert Image.open(io.BytesIO(data)).n_frames == 2
    assert_colour(decode_image(data, 16), RED)


def test_the_inputs_are_one_picture_in_many_formats():
    expected = decode_image((INPUTS / "png" / "plain.png").read_bytes(), 96).astype(int)
    for name, tolerance in (("apng.png", 0), ("tiff.tif", 0), ("avif.avif", 24), ("cmyk.jpg", 24)):
        if name == "avif.avif" and "AVIF" not in decode.readable_formats():
            continue
        found = decode_image((INPUTS / "formats" / name).read_bytes(), 96)
        assert np.abs(found - expected).mean() <= tolerance / 8, name


@pytest.mark.parametrize("mode", ["F", "I"])
def test_numbers_without_a_known_white_are_refused(mode):
    data = encoded(Image.new(mode, (8, 8), 1), "TIFF")
    assert decode_or_explain("a.tif", data, 8).startswith("of 32 bits or floats: ")


@pytest.mark.parametrize("level", [0, 129, 51400, 65535])
def test_16_bit_grey_of_a_tiff_is_scaled(level):
    data = encoded(Image.fromarray(np.full((8, 8), level, np.uint16)), "TIFF")
    assert_colour(decode_image(data, 8), (round(level / 257),) * 3, 0)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\xff\x0a\xfa\x1f", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"FUJIFILMCCD-RAW ", "camera raw"),
        (b"II*\0\x10\0\0\0CR\x02\0", "camera raw"),
    ],
)
def test_pictures_that_cannot_be_decoded_are_told_from_other_files(start, kind):
    found = decode_or_explain("picture", start + bytes(100), 8)
    assert found == f"to be converted to JPEG first: {kind}"


def test_a_preview_in_a_raw_file_is_not_taken_for_the_picture():
    data = encoded(Image.new("RGB", (16, 12), RED), "TIFF", tiffinfo={254: 1})
    assert decode_or_explain("a.nef", data, 8) == "to be converted to JPEG first: camera raw"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.jpg", "damaged: no picture is in it"),
        ("a.TIFF", "damaged: no picture is in it"),
        ("a.jpg.cat", "of another kind"),
        ("a.pdf", "of another kind"),
        ("notes", "of another kind"),
    ],
)
def test_what_is_no_picture(name, reason):
    assert decode_or_explain(name, b"%PDF-1.4 no picture at all", 8) == reason


def test_no_external_program_reads_postscript():
    data = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n"
    assert decode_or_explain("page.eps", data, 8) == "of another kind"


# ---- large pictures


@pytest.fixture
def small_limit(monkeypatch):
    monkeypatch.setattr(decode, "MAX_PIXELS", 2000)


def test_a_picture_of_too_many_pixels_is_skipped(tmp_path, small_limit):
    (tmp_path / "small.png").write_bytes(plain())
    (tmp_path / "large.png").write_bytes(plain(size=(60, 50)))
    images, skipped = load_images(tmp_path, 8)
    assert len(images) == 1
    assert skipped == {"large.png": "of too many pixels: 60×50, more than 2,000; make it smaller"}


def test_a_picture_that_pillow_itself_refuses_is_skipped(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert "of too many pixels" in decode_or_explain("a.png", plain(), 8)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_large_jpeg_is_decoded_reduced(small_limit, progressive):
    data = encoded(quarters().resize((320, 320)), "JPEG", quality=95, progressive=progressive)
    assert_quarters(decode_image(data, 8), 12)
    assert "320×320, more than 2,000" in decode_or_explain("a.jpg", data, 64)


def test_a_jpeg_of_any_camera_has_room():
    assert decode.MAX_JPEG_PIXELS >= 16320 * 12240
    data = encoded(Image.new("L", (12000, 9000), 77), "JPEG")
    assert_colour(decode_image(data, 16), (77,) * 3, 1)


def test_a_jpeg_bomb_is_refused(monkeypatch):
    monkeypatch.setattr(decode, "MAX_JPEG_PIXELS", 1000)
    data = encoded(Image.new("L", (60, 50)), "JPEG")
    assert "60×50, more than 1,000" in decode_or_explain("a.jpg", data, 8)


# ---- cut files


def noisy(**options):
    pixels = np.random.default_rng(0).integers(0, 256, (60, 70, 3), np.uint8)
    return encoded(Image.fromarray(pixels), "JPEG", quality=90, **options)


JPEGS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "with restarts": {"restart_marker_rows": 1},
    "without subsampling": {"subsampling": 0, "optimize": True},
}


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("size", [8, 60])
def test_a_jpeg_that_lacks_only_its_end_loads(kind, size):
    data = noisy(**JPEGS[kind])
    whole = decode_image(data, size)
    for missing in (1, 2):
        np.testing.assert_array_equal(decode_image(data[:-missing], size), whole)


@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_that_lacks_pixels_is_damaged(kind):
    data = noisy(**JPEGS[kind])
    for length in [*range(700, len(data) - 2, 97), *range(len(data) - 40, len(data) - 2)]:
        found = decode_or_explain("a.jpg", data[:length], 60)
        assert isinstance(found, str) and found.startswith("damaged: "), length


def test_a_progressive_jpeg_that_ends_with_an_early_scan_is_damaged():
    data = noisy(progressive=True)
    starts = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    for start in starts[1:]:
        tables = data.rfind(b"\xff\xc4", 0, start)
        for end in (start, tables):
            assert "damaged" in decode_or_explain("a.jpg", data[:end], 60)


def test_a_jpeg_that_ends_at_a_mark_to_resume_at_is_damaged():
    data = noisy(restart_marker_rows=1)
    marks = [at for at in range(len(data) - 1) if data[at] == 0xFF and 0xD0 <= data[at + 1] <= 0xD7]
    if not marks:
        pytest.skip("this Pillow cannot write such marks")
    for mark in marks:
        for end in (mark, mark + 1, mark + 2):
            assert "damaged" in decode_or_explain("a.jpg", data[:end], 60), end


def test_the_jpeg_without_its_last_2_bytes():
    data = (INPUTS / "formats" / "without_its_last_2_bytes.jpg").read_bytes()
    np.testing.assert_array_equal(decode_image(data, 64), decode_image(data + b"\xff\xd9", 64))


def test_a_grey_jpeg_that_is_cut_is_not_taken_for_grey():
    data = encoded(Image.new("L", (200, 200), 128), "JPEG")
    assert_colour(decode_image(data[:-2], 16), (128,) * 3, 0)
    assert "damaged" in decode_or_explain("a.jpg", data[: len(data) - 40], 16)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "AVIF", "PPM"])
def test_a_cut_picture_is_damaged(kind):
    if kind == "AVIF" and "AVIF" not in decode.readable_formats():
        pytest.skip("this Pillow has no AVIF")
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(pixels), kind)
    assert decode_image(data, 8).shape == (8, 8, 3)
    for part in (2, 3):
        found = decode_or_explain("picture", data[: len(data) * (part - 1) // part], 8)
        assert isinstance(found, str) and found.startswith("damaged"), found


def test_a_png_that_lacks_only_its_end_loads():
    data = encoded(quarters())
    for missing in (1, 4, 12, 16):  # of the last chunk, then of the checksum of the pixels
        assert_quarters(decode_image(data[:-missing], 16))


def test_the_formats_leave_out_documents_and_films():
    assert not {"EPS", "PDF", "PSD", "WMF", "MPEG", "FLI", "ICNS"} & set(decode.FORMATS)
    assert {"JPEG", "PNG", "TIFF"} <= set(decode.readable_formats()) <= set(decode.FORMATS)


def test_without_the_library_for_avif_the_remedy_is_named(monkeypatch):
    monkeypatch.setattr(decode, "readable_formats", lambda: ("PNG",))
    data = (INPUTS / "formats" / "avif.avif").read_bytes()
    assert decode_or_explain("a.avif", data, 8) == "to be converted to JPEG first: AVIF"
