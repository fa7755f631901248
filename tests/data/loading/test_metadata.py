import io
import struct
import zlib

import numpy as np
import pytest
from helpers.pictures import INPUTS, assert_quarters, chunk, encoded, exif, load_one, quarters
from PIL import Image, PngImagePlugin

from tutorial_lib.data.loading import metadata
from tutorial_lib.data.loading.decode import decode_image, readable_formats

# ---- orientation


TURNED = {  # how a camera stored the picture, by the EXIF orientation that undoes it
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
}  # fmt: skip


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", TURNED)
def test_exif_rotation_is_undone(tmp_path, orientation, kind):
    tags = Image.Exif()
    tags[0x0112] = orientation
    data = encoded(quarters().transpose(TURNED[orientation]), kind, exif=tags, quality=95)
    assert_quarters(load_one(tmp_path, data), 25)


@pytest.mark.parametrize("name", sorted(path.name for path in (INPUTS / "exif").iterdir()))
def test_odd_exif_neither_drops_nor_changes_a_picture(name):
    upright = decode_image((INPUTS / "exif" / "good_orientation6.jpg").read_bytes(), 96)
    found = decode_image((INPUTS / "exif" / name).read_bytes(), 96)
    turned = 0 if name in ("orientation_9.jpg", "offset_far_outside.jpg") else 1
    as_stored = np.rot90(upright)
    np.testing.assert_array_equal(found, upright if turned else as_stored)
    assert not np.array_equal(upright, as_stored)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [1, 3, 4])
def test_orientations_of_every_form(order, kind):
    for orientation in range(1, 9):
        found = exif(orientation, order, kind)
        assert metadata.read_orientation(found) == orientation
        assert metadata.read_orientation(found[6:]) == orientation


@pytest.mark.parametrize("value", [0, 9, 255, 65535])
def test_an_orientation_out_of_range_is_none(value):
    assert metadata.read_orientation(exif(value)) == 1


def test_no_bytes_make_the_readers_fail():
    random = np.random.default_rng(0)
    tiff = io.BytesIO()
    quarters().save(tiff, "TIFF")
    starts = [
        exif(6),
        exif(6, ">"),
        tiff.getvalue(),
        encoded(quarters()),
        b"",
        b"II+\0",
        b"\xff\xd8",
    ]
    starts += [encoded(quarters(), "JPEG", exif=exif(6)), b"\x89PNG\r\n\x1a\n", b"\0\0\0\0ftyp"]
    for start in starts:
        for _ in range(300):
            data = bytearray(start)
            for place in random.integers(0, max(1, len(data)), 3):
                data[place : place + 1] = bytes([random.choice([0, 1, 127, 255, 42])])
            data = bytes(data[: random.integers(0, len(data) + 1)])
            assert 1 <= metadata.read_orientation(data) <= 8
            assert isinstance(metadata.part(data), metadata.Parted)
            assert metadata.is_preview(data) in (True, False)


# ---- the rest of metadata


def with_chunk(data, kind, content, checksum=None):
    """Put a chunk into a PNG behind its header."""
    return data[:33] + chunk(kind, content, checksum) + data[33:]


LARGE = zlib.compress(bytes(70 * 2**20))
ODD_CHUNKS = {
    "compressed text": (b"zTXt", b"Comment\0\0" + LARGE),
    "international text": (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + LARGE),
    "a profile of 70 MB": (b"iCCP", b"x\0\0" + LARGE),
    "a profile that does not inflate": (b"iCCP", b"x\0\0not compressed"),
    "a profile packed in an unknown way": (b"iCCP", b"x\0\7" + zlib.compress(b"x")),
    "an empty profile": (b"iCCP", b""),
    "a short size of pixels": (b"pHYs", b"\0"),
    "a short gamma": (b"gAMA", b"\0"),
    "short chromaticities": (b"cHRM", b"\0" * 5),
    "exif that is none": (b"eXIf", b"MM\0*\xff\xff\xff\xff"),
    "frames that are none": (b"acTL", b"\0"),
    "a frame that is too large": (b"fcTL", b"\xff" * 26),
}


@pytest.mark.parametrize("what", ODD_CHUNKS)
@pytest.mark.parametrize("checksum", [None, 1])
def test_no_other_chunk_of_a_png_drops_or_changes_it(what, checksum):
    data = encoded(quarters())
    odd = with_chunk(data, *ODD_CHUNKS[what], checksum=checksum)
    np.testing.assert_array_equal(decode_image(odd, 48), decode_image(data, 48))


def test_a_profile_is_inflated_to_a_limit():
    data = with_chunk(encoded(quarters()), *ODD_CHUNKS["a profile of 70 MB"])
    assert len(metadata.part(data).profile) <= metadata.MAX_PROFILE_BYTES


