"""Part a picture from its metadata, so that no fault there drops or changes the picture.

Pillow parses all metadata while it opens a file, and each version differently. So it is given
JPEG, PNG, TIFF and AVIF files without; the three things that matter to how the pixels look are
read here: the EXIF orientation, the colour profile and the colour that a PNG calls transparent.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

MAX_PROFILE_BYTES = 16 * 2**20  # the largest in use, of printers, have a quarter of that

_ORIENTATION, _SUBFILE_TYPE = 0x0112, 0x00FE
# The tags of TIFF without which the pixels cannot be decoded, and the profile.
_PIXEL_TAGS = frozenset((
    *range(256, 260), 262, 266, 273, *range(277, 280), 284, 292, 293, 317, 320, *range(322, 326),
    332, 338, 339, 347, *range(512, 522), *range(529, 533), 34675,
))  # fmt: skip
_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


class Parted(NamedTuple):
    """A picture's bytes without metadata, and of that, as bytes, what matters to the pixels.

    `key` is the transparent colour, one or three values as Pillow decodes them, or empty.
    """

    data: bytes
    exif: bytes = b""
    profile: bytes = b""
    key: tuple[int, ...] = ()


def part(data: bytes) -> Parted:
    """Part the bytes of a picture; kinds whose metadata Pillow leaves alone stay as they are.

    Never raises: what has not the form of its kind is left for the decoder to refuse.
    """
    if data.startswith(b"\xff\xd8"):
        return _part_jpeg(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _part_png(data)
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _part_tiff(data)
    if data[4:8] == b"ftyp":
        # Renamed, the item of EXIF is not found. It says nothing about how the picture lies:
        # properties of the picture do, which Pillow writes into an EXIF of its own making.
        item = re.compile(rb"(infe\x02.{7}|infe\x03.{9})Exif", re.DOTALL)
        return Parted(item.sub(rb"\1free", data, count=1))
    return Parted(data)


def read_orientation(exif: bytes) -> int:
    """Return how a picture lies, 1 to 8 as EXIF counts, from the bytes of EXIF or of a TIFF.

    It is 1, upright, where they are damaged or do not say.
    """
    while exif.startswith(b"Exif\0\0"):  # some programs write the mark twice
        exif = exif[6:]
    orientation = _read_number(exif, _ORIENTATION)
    return orientation if 1 <= orientation <= 8 else 1


def is_preview(data: bytes) -> bool:
    """Tell whether the first picture of a TIFF is but a preview, as in a camera's raw files."""
    return data[8:10] == b"CR" or bool(_read_number(data, _SUBFILE_TYPE) & 1)


def _part_jpeg(data: bytes) -> Parted:
    kept, exif, profile, at = [data[:2]], b"", [], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker < 0xC0 or 0xD0 <= marker <= 0xDA:  # from the start of scan on, keep everything
            break
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        content = data[at + 4 : end]
        if marker == 0xE1 and content.startswith(b"Exif\0\0"):
            exif = exif or content
        elif marker == 0xE2 and content.startswith(b"ICC_PROFILE\0"):
            profile.append(content[12:])
        elif marker < 0xE0 or _tells_colours(marker, content):
            kept.append(data[at:end])
        at = end
    return Parted(b"".join((*kept, data[at:])), exif, _join_profile(profile))


def _tells_colours(marker: int, content: bytes) -> bool:
    """Tell whether a segment says which colours the channels are, and is as long as it should."""
    jfif = marker == 0xE0 and content.startswith(b"JFIF\0") and len(content) >= 14
    adobe = marker == 0xEE and content.startswith(b"Adobe") and len(content) >= 12
    return jfif or adobe or 0xF0 <= marker <= 0xFD


def _join_profile(pieces: list[bytes]) -> bytes:
    """Join the pieces of a JPEG's profile, each behind its number and their count, if all there."""
    pieces.sort()
    numbers = [piece[:2] for piece in pieces]
    whole = numbers == [bytes((n, len(pieces))) for n in range(1, min(len(pieces), 255) + 1)]
    return b"".join(piece[2:] for piece in pieces) if whole else b""


def _part_png(data: bytes) -> Parted:
    kept, exif, profile, key, at = [data[:8]], b"", b"", (), 8
    depth, colour_type = data[24:25], data[25:26]
    while at + 8 <= len(data):
        kind, start = data[at + 4 : at + 8], at + 8
        end = start + int.from_bytes(data[at : at + 4], "big")
        if kind == b"eXIf":
            exif = data[start:end]
        elif kind == b"iCCP":
            profile = _inflate(data[start:end].partition(b"\0")[2][1:])
        elif kind == b"tRNS" and colour_type in (b"\0", b"\2"):
            key = _read_key(data[start:end], depth[0], 1 if colour_type == b"\0" else 3)
        elif kind in _PIXEL_CHUNKS:
            kept.append(data[at : end + 4])
        at = end + 4
    return Parted(b"".join(kept), exif, profile, key)


def _inflate(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, MAX_PROFILE_BYTES)
    except zlib.error:
        return b""


def _read_key(content: bytes, depth: int, channels: int) -> tuple[int, ...]:
    """Read the transparent colour, at the depth to which Pillow brings the pixels.

    That is 8 bits but for grey of 16; Pillow itself forgets to bring the key there.
    """
    if len(content) < 2 * channels:
        return ()
    values = (int.from_bytes(content[2 * n : 2 * n + 2], "big") for n in range(channels))
    if depth == 16:
        return tuple(value if channels == 1 else value >> 8 for value in values)
    return tuple(value * 255 // max(1, 2**depth - 1) for value in values)


def _part_tiff(data: bytes) -> Parted:
    """Give a TIFF a first directory, at its end, of nothing but what the pixels need."""
    order, wide = _read_form(data)
    number = 8 if wide else 4
    kept = [e for e in _entries(data) if int.from_bytes(e[:2], order) in _PIXEL_TAGS]
    padded = data + bytes(len(data) % 2)
    count = len(kept).to_bytes(8 if wide else 2, order)
    head = data[:number] + len(padded).to_bytes(number, order)
    tail = count + b"".join(kept) + bytes(number)
    return Parted(head + padded[len(head) :] + tail, exif=data)


def _read_form(tiff: bytes) -> tuple[str, bool]:
    """Return the order of bytes of a TIFF, and whether its numbers are of 64 bits."""
    order = "big" if tiff.startswith(b"MM") else "little"
    return order, int.from_bytes(tiff[2:4], order) == 43


def _entries(tiff: bytes) -> Iterator[bytes]:
    """Yield the entries of the first directory of a TIFF that lie inside of it."""
    order, wide = _read_form(tiff)
    number, counter, length = (8, 8, 20) if wide else (4, 2, 12)
    place = int.from_bytes(tiff[number : 2 * number], order)
    count = int.from_bytes(tiff[place : place + counter], order)
    start = place + counter
    for at in range(start, min(start + count * length, len(tiff) - length + 1), length):
        yield tiff[at : at + length]


def _read_number(tiff: bytes, tag: int) -> int:
    """Read the first value of a tag of whole numbers, 0 if there is none."""
    order, wide = _read_form(tiff)
    start = 12 if wide else 8
    for entry in _entries(tiff):
        if int.from_bytes(entry[:2], order) == tag:
            width = {1: 1, 3: 2, 4: 4}.get(int.from_bytes(entry[2:4], order), 0)
            return int.from_bytes(entry[start : start + width], order)
    return 0
