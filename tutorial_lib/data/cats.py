"""The real photographs: 29,843 cat faces of 64×64 pixels, downloaded once.

They come from the public repository AnnikaV9/cat-dataset (MIT licence), which compiled them from
Oxford-IIIT Pet, Pixabay, the CAT dataset and COCO.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from tutorial_lib.data import archive, folder
from tutorial_lib.data.pixels import fingerprint
from tutorial_lib.errors import TutorialError
from tutorial_lib.progress import is_watched

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
    later calls only map that file into memory.

    Args:
        source: a folder or archive of images to use instead of the public photographs; by default
            what the environment variable TUTORIAL_DATA names, and without it the network.
        cache: folder to keep the decoded images in; by default the user's cache folder.
        progress: say what is fetched, and show progress bars where there is a terminal.

    Returns:
        uint8 (N, 64, 64, 3), memory-mapped and read-only; N is 29,843 for the public photographs.

    Raises:
        TutorialError: the source cannot be read, the network or the cache cannot be used, or the
            downloaded pixels are not the published ones.
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

    Returns:
        uint8 (N, size, size, 3), memory-mapped and read-only.

    Raises:
        TutorialError: as `load_cats`, or the size is no integer from 1 to 1024.
    """
    folder.check_size(size)
    cache = _cache_folder(cache)
    if source:
        return _load_local(source, size, cache, progress)
    if named := os.environ.get("TUTORIAL_DATA"):
        try:
            return _load_local(named, size, cache, progress)
        except TutorialError as error:
            raise TutorialError(f"From the environment variable TUTORIAL_DATA: {error}") from error
    photographs = _load_public(cache, progress)
    return photographs if size == SIZE else _load_resized(photographs, size, cache)


def _load_public(cache: Path, progress: bool) -> np.ndarray:
    target = cache / f"cats-{DIGEST[:12]}-{SIZE}.npy"
    images = _open_array(target)
    if images is None:
        images = _store([_download(cache, progress)], COUNT, SIZE, target)
    return images


def _load_resized(photographs: np.ndarray, size: int, cache: Path) -> np.ndarray:
    target = cache / f"cats-{DIGEST[:12]}-{size}.npy"
    images = _open_array(target)
    if images is None:
        starts = range(0, len(photographs), CHUNK)
        chunks = (folder.resize_images(photographs[i : i + CHUNK], size) for i in starts)
        images = _store(chunks, len(photographs), size, target)
    return images


def _load_local(source: str | os.PathLike, size: int, cache: Path, progress: bool) -> np.ndarray:
    opened = archive.open_source(source)
    place, state = _local_key(opened)
    target = cache / f"local-{place}-{state}-{size}.npy"
    images = _open_array(target)
    if images is None:
        decoded = _decode_local(opened, size, progress)
        images = _store([decoded], len(decoded), size, target)
        for outdated in set(cache.glob(f"local-{place}-*-{size}.npy")) - {target}:
            with contextlib.suppress(OSError):  # Windows keeps a file that is still mapped
                outdated.unlink()
    return images


def _local_key(source: archive.Folder | archive.Zip | archive.Tar) -> tuple[str, str]:
    """Name a local source by where it lies, and by its state: sizes and times of its files."""
    if isinstance(source, archive.Folder):
        state = sorted(source.entries())
    else:
        status = source.path.stat()
        state = [status.st_size, status.st_mtime_ns]
    return _short_hash(str(source.path.resolve())), _short_hash(repr(state))


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:12]


def _decode_local(
    source: archive.Folder | archive.Zip | archive.Tar, size: int, progress: bool
) -> np.ndarray:
    """Decode a local source; warn of files left out, and of photographs that were altered."""
    images, skipped = folder.load_images(source.path, size, progress=progress)
    # The public archive carries these two beside its images.
    lost = {n: why for n, why in skipped.items() if not re.search(r"(LICENSE|README\.\w+)$", n)}
    if lost:
        warnings.warn(f"In {source.path}, skipped {folder.describe_skipped(lost)}.", stacklevel=5)
    if images.shape == (COUNT, SIZE, SIZE, 3) and fingerprint(images) != DIGEST:
        warnings.warn(
            f"{source.path} holds {COUNT:,} images, as many as the public cat photographs, "
            "but their pixels are not the published ones.",
            stacklevel=5,
        )
    return images