def test_the_png_with_2_megabytes_of_compressed_xmp():
    odd, plain = (
        decode_image((INPUTS / "png" / name).read_bytes(), 96)
        for name in ("xmp_2MB_compressed.png", "plain.png")
    )
    np.testing.assert_array_equal(odd, plain)


def test_much_text_of_a_png_in_all(monkeypatch):
    monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_MEMORY", 1000)
    data = encoded(quarters())
    for _ in range(20):
        data = with_chunk(data, b"tEXt", b"Comment\0" + b"x" * 500)
    assert_quarters(decode_image(data, 16))


def segment(marker, content):
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


ODD_SEGMENTS = {
    "a short JFIF": segment(0xE0, b"JFIF\0"),
    "a short profile": segment(0xE2, b"ICC_PROFILE\0"),
    "a profile in pieces that lack one": segment(0xE2, b"ICC_PROFILE\0\1\2xxxx"),
    "a short Adobe mark": segment(0xEE, b"Adobe"),
    "pictures that are not there": segment(0xE2, b"MPF\0II*\0\x08\0\0\0\xff\xff"),
    "Photoshop's blocks cut short": segment(0xED, b"Photoshop 3.0\x008BIM\x03\xed\0\0\0\0\0\x10"),
    "exif without a content": segment(0xE1, b"Exif\0\0"),
    "a resolution through zero": segment(
        0xE1, exif(1, more=[struct.pack("<HHII", 0x011A, 5, 1, 0x1A)])
    ),
    "XMP that says how it lies": segment(
        0xE1, b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>'
    ),
    "a comment": segment(0xFE, b"\xff\xda\xff\xd9"),
}


@pytest.mark.parametrize("what", ODD_SEGMENTS)
def test_no_other_segment_of_a_jpeg_drops_or_changes_it(what):
    data = encoded(quarters(), "JPEG", quality=95)
    odd = data[:2] + ODD_SEGMENTS[what] + data[2:]
    np.testing.assert_array_equal(decode_image(odd, 48), decode_image(data, 48))


def test_padding_between_segments_of_a_jpeg():
    data = encoded(quarters(), "JPEG", quality=95, exif=exif(6))
    odd = data[:2] + b"\xff\xff" + data[2:]
    np.testing.assert_array_equal(decode_image(odd, 48), decode_image(data, 48))


def test_the_colours_of_an_adobe_jpeg_are_kept():
    data = encoded(quarters("CMYK"), "JPEG", quality=95)
    assert b"Adobe" in data
    assert b"Adobe" in metadata.part(data).data


ODD_TAGS = {
    "a resolution of text": (282, 2, 4, b"abc\0"),
    "a resolution through zero": (282, 5, 1, bytes(4)),
    "exif far outside": (34665, 4, 1, b"\xff\xff\xff\x7f"),
    "a place that is none": (34853, 3, 9, b"\1\0\1\0"),
    "Photoshop's blocks far outside": (34377, 1, 2**31, b"\xff\xff\xff\x7f"),
    "XMP of 4 GB": (700, 1, 2**32 - 1, b"\x08\0\0\0"),
    "an orientation out of range": (274, 3, 1, b"\x09\0\0\0"),
}


@pytest.mark.parametrize("what", ODD_TAGS)
def test_no_other_tag_of_a_tiff_drops_or_changes_it(what):
    data = encoded(quarters(), "TIFF")
    place = struct.unpack("<I", data[4:8])[0]
    count = struct.unpack("<H", data[place : place + 2])[0]
    entries = data[place + 2 : place + 2 + 12 * count]
    tag, kind, number, value = ODD_TAGS[what]
    entries += struct.pack("<HHI", tag, kind, number) + value
    odd = data[:4] + struct.pack("<I", len(data)) + data[8:]
    odd += struct.pack("<H", count + 1) + entries + bytes(4)
    np.testing.assert_array_equal(decode_image(odd, 48), decode_image(data, 48))


@pytest.mark.parametrize("kind", ["WEBP", "AVIF"])
def test_damaged_exif_of_other_formats(kind):
    whole = exif(1, more=[struct.pack("<HHI4s", 0x0131, 2, 4, b"abc")])
    if kind not in readable_formats():
        pytest.skip("this Pillow has no AVIF")
    data = encoded(quarters(), kind, quality=95, exif=whole)
    assert data.count(b"II*\0\x08\0\0\0") == 1
    odd = data.replace(b"II*\0\x08\0\0\0", b"II*\0\xff\xff\xff\x7f")
    assert_quarters(decode_image(odd, 16), 25)
    odd = data.replace(b"II*\0\x08\0\0\0", b"no exif.")
    assert_quarters(decode_image(odd, 16), 25)


def test_an_avif_lies_as_its_properties_say():
    if "AVIF" not in readable_formats():
        pytest.skip("this Pillow has no AVIF")
    data = encoded(quarters().transpose(TURNED[6]), "AVIF", quality=95, exif=exif(6))
    assert_quarters(decode_image(data, 16), 25)
