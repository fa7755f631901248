"""The real photographs: 29,843 cat faces of 64×64 pixels, downloaded once.

They come from the public repository AnnikaV9/cat-dataset (MIT licence), which compiled them from
Oxford-IIIT Pet, Pixabay, the CAT dataset and COCO.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from tqdm.auto import tqdm

from tutorial_lib.data.loading import archive, folder
from tutorial_lib.data.loading.cache import (
    cache_place,
    check_space,
    open_array,
    remove_unused,
    store_array,
)
from tutorial_lib.data.loading.skipped import describe_skipped
from tutorial_lib.data.pixels import fingerprint
from tutorial_lib.errors import TutorialError
from tutorial_lib.files import printable
from tutorial_lib.progress import is_watched, say

COMMIT = "c463f7f29d538bf46e5972f040ba16ddddfba533"
MIRRORS = (
    f"https://github.com/AnnikaV9/cat-dataset/archive/{COMMIT}.tar.gz",
    f"https://codeload.github.com/AnnikaV9/cat-dataset/tar.gz/{COMMIT}",
    f"https://api.github.com/repos/AnnikaV9/cat-dataset/tarball/{COMMIT}",
)
COUNT = 29_843
SIZE = 64
# SHA-256 of the pixels, uint8 (29843, 64, 64, 3). The host may pack the same files into other
# bytes any day, so the archive itself has no digest.
DIGEST = "bf5a6a59309db29a63de49a075e253e99f249fea80b3b193cd4285ec321bdf87"
ARCHIVE_BYTES = 290_000_000
RETRIES = 2  # of each mirror, after its first failure
TIMEOUT = 30  # seconds without a byte
CHUNK = 256  # images resized and written at a time
# What the operating system says of a disk that is full or may not be written.
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS,
               errno.EIO, errno.ENOTDIR, errno.EEXIST)  # fmt: skip


class MirrorError(Exception):
    """Say why one mirror did not yield the photographs; the next one is tried."""


def load_cats(
    source: str | os.PathLike | None = None,
    *,
    cache: str | os.PathLike | None = None,
    progress: bool = True,
) -> np.ndarray:
    """Load the photographs of cat faces, from a local source, the cache or the network.

    The first call decodes the images into one file of the cache (367 MB) and checks their digest;
    later calls only map that file into memory. `source` is a folder or archive of images to use
    instead of the public photographs; by default what the environment variable TUTORIAL_DATA
    names, and without it the network. `cache` is the folder of decoded images, as in
    `folder.load_images`. `progress` says what is fetched, and shows bars where there is a terminal.

    Returns uint8 (N, 64, 64, 3), memory-mapped and read-only if it comes from the cache; N is
    29,843 for the public photographs. Raises `TutorialError` if the source cannot be read, the
    network or, for the public photographs, the cache cannot be used, or the downloaded pixels
    are not the published ones.
    """
    return load_cats_sized(SIZE, source, cache=cache, progress=progress)


def load_cats_sized(
    size: int,
    source: str | os.PathLike | None = None,
    *,
    cache: str | os.PathLike | None = None,
    progress: bool = True,
) -> np.ndarray:
    """Load the photographs as `load_cats` does, resized with antialiasing and cached at that size.

    A local source is decoded at the size asked; the public photographs are 64×64 to begin with.
    Returns uint8 (N, size, size, 3). Raises `TutorialError` as `load_cats` does, or if the size
    is no integer from 1 to 1024.
    """
    folder.check_size(size)
    if source:
        return _load_local(source, size, cache, progress)
    if named := os.environ.get("TUTORIAL_DATA"):
        try:
            return _load_local(named, size, cache, progress)
        except TutorialError as error:
            raise TutorialError(f"From the environment variable TUTORIAL_DATA: {error}") from error
    place = cache_place(cache)
    with _naming_causes(place):
        place.mkdir(parents=True, exist_ok=True)
        photographs = _load_public(place, progress)
        return photographs if size == SIZE else _load_resized(photographs, size, place, progress)


def _load_public(place: Path, progress: bool) -> np.ndarray:
    target = place / f"cats-{DIGEST[:12]}-{SIZE}.npy"
    images = open_array(target)
    if images is None:
        images = store_array([_download(place, progress)], COUNT, SIZE, target)
    return images


def _load_resized(photographs: np.ndarray, size: int, place: Path, progress: bool) -> np.ndarray:
    target = place / f"cats-{DIGEST[:12]}-{size}.npy"
    images = open_array(target)
    if images is None:
        hidden = not (progress and is_watched())
        starts = tqdm(range(0, len(photographs), CHUNK), desc="Resizing", disable=hidden)
        chunks = (folder.resize_images(photographs[i : i + CHUNK], size) for i in starts)
        images = store_array(chunks, len(photographs), size, target)
    return images


def _load_local(
    source: str | os.PathLike, size: int, cache: str | os.PathLike | None, progress: bool
) -> np.ndarray:
    """Load a local source; warn of files left out, and of photographs that were altered."""
    images, skipped = folder.load_images(source, size, progress=progress, cache=cache)
    # The public archive carries these two beside its images.
    lost = {n: why for n, why in skipped.items() if not re.search(r"(LICENSE|README\.\w+)$", n)}
    if lost:
        warnings.warn(f"In {printable(source)}, skipped {describe_skipped(lost)}.", stacklevel=4)
    if images.shape == (COUNT, SIZE, SIZE, 3) and fingerprint(images) != DIGEST:
        warnings.warn(
            f"{printable(source)} holds {COUNT:,} images, as many as the public cat photographs, "
            "but their pixels are not the published ones.",
            stacklevel=4,
        )
    return images


def _download(place: Path, progress: bool) -> np.ndarray:
    """Download, decode and check the public photographs, from the first mirror that has them."""
    check_space(place, ARCHIVE_BYTES + COUNT * SIZE * SIZE * 3)
    failures = []
    for mirror in MIRRORS:
        host = urlsplit(mirror).netloc
        if progress:
            say(f"Fetching the cat photographs (about 280 MB, once) from {host}.")
        try:
            with _temporary_folder(place) as own:
                return _decode_public(_fetch(mirror, own, progress), progress)
        except MirrorError as error:
            failures.append(f"{host}: {error}")
    raise _no_download(place, "; ".join(failures))


def _no_download(place: Path, reason: str) -> TutorialError:
    return TutorialError(
        f"The cat photographs are not in {printable(place)} and could not be downloaded "
        f"({reason}): mend the connection to the network, or name an archive or folder of images "
        "in the environment variable TUTORIAL_DATA, or use the drawn cats, which need no "
        "download: --data drawn, or in Python tutorial_lib.data.drawn.draw_cats."
    )


def _fetch(mirror: str, place: Path, progress: bool) -> Path:
    import pooch
    import requests

    downloader = pooch.HTTPDownloader(
        progressbar=progress and is_watched(), chunk_size=2**16, timeout=TIMEOUT
    )
    pooch.get_logger().setLevel("WARNING")  # its remarks go to stderr, even when all is well
    name = "cat-dataset.tar.gz"
    fetcher = pooch.create(
        place, base_url="", registry={name: None}, urls={name: mirror}, retry_if_failed=RETRIES
    )
    try:
        return Path(fetcher.fetch(name, downloader=downloader))
    except requests.exceptions.HTTPError as error:
        raise MirrorError(f"HTTP status {error.response.status_code}") from error
    except requests.exceptions.RequestException as error:
        raise MirrorError(f"the connection failed, {type(error).__name__}") from error


def _decode_public(packed: Path, progress: bool) -> np.ndarray:
    try:
        images, _ = folder.decode_source(archive.open_source(packed), SIZE, progress)
    except TutorialError as error:
        raise MirrorError("what it sent is no whole archive of images") from error
    found = fingerprint(images)
    if found != DIGEST:
        raise MirrorError(
            f"the {len(images):,} images it sent have the SHA-256 {found[:12]}…, "
            f"not the published {DIGEST[:12]}…"
        )
    return images


@contextlib.contextmanager
def _temporary_folder(place: Path) -> Iterator[Path]:
    """Lend a folder of one process's own, so that a broken download leaves nothing behind."""
    remove_unused(place)
    with tempfile.TemporaryDirectory(prefix="download-", dir=place) as own:
        yield Path(own)


@contextlib.contextmanager
def _naming_causes(place: Path) -> Iterator[None]:
    """Turn what the system says of the disk into advice, and leave other errors their cause."""
    try:
        yield
    except OSError as error:
        reason = printable(str(error.strerror or error))
        if error.errno not in DISK_ERRORS:
            raise _no_download(place, reason) from error
        raise TutorialError(
            f"The cat photographs cannot be kept in {printable(place)} ({reason}): make room "
            "there, or name another folder, as the environment variable XDG_CACHE_HOME does."
        ) from error
