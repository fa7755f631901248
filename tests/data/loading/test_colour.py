import io
import struct

import numpy as np
import pytest
from helpers.pictures import (
    GREEN,
    INPUTS,
    RED,
    WHITE,
    assert_colour,
    assert_quarters,
    encoded,
    load_one,
    png,
    quarters,
)
from PIL import Image, ImageCms

from tutorial_lib.data.loading import metadata
from tutorial_lib.data.loading.colour import to_rgb
from tutorial_lib.data.loading.decode import decode_image

# ---- transparency


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


@pytest.mark.parametrize(
    ("depth", "row", "key", "other"),
    [
        (1, b"\x80", 1, (0, 0, 0)),
        (2, b"\x90", 2, (85, 85, 85)),
        (4, b"\x73", 7, (51, 51, 51)),
        (16, b"\x12\x34\x40\x40", 0x1234, (64, 64, 64)),
    ],
)
def test_the_colour_key_of_every_depth_of_grey(depth, row, key, other):
    data = png(2, 1, depth, 0, b"\0" + row, (b"tRNS", key.to_bytes(2, "big")))
    left, right = np.asarray(decode_two(data))
    assert_colour(left, WHITE, 0)
    assert_colour(right, other, 0)


def test_the_colour_key_of_16_bits_a_channel():
    rows = b"\0" + b"\x01\x02\x03\x04\x05\x06" + b"\x21\x02\x43\x04\x65\x06"
    data = png(2, 1, 16, 2, rows, (b"tRNS", b"\x01\x02\x03\x04\x05\x06"))
    left, right = decode_two(data)
    assert_colour(left, WHITE, 0)
    assert_colour(right, (0x21, 0x43, 0x65), 0)


def decode_two(data):
    """Decode a picture of two pixels, side by side, to both: each is a square of its own."""
    parted = metadata.part(data)
    with Image.open(io.BytesIO(parted.data)) as image:
        image.load()
    return np.asarray(to_rgb(image, b"", parted.key))[0]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_a_clear_picture_is_white(kind):
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert_colour(decode_image(encoded(image, kind), 8), WHITE, 0)


@pytest.mark.parametrize(("alpha", "expected"), [(0, RED), (128, (255, 127, 127)), (255, RED)])
def test_the_alpha_of_a_bmp_counts_unless_it_was_left_empty(alpha, expected):
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<IiiHHIIiiII", 108, 8, 8, 1, 32, 3, 256, 0, 0, 0, 0) + masks + bytes(52)
    pixels = bytes([0, 0, 255, alpha]) * 64
    data = b"BM" + struct.pack("<IHHI", 122 + 256, 0, 0, 122) + header + pixels
    assert Image.open(io.BytesIO(data)).mode == "RGBA"
    assert_colour(decode_image(data, 8), expected, 1)


@pytest.mark.parametrize(("sort", "expected"), [(1, (255, 127, 127)), (2, (191, 127, 127))])
def test_premultiplied_alpha_of_a_tiff(sort, expected):
    data = encoded(Image.new("RGBA", (8, 8), (128, 0, 0, 128)), "TIFF")
    plain = struct.pack("<HHIHH", 338, 3, 1, 2, 0)
    assert data.count(plain) == 1
    data = data.replace(plain, struct.pack("<HHIHH", 338, 3, 1, sort, 0))
    assert_colour(decode_image(data, 8), expected, 1)


def test_premultiplied_grey():
    image = Image.new("LA", (2, 2), (0, 51)).convert("La")
    assert_colour(np.asarray(to_rgb(image, b"", ())), (204,) * 3, 1)


# ---- profiles


def profile(primaries=None, levels=(2.2,), colours=b"RGB "):
    """Make an ICC profile of a monitor (columns of XYZ, D50) or of grey.

    `levels` are one gamma, or the light of evenly spread values.
    """

    def tag(kind, content):
        return kind + bytes(4) + content + bytes(-len(content) % 4)

    def fixed(values):
        return b"".join(round(v * 65536).to_bytes(4, "big", signed=True) for v in values)

    scale = 256 if len(levels) == 1 else 65535
    curve = len(levels).to_bytes(4, "big")
    curve = tag(b"curv", curve + b"".join(round(v * scale).to_bytes(2, "big") for v in levels))
    white = (0.9642, 1.0, 0.8249)
    tags = {b"wtpt": tag(b"XYZ ", fixed(white))}
    if colours == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        for name, column in zip((b"r", b"g", b"b"), primaries, strict=True):
            tags[name + b"XYZ"] = tag(b"XYZ ", fixed(column))
            tags[name + b"TRC"] = curve
    place, directory, body = 128 + 4 + 12 * len(tags), len(tags).to_bytes(4, "big"), b""
    for name, content in tags.items():
        directory += name + (place + len(body)).to_bytes(4, "big")
        directory += len(content).to_bytes(4, "big")
        body += content
    head = (128 + len(directory) + len(body)).to_bytes(4, "big") + bytes(4) + b"\x02\x40\0\0"
    head += b"mntr" + colours + b"XYZ " + bytes(12) + b"acsp" + bytes(28) + fixed(white)
    return head.ljust(128, b"\0") + directory + body


WIDE = profile(((0.609741, 0.311111, 0.019470), (0.205276, 0.625671, 0.060867),
                (0.149185, 0.063217, 0.744568)))  # Adobe RGB (1998)  # fmt: skip
