"""What tests of the data room share: small pictures and archives, and what they should become."""

import io
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from tutorial_lib.data.loading.folder import load_images

INPUTS = Path(__file__).parents[1] / "inputs"
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


def png(width, height, depth, colour_type, rows, *chunks):
    """Make a PNG of given bits; `chunks` are (name, content) and stand before the pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*named) for named in chunks)


def chunk(name, content, checksum=None):
    """Make one chunk of a PNG, by default with the right checksum."""
    checksum = zlib.crc32(name + content) if checksum is None else checksum
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def exif(orientation, order="<", kind=3, more=()):
    """Make EXIF of an orientation; `more` are further entries of 12 bytes."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    value = struct.pack(order + {1: "Bxxx", 3: "Hxx", 4: "I"}[kind], orientation)
    entries = [struct.pack(order + "HHI", 0x0112, kind, 1) + value, *more]
    directory = struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)
    return b"Exif\0\0" + mark + struct.pack(order + "I", 8) + directory


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
