"""Any folder or archive of pictures, as one array of small square images."""

from __future__ import annotations

import io
import os
import warnings
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from tqdm.auto import tqdm

from tutorial_lib.data import archive
from tutorial_lib.errors import TutorialError
from tutorial_lib.progress import is_watched

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
MAX_SIZE = 1024
WORKERS = min(8, os.cpu_count() or 1)  # threads: Pillow decodes without the interpreter's lock


def load_images(
    path: str | os.PathLike, size: int = 64, *, minimum: int = 1, progress: bool = False
) -> tuple[np.ndarray, dict[str, str]]:
    """Load every image of a folder or an archive, cropped to a square and resized.

    Folders are searched to any depth; archives (.zip, .tar, .tar.gz, .tar.bz2, .tar.xz) are read
    without unpacking. JPEG, PNG, WebP, GIF (first frame) and BMP of any colour mode are turned
    upright after EXIF, laid on white where transparent, centre-cropped and resized with
    antialiasing. The order is that of the names, `cat_9` before `cat_10`.

    Args:
        path: a folder or an archive.
        size: side of the square images in pixels, 1 to 1024.
        minimum: the fewest images that the caller can do with.
        progress: show a progress bar where there is a terminal.

    Returns:
        The images, uint8 (N, size, size, 3), and a dictionary {file name: reason} of the files
        that were skipped: corrupt ones, other kinds, links and unsafe names in archives.

    Raises:
        TutorialError: the path is missing, unreadable or damaged, or yields too few images.
    """
    check_size(size)
    source = archive.open_source(path)
    entries, skipped = archive.list_files(source)
    names = [entry.name for entry in entries]
    images, unread = read_images(source, names, size, progress=progress)
    skipped |= unread
    if len(images) < max(1, minimum):
        raise too_few(source.path, len(images), max(1, minimum), skipped)
    return images, skipped


def read_images(
    source: archive.Folder | archive.Zip | archive.Tar,
    names: list[str],
    size: int,
    *,
    progress: bool,
) -> tuple[np.ndarray, dict[str, str]]:
    """Read and decode the named files of a source into one array, in the order of the names.

    Returns:
        The images, uint8 (N, size, size, 3), and {file name: reason} of those that did not decode.

    Raises:
        TutorialError: the archive is damaged, or the images do not fit into memory.
    """
    images = _allocate(len(names), size)
    row = {name: index for index, name in enumerate(names)}
    decoded = np.zeros(len(names), bool)
    skipped = {}
    bar = tqdm(
        total=len(names), desc="Decoding", unit=" images", disable=not (progress and is_watched())
    )
    with bar:
        for name, image in _decode_all(source, names, size):
            if isinstance(image, str):
                skipped[archive.printable(name)] = image
            else:
                images[row[name]] = image
                decoded[row[name]] = True
            bar.update()
    return _keep(images, decoded), skipped


def decode_image(data: bytes, size: int) -> np.ndarray:
    """Decode one file to a square RGB image, uint8 (size, size, 3).

    Raises:
        Exception: whatever Pillow raises on data that is damaged, too large or no image.
    """
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        # A JPEG decodes much faster at a half, a quarter or an eighth; three times the target is
        # more than the final filter can tell from the original.
        image.draft(image.mode, (3 * size, 3 * size))
        rgb = _to_rgb(ImageOps.exif_transpose(image))
    side = min(rgb.size)
    left, top = (rgb.width - side) // 2, (rgb.height - side) // 2
    square = rgb.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3))


def resize_images(images: np.ndarray, size: int) -> np.ndarray:
    """Resize square RGB images, uint8 (N, H, H, 3), with antialiasing to (N, size, size, 3)."""
    resized = np.empty((len(images), size, size, 3), np.uint8)
    for target, image in zip(resized, images, strict=True):
        target[:] = Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS)
    return resized


def check_size(size: int) -> None:
    """Refuse an image size that is no integer from 1 to 1024 with a TutorialError."""
    if not isinstance(size, int | np.integer) or not 1 <= size <= MAX_SIZE:
        raise TutorialError(
            f"The image size must be an integer from 1 to {MAX_SIZE}, not {size!r}."
        )


def too_few(path: Path, found: int, minimum: int, skipped: dict[str, str]) -> TutorialError:
    """Make the error that says a source has too few images, and why files were skipped."""
    message = f"{path} holds {found} readable images, but at least {minimum} are needed"
    archives = [name for name in skipped if name.endswith((".zip", ".tar", ".gz", ".xz", ".bz2"))]
    if archives:
        message += f"; it does hold an archive, {archives[0]}: name that instead"
    elif skipped:
        message += f"; skipped: {describe_skipped(skipped)}"
    else:
        message += ": put JPEG, PNG, WebP, GIF or BMP files there"
    return TutorialError(message + ".")


def describe_skipped(skipped: dict[str, str], shown: int = 3) -> str:
    """Summarise the skipped files in one line: how many, and the first few with reasons."""
    named = ", ".join(f"{name} ({reason})" for name, reason in list(skipped.items())[:shown])
    count = f"{len(skipped)} file{'s' if len(skipped) > 1 else ''}"
    return f"{count}: {named}{', …' if len(skipped) > shown else ''}"


def _decode_all(
    source: archive.Folder | archive.Zip | archive.Tar, names: list[str], size: int
) -> Iterator[tuple[str, np.ndarray | str]]:
    """Yield (name, image or reason), decoding in threads a few files ahead of the caller."""
    waiting = deque()
    with warnings.catch_warnings(), ThreadPoolExecutor(WORKERS) as pool:
        warnings.simplefilter("ignore")  # remarks on odd metadata
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            for name, data in source.read(names):
                waiting.append((name, pool.submit(_decode_or_explain, data, size)))
                if len(waiting) > 4 * WORKERS:
                    name, image = waiting.popleft()
                    yield name, image.result()
        except archive.DAMAGED as error:
            raise archive.damaged(source.path, error) from error
        for name, image in waiting:
            yield name, image.result()


def _decode_or_explain(data: bytes | Exception, size: int) -> np.ndarray | str:
    if isinstance(data, Exception):
        return f"unreadable: {data}"
    if not data:
        return "an empty file"
    try:
        return decode_image(data, size)
    except Image.UnidentifiedImageError:
        return "not a JPEG, PNG, WebP, GIF or BMP image"
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return f"more than {Image.MAX_IMAGE_PIXELS:,} pixels"
    except Exception as error:  # a decoder may fail in any way on damaged data
        return f"damaged: {error or type(error).__name__}"


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # grey of 16 bits, which convert() would clip instead of scale
        levels = (np.asarray(image).astype(np.int64) + 128) // 257
        image = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _allocate(count: int, size: int) -> np.ndarray:
    try:
        return np.empty((count, size, size, 3), np.uint8)
    except MemoryError as error:
        gigabytes = count * size * size * 3 / 1e9
        raise TutorialError(
            f"{count:,} images of {size}×{size} pixels need {gigabytes:.1f} GB of memory: "
            "choose a smaller size or fewer files."
        ) from error


def _keep(images: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """Close the gaps that undecodable files left, in place: the array may fill half the memory."""
    kept = np.flatnonzero(decoded)
    for new, old in enumerate(kept):
        if new != old:
            images[new] = images[old]
    return images[: len(kept)]