# The curve of sRGB by 40 points, as in the small profiles that sites put into pictures.
COARSE_SRGB = profile(
    ((0.436066, 0.222488, 0.013916), (0.385147, 0.716873, 0.097076),
     (0.143066, 0.060608, 0.714096)),
    [((v / 39 + 0.055) / 1.055) ** 2.4 if v > 1 else v / 39 / 12.92 for v in range(40)],
)  # fmt: skip
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_display_p3_red_is_as_red_as_it_gets():
    data = (INPUTS / "icc" / "display_p3_red.png").read_bytes()
    assert_colour(decode_image(data, 16), RED, 0)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_profiles_of_every_format_are_converted(kind):
    options = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    data = encoded(Image.new("RGB", (16, 16), (100, 200, 100)), kind, icc_profile=WIDE, **options)
    # Adobe RGB has sRGB's red and blue primaries' places but a purer green, so red falls to 0.
    found = decode_image(data, 8)[4, 4].astype(int)
    assert found[0] <= 10 and abs(found[1] - 202) <= 3 and abs(found[2] - 96) <= 4


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("srgb", [SRGB, COARSE_SRGB])
def test_an_srgb_profile_changes_no_pixel(kind, srgb):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(Image.fromarray(pixels), kind, icc_profile=srgb, **options)
    np.testing.assert_array_equal(decode_image(data, 32), pixels)


def test_the_coarse_srgb_profile_would_change_some():
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    source = ImageCms.ImageCmsProfile(io.BytesIO(COARSE_SRGB))
    srgb = ImageCms.createProfile("sRGB")
    changed = ImageCms.profileToProfile(Image.fromarray(pixels), source, srgb)
    assert 1 <= np.abs(np.asarray(changed).astype(int) - pixels).max() <= 2


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("broken", [b"x", bytes(200), SRGB[:300], b"\xff" * 500])
def test_a_damaged_profile_is_ignored(kind, broken):
    assert_quarters(decode_image(encoded(quarters(), kind, icc_profile=broken), 16), 25)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_profile_of_other_channels_is_ignored(mode):
    image = Image.new("RGB", (8, 8), (90, 90, 90)).convert(mode)
    data = encoded(image, "TIFF", icc_profile=WIDE)
    assert_colour(decode_image(data, 8), (90, 90, 90), 1)


def test_a_profile_of_grey_is_converted():
    data = encoded(Image.new("L", (8, 8), 128), icc_profile=profile(levels=(1.0,), colours=b"GRAY"))
    assert_colour(decode_image(data, 8), (188,) * 3, 1)  # half of the light, in sRGB
    image = Image.new("LA", (8, 8), (128, 128))
    data = encoded(image, icc_profile=profile(levels=(1.0,), colours=b"GRAY"))
    assert_colour(decode_image(data, 8), (221,) * 3, 2)


def test_a_profile_goes_before_the_alpha():
    image = Image.new("RGBA", (8, 8), (100, 200, 100, 128))
    found = decode_image(encoded(image, icc_profile=WIDE), 8)[4, 4].astype(int)
    assert found[0] <= 132 and abs(found[1] - 228) <= 3


def test_a_profile_holds_for_the_colours_of_a_palette():
    image = Image.new("RGB", (8, 8), (100, 200, 100)).quantize(2)
    assert decode_image(encoded(image, icc_profile=WIDE), 8)[4, 4, 0] <= 10


def printer(inks):
    """Make an ICC profile of a CMYK printer; `inks` gives the Lab bytes of every overprint."""
    straight = bytes(range(256))
    identity = b"".join((65536 if n % 4 == 0 else 0).to_bytes(4, "big") for n in range(9))
    table = b"mft1" + bytes(4) + b"\4\3\2\0" + identity + 4 * straight
    table += b"".join(inks(*(n >> bit & 1 for bit in (3, 2, 1, 0))) for n in range(16))
    table += 3 * straight
    head = (144 + len(table)).to_bytes(4, "big") + bytes(4) + b"\x02\x40\0\0prtrCMYKLab "
    white = b"".join(round(v * 65536).to_bytes(4, "big") for v in (0.9642, 1.0, 0.8249))
    head += bytes(12) + b"acsp" + bytes(28) + white
    directory = b"\0\0\0\1A2B0" + (144).to_bytes(4, "big") + len(table).to_bytes(4, "big")
    return head.ljust(128, b"\0") + directory + table


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_a_profile_of_cmyk_is_converted(kind):
    def inks(c, m, y, k):
        if k or m or y:
            return b"\0\x80\x80"
        return bytes([140, 128 - 37, 128 - 50]) if c else b"\xff\x80\x80"  # printed cyan, paper

    for pixel, expected in (((255, 0, 0, 0), (0, 148, 217)), ((0, 0, 0, 0), WHITE)):
        image = Image.new("CMYK", (16, 16), pixel)
        options = {"quality": 95} if kind == "JPEG" else {}
        data = encoded(image, kind, icc_profile=printer(inks), **options)
        assert_colour(decode_image(data, 8), expected, 12)


def test_lab_is_converted():
    lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    image = lab.apply(quarters())
    assert_quarters(decode_image(encoded(image, "TIFF"), 16), 24)
    del image.info["icc_profile"]
    assert_quarters(decode_image(encoded(image, "TIFF"), 16), 24)


def test_cmyk_jpeg(tmp_path):
    assert_quarters(load_one(tmp_path, encoded(quarters("CMYK"), "JPEG", quality=95), "a.jpg"), 12)


def test_cmyk_without_a_profile_keeps_the_plain_conversion():
    data = encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "TIFF")
    assert_colour(decode_image(data, 8), RED, 1)