def _download(cache: Path, progress: bool) -> np.ndarray:
    """Download, decode and check the public photographs, from the first mirror that has them."""
    _check_space(cache, ARCHIVE_BYTES + COUNT * SIZE * SIZE * 3)
    failures = []
    for mirror in MIRRORS:
        host = urlsplit(mirror).netloc
        if progress:
            print(f"Fetching the cat photographs (about 280 MB, once) from {host}.", flush=True)
        try:
            with _temporary_folder(cache) as place:
                return _decode_public(_fetch(mirror, place, progress), progress)
        except MirrorError as error:
            failures.append(f"{host}: {error}")
        except OSError as error:
            raise _cache_error(cache, ARCHIVE_BYTES, error) from error
    raise TutorialError(
        f"The cat photographs are not in {cache} and could not be downloaded "
        f"({'; '.join(failures)}): connect to the network, or name an archive or folder of images "
        "in the environment variable TUTORIAL_DATA, or use the drawn cats, "
        "tutorial_lib.data.drawn.draw_cats, which need no download."
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
        images, _ = folder.load_images(packed, SIZE, progress=progress)
    except TutorialError as error:
        raise MirrorError("what it sent is no whole archive of images") from error
    found = fingerprint(images)
    if found != DIGEST:
        raise MirrorError(
            f"the {len(images):,} images it sent have the SHA-256 {found[:12]}…, "
            f"not the published {DIGEST[:12]}…"
        )
    return images


def _cache_folder(cache: str | os.PathLike | None) -> Path:
    if cache is None:
        import pooch

        cache = pooch.os_cache("cats-from-noise")
    path = Path(cache).expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cache_error(path, COUNT * SIZE * SIZE * 3, error) from error
    return path


def _open_array(path: Path) -> np.ndarray | None:
    """Map a cached array into memory; None if there is none, or a damaged one."""
    try:
        return np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None


def _store(chunks: Iterable[np.ndarray], count: int, size: int, target: Path) -> np.ndarray:
    """Write an array piece by piece under a temporary name, then give it its own and map it.

    The renaming is atomic: another process sees the whole file or none.
    """
    shape = (count, size, size, 3)
    temporary = target.with_name(f"{target.name}-{uuid.uuid4().hex}.tmp")
    _check_space(target.parent, int(np.prod(shape)))
    try:
        with temporary.open("wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for chunk in chunks:
                file.write(np.ascontiguousarray(chunk))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        return np.load(target, mmap_mode="r")
    except OSError as error:
        raise _cache_error(target.parent, int(np.prod(shape)), error) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _temporary_folder(cache: Path) -> Iterator[Path]:
    """Lend a folder of one process's own, so that a broken download leaves nothing behind."""
    for leftover in (*cache.glob("download-*"), *cache.glob("*.tmp")):  # of a killed process
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > 24 * 3600:
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    with tempfile.TemporaryDirectory(prefix="download-", dir=cache) as place:
        yield Path(place)


def _check_space(cache: Path, needed: int) -> None:
    free = shutil.disk_usage(cache).free
    if free < needed:
        raise _cache_error(cache, needed, OSError(f"only {free / 1e6:,.0f} MB are free"))


def _cache_error(cache: Path, needed: int, error: OSError) -> TutorialError:
    return TutorialError(
        f"The images cannot be kept in {cache} ({error.strerror or error}); "
        f"{needed / 1e6:,.0f} MB are needed: make room there, or name another folder in the "
        "argument `cache` of load_cats."
    )
