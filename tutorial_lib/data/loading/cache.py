"""Decoded images on disk, so that photographs are decoded once and a resume starts at once.

An array is one .npy file, mapped into memory. That of a folder or an archive is named after the
place of its source, a digest of the source's state and the size of the images; beside it lies a
.json of the files that did not decode.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from tutorial_lib.files import printable, user_path

VERSION = 1  # of the decoder: raised when it makes other pixels of the same files
SMALL = 4 * 2**20  # bytes of files that are decoded in a second, so that a copy would be a waste
UNUSED_DAYS = 90  # after which the copy of a folder or an archive goes


def cache_place(folder: str | os.PathLike | None = None) -> Path:
    """Return where decoded images are kept, a folder that may not be there yet.

    By default that is `cats-from-noise` in the folder that XDG_CACHE_HOME names, or else in the
    user's cache folder of the operating system.
    """
    if folder is not None:
        return user_path(folder)
    if home := os.environ.get("XDG_CACHE_HOME"):  # pooch heeds it on some systems only
        return user_path(os.path.join(home, "cats-from-noise"))
    import pooch

    return Path(pooch.os_cache("cats-from-noise"))


def load_or_decode(
    source: Path,
    state: object,
    size: int,
    decode: Callable[[], tuple[np.ndarray, dict[str, str]]],
    folder: str | os.PathLike | None = None,
) -> tuple[np.ndarray, dict[str, str]]:
    """Return what `decode` does, images (N, size, size, 3) and {name: reason}, decoding once.

    `state` changes, in its repr, whenever the files at `source` do. Copies of other states of
    that source are removed. Where the cache cannot be used, a warning says so.
    """
    origin = f"local-{_digest(os.path.realpath(source))}"
    current = f"{origin}-{_digest(repr((VERSION, state)))}"
    folder = cache_place(folder)
    target = folder / f"{current}-{size}.npy"
    kept = _open(target)
    if kept is not None:
        return kept
    images, skipped = decode()
    if len(images):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            images = _keep(images, skipped, size, target)
            remove_unused(folder)
        except OSError as error:
            warnings.warn(
                f"The decoded images cannot be kept in {printable(folder)} "
                f"({error.strerror or error}), so that they are decoded at every start: make room "
                "there, or name another folder in the environment variable XDG_CACHE_HOME.",
                stacklevel=4,
            )
        for outdated in set(folder.glob(f"{origin}-*")) - set(folder.glob(f"{current}-*")):
            with contextlib.suppress(OSError):  # Windows keeps a file that is still mapped
                outdated.unlink()
    return images, skipped


def open_array(path: Path) -> np.ndarray | None:
    """Map a cached array into memory; None if there is none, or a damaged one."""
    try:
        return np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None


def store_array(chunks: Iterable[np.ndarray], count: int, size: int, target: Path) -> np.ndarray:
    """Write an array piece by piece, (count, size, size, 3) in all, and map it into memory.

    Raises OSError if that is impossible, before it begins if there is too little space.
    """
    shape = (count, size, size, 3)
    check_space(target.parent, int(np.prod(shape)))
    with _whole(target) as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in chunks:
            file.write(np.ascontiguousarray(chunk))
    return np.load(target, mmap_mode="r")


def check_space(folder: Path, needed: int) -> None:
    """Raise OSError if there are fewer bytes free on the disk of a folder than are needed."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(
            errno.ENOSPC,
            f"only {free / 1e6:,.0f} MB are free, and {needed / 1e6:,.0f} MB are needed",
        )


def remove_unused(folder: Path) -> None:
    """Remove what killed processes left a day ago, and copies not opened for three months."""
    for pattern, days in (("download-*", 1), ("*.tmp", 1), ("local-*", UNUSED_DAYS)):
        for path in folder.glob(pattern):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > days * 24 * 3600:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _open(target: Path) -> tuple[np.ndarray, dict[str, str]] | None:
    images = open_array(target)
    try:
        skipped = json.loads(target.with_suffix(".json").read_text("utf-8"))
        with contextlib.suppress(OSError):  # for remove_unused
            os.utime(target)
            os.utime(target.with_suffix(".json"))
    except (OSError, ValueError):
        return None
    return None if images is None else (images, skipped)


def _keep(images: np.ndarray, skipped: dict[str, str], size: int, target: Path) -> np.ndarray:
    """Store the reasons first: an array without them would be taken for one without losses."""
    with _whole(target.with_suffix(".json")) as file:
        file.write(json.dumps(skipped).encode())
    return store_array([images], len(images), size, target)


@contextlib.contextmanager
def _whole(target: Path) -> Iterator:
    """Open a file to write under a temporary name, and give it its own at the end.

    Another process, which may write the same, sees the whole file or none.
    """
    temporary = target.with_name(f"{target.name}-{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:12]
