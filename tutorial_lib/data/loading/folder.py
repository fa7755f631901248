"""Any folder or archive of pictures, as one array of small square images."""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from tutorial_lib.data.loading import archive, cache
from tutorial_lib.data.loading.decode import FORMATS, decode_or_explain, readable_formats
from tutorial_lib.data.loading.skipped import describe_skipped
from tutorial_lib.errors import TutorialError
from tutorial_lib.files import printable
from tutorial_lib.progress import is_watched

MAX_SIZE = 1024
WORKERS = min(8, os.cpu_count() or 1)  # threads: Pillow decodes without the interpreter's lock


def load_images(
    path: str | os.PathLike,
    size: int = 64,
    *,
    progress: bool = False,
    cache: str | os.PathLike | None = None,
) -> tuple[np.ndarray, dict[str, str]]:
    """Load every image of a folder or an archive, cropped to a square and resized.

    Folders are searched to any depth; archives (.zip, .tar, .tar.gz, .tar.bz2, .tar.xz) are read
    without unpacking. JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, JPEG 2000 and PPM of any colour mode
    (the first frame) are turned upright after EXIF, brought to sRGB, laid on white where
    transparent, centre-cropped and resized with antialiasing to `size` pixels a side, 1 to 1024.
    The order is that of the names, `cat_9` before `cat_10`. Folders that systems keep beside
    pictures are passed over, and runs of this program are left out.

    Returns the images, uint8 (N, size, size, 3), and {file name: reason} of the files that were
    skipped: damaged ones, other kinds, links and unsafe names in archives. Unless the files are
    small, the images are mapped, read-only, from a copy on disk that is made once: in the folder
    `cache`, by default `cats-from-noise` in the user's cache folder (that of the environment
    variable XDG_CACHE_HOME, if it is set).

    `progress` shows a bar where there is a terminal. Raises `TutorialError` if the path is
    missing, unreadable or damaged, or yields no image.
    """
    check_size(size)
    source = archive.open_source(path)
    load = _load_folder if isinstance(source, archive.Folder) else _load_archive
    images, skipped = load(source, size, progress, cache)
    if not len(images):
        raise _none_found(source.path, skipped)
    return images, skipped


def decode_source(
    source: archive.Folder | archive.Zip | archive.Tar, size: int, progress: bool
) -> tuple[np.ndarray, dict[str, str]]:
    """Load every image of an open source as `load_images` does, never from the cache."""
    entries, left_out = archive.list_files(source)
    images, unread = _read_images(source, [entry.name for entry in entries], size, progress)
    return images, left_out | unread


def resize_images(images: np.ndarray, size: int) -> np.ndarray:
    """Resize square RGB images, uint8 (N, H, H, 3), with antialiasing to (N, size, size, 3)."""
    resized = np.empty((len(images), size, size, 3), np.uint8)
    for target, image in zip(resized, images, strict=True):
        target[:] = Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS)
    return resized


def check_size(size: int) -> None:
    """Refuse an image size that is no integer from 1 to 1024 with a `TutorialError`."""
    if not isinstance(size, int | np.integer) or not 1 <= size <= MAX_SIZE:
        raise TutorialError(
            f"The image size must be an integer from 1 to {MAX_SIZE}, not {size!r}."
        )


def _load_folder(
    source: archive.Folder, size: int, progress: bool, place: str | os.PathLike | None
) -> tuple[np.ndarray, dict[str, str]]:
    """List the folder anew, which is quick, and decode its files unless the cache has them."""
    entries, left_out = archive.list_files(source)

    def decode():
        return _read_images(source, [entry.name for entry in entries], size, progress)

    if sum(entry.size for entry in entries) < cache.SMALL:
        images, unread = decode()
    else:
        images, unread = cache.load_or_decode(
            source.path, (readable_formats(), entries), size, decode, place
        )
    return images, left_out | unread


def _load_archive(
    source: archive.Zip | archive.Tar, size: int, progress: bool, place: str | os.PathLike | None
) -> tuple[np.ndarray, dict[str, str]]:
    """Decode an archive unless the cache has it; to list it might be to decompress all of it."""
    status = source.path.stat()
    if status.st_size < cache.SMALL:
        return decode_source(source, size, progress)
    state = (readable_formats(), status.st_size, status.st_mtime_ns)
    return cache.load_or_decode(
        source.path, state, size, lambda: decode_source(source, size, progress), place
    )


def _read_images(
    source: archive.Folder | archive.Zip | archive.Tar, names: list[str], size: int, progress: bool
) -> tuple[np.ndarray, dict[str, str]]:
    """Read and decode the named files into one array, in the order of the names.

    Returns the images and {file name: reason} of those that did not decode. Raises
    `TutorialError` if the archive is damaged, or the images do not fit into memory.
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
                skipped[printable(name)] = image
            else:
                images[row[name]] = image
                decoded[row[name]] = True
            bar.update()
    return _close_gaps(images, decoded), skipped


def _decode_all(
    source: archive.Folder | archive.Zip | archive.Tar, names: list[str], size: int
) -> Iterator[tuple[str, np.ndarray | str]]:
    """Yield (name, image or reason), decoding in threads a few files ahead of the caller."""
    waiting = deque()
    with warnings.catch_warnings(), ThreadPoolExecutor(WORKERS) as pool:
        warnings.simplefilter("ignore")  # remarks on odd files, and on large ones, that load
        try:
            for name, data in source.read(names):
                waiting.append((name, pool.submit(decode_or_explain, name, data, size)))
                if len(waiting) > 4 * WORKERS:
                    name, image = waiting.popleft()
                    yield name, image.result()
        except archive.DAMAGED as error:
            raise archive.damaged(source.path, error) from error
        for name, image in waiting:
            yield name, image.result()


def _none_found(path: Path, skipped: dict[str, str]) -> TutorialError:
    """Make the error that says a source has no images, and why files were skipped."""
    message = f"{printable(path)} holds no readable image"
    archives = [name for name in skipped if name.endswith((".zip", ".tar", ".gz", ".xz", ".bz2"))]
    if archives:
        message += f"; it does hold an archive, {archives[0]}: name that instead"
    elif skipped:
        message += f"; skipped: {describe_skipped(skipped)}"
    else:
        message += f": put files there of the kinds {', '.join(FORMATS)}"
    return TutorialError(message + ".")


def _allocate(count: int, size: int) -> np.ndarray:
    try:
        return np.empty((count, size, size, 3), np.uint8)
    except MemoryError as error:
        gigabytes = count * size * size * 3 / 1e9
        raise TutorialError(
            f"{count:,} images of {size}×{size} pixels need {gigabytes:.1f} GB of memory: "
            "choose a smaller size or fewer files."
        ) from error


def _close_gaps(images: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """Close the gaps that undecodable files left, in place: the array may fill half the memory."""
    kept = np.flatnonzero(decoded)
    for new, old in enumerate(kept):
        if new != old:
            images[new] = images[old]
    return images[: len(kept)]
