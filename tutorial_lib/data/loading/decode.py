"""From the bytes of one file to a small square picture, or to the reason why there is none."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import re
import threading

import numpy as np
from PIL import Image, ImageChops, JpegImagePlugin

from tutorial_lib.data.loading import colour, metadata
from tutorial_lib.data.loading.skipped import OTHER_KIND, SHEET
from tutorial_lib.files import SHEET_MARK, printable

# Files in these formats are known by their first bytes and hold one picture. Documents, films,
# and what needs an external program are left out, as is what could be taken for anything.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")
HEAD_BYTES = 1024  # in which the mark of a sheet stands
MAX_PIXELS = 90_000_000  # decoded: 360 MB
MAX_JPEG_PIXELS = 512_000_000  # before it is reduced; a progressive one takes up to 6 bytes each
UPRIGHT = {  # what turns a picture upright, by its EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip

_LARGE = threading.Lock()  # only one picture above MAX_PIXELS is decoded at a time
_END = b"\xff\xd9"
# Noise that begins with long codes, and with it each mark at which a decoder can resume.
_NOISE = b"".join(bytes(range(0xFE, 0, -3)) + bytes((0xFF, mark)) for mark in range(0xD0, 0xD8))
# Pictures that Pillow cannot decode, by what their first bytes hold.
_FOREIGN = {
    b"ftypheic": "HEIC", b"ftypheix": "HEIC", b"ftyphevc": "HEIC", b"ftypmif1": "HEIC",
    b"ftypavif": "AVIF", b"JXL \r\n": "JPEG XL", b"\xff\x0a": "JPEG XL", b"8BPS": "Photoshop",
    b"ftypcrx": "camera raw", b"IIRO": "camera raw", b"IIU\0": "camera raw",
    b"FUJIFILM": "camera raw", b"FOVb": "camera raw",
}  # fmt: skip


class UnfitError(Exception):
    """Say why a sound file is not loaded, as "kind: detail"."""


def decode_image(data: bytes, size: int) -> np.ndarray:
    """Decode one file to a square RGB image, uint8 (size, size, 3).

    It is turned upright after EXIF, converted to sRGB after its colour profile, laid on white
    where transparent, cropped to the square in its centre and resized with antialiasing.

    Raises `UnfitError` if the file is sound but not for us, else whatever Pillow raises on data
    that is damaged or no picture.
    """
    if metadata.is_preview(data) and data[:2] in (b"II", b"MM"):
        raise UnfitError("to be converted to JPEG first: camera raw")
    parted = metadata.part(data)
    is_jpeg = data.startswith(b"\xff\xd8\xff")
    image = _load_jpeg(parted.data, size) if is_jpeg else _load(parted.data)
    profile = parted.profile or image.info.get("icc_profile")
    rgb = colour.to_rgb(image, profile if isinstance(profile, bytes) else b"", parted.key)
    orientation = metadata.read_orientation(parted.exif or image.info.get("exif", b""))
    if orientation in UPRIGHT:
        rgb = rgb.transpose(UPRIGHT[orientation])
    side = min(rgb.size)
    left, top = (rgb.width - side) // 2, (rgb.height - side) // 2
    square = rgb.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3))


def decode_or_explain(name: str, data: bytes | Exception, size: int) -> np.ndarray | str:
    """Decode one file as `decode_image` does, or return the reason why it cannot be used.

    `data` may be the error met in reading the file; `name` only tells what it should have been.
    """
    if isinstance(data, Exception):
        return f"unreadable: {printable(str(data))[:100]}"
    if not data:
        return "empty"
    if SHEET_MARK.encode() in data[:HEAD_BYTES]:
        return SHEET
    try:
        return decode_image(data, size)
    except UnfitError as error:
        return str(error)
    except Image.UnidentifiedImageError:
        return _explain_unknown(name, data)
    except Image.DecompressionBombError:
        return f"of too many pixels: more than {MAX_PIXELS:,}; make it smaller"
    except Exception as error:  # a decoder may fail in any way on damaged data
        return f"damaged: {printable(str(error))[:100] or type(error).__name__}"


@functools.cache
def readable_formats() -> tuple[str, ...]:
    """Return which of FORMATS the installed Pillow can decode.

    Built without the library for a format, it may still open such files, but not save any.
    """
    Image.init()
    return tuple(kind for kind in FORMATS if kind in Image.OPEN and kind in Image.SAVE)


def _explain_unknown(name: str, data: bytes) -> str:
    for mark, kind in _FOREIGN.items():
        if mark in data[:12] and kind not in readable_formats():
            return f"to be converted to JPEG first: {kind}"
    kind = Image.registered_extensions().get(os.path.splitext(name)[1].lower())
    named = kind in readable_formats() or data[4:12] == b"ftypavif"
    return "damaged: no picture is in it" if named else OTHER_KIND


def _load(data: bytes) -> Image.Image:
    """Load the first frame of a picture that is no JPEG."""
    image = Image.open(io.BytesIO(data), formats=readable_formats())
    if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
        raise UnfitError("of 32 bits or floats: where white lies is unknown; save it in 8 or 16")
    _check_pixels(image.size)
    image.load()
    return image


def _load_jpeg(data: bytes, size: int) -> Image.Image:
    """Load a JPEG, also one that lacks nothing but the mark of its end.

    That is so if all scans are there, and the pixels are the same whatever follows the last one.
    """
    try:
        return _load_reduced(data, size)
    except OSError:
        data = data.rstrip(b"\xff")
        image = _load_reduced(data + _END, size)
        other = _load_reduced(data + _NOISE + _END, size)
        if ImageChops.difference(image, other).getbbox() or not _has_all_scans(data, image.layers):
            raise
        return image


def _has_all_scans(data: bytes, components: int) -> bool:
    """Tell whether the scans of a JPEG give all 64 coefficients of each component, to the last bit.

    A progressive one that ends with an earlier scan decodes without a fault, but blurred.
    """
    given = set()
    for start in re.finditer(rb"\xff\xda\0.(.)", data, re.DOTALL):
        names = 2 * start[1][0]
        scan = data[start.end() : start.end() + names + 3]
        if len(scan) == names + 3 and scan[-1] & 15 == 0:
            given |= {(name, k) for name in scan[:names:2] for k in range(scan[-3], scan[-2] + 1)}
    return len(given) == 64 * components


def _load_reduced(data: bytes, size: int) -> Image.Image:
    """Load a JPEG at a half, a quarter or an eighth, which is faster and needs less memory.

    Three times the target is more than the final filter can tell from the original.
    """
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    pixels = image.width * image.height
    if pixels > MAX_JPEG_PIXELS:
        raise _too_many(image.size, MAX_JPEG_PIXELS)
    image.draft(image.mode, (3 * size, 3 * size))
    _check_pixels(image.size)
    with _LARGE if pixels > MAX_PIXELS else contextlib.nullcontext():
        image.load()
    return image


def _check_pixels(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise _too_many(size, MAX_PIXELS)


def _too_many(size: tuple[int, int], limit: int) -> UnfitError:
    return UnfitError(
        f"of too many pixels: {size[0]:,}×{size[1]:,}, more than {limit:,}; make it smaller"
    )
