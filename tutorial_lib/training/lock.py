"""One trainer in a run directory: a lock that ends with its process, even a killed one."""

import contextlib
import os
import platform
import warnings
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from tutorial_lib.errors import TutorialError
from tutorial_lib.progress import say

NAME = ".lock"


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keep all other trainers out of `directory`, which is made if there is none.

    Where the file system knows no locks (some network drives), say so and go on without. Raises
    `TutorialError` naming the folder, and the process if known, when another one trains there,
    and OSError if nothing can be written there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / NAME
    path.touch()  # raises what forbids writing, so an error below is about locks alone
    holder = _read(path)
    lock = FileLock(path)
    try:
        supported = _take(lock)
    except Timeout:
        raise TutorialError(
            f"{directory} is in use: {holder or 'another process'} trains there. Wait until it "
            "has ended, or choose another folder."
        ) from None
    if supported:
        with contextlib.suppress(OSError):  # on a full disk, the lock does without a name
            path.write_text(f"process {os.getpid()} on {platform.node()}")
    else:
        say(f"{directory} is on a drive without locks: make sure that nothing else trains there.")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes no open file
            path.unlink()
        lock.release()


def _take(lock: FileLock) -> bool:
    """Return whether the file system knows locks; raise `Timeout` if another one has this one."""
    with warnings.catch_warnings():
        # filelock would make do with a soft lock, a mere file that outlives a killed process,
        # whose run could then not be resumed. (Its `fallback_to_soft` is too new for Colab.)
        warnings.filterwarnings("error", message=".*SoftFileLock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise
        except (OSError, UserWarning):
            return False
    return True


def _read(path: Path) -> str:
    """Return what the process that has the lock says of itself, or nothing."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
