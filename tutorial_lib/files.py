"""Files of a user: paths as they write them, names as they can be shown, and whole writes."""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tutorial_lib.errors import TutorialError

# What a sheet of images says of itself, so that it is never taken for a photograph
SHEET_MARK = "tutorial_lib: a sheet of images"


def user_path(path: str | os.PathLike) -> Path:
    """Make a path of what a user wrote: `~` is the home folder, if there is one.

    Raises `TutorialError` for nothing, which would stand for the current folder.
    """
    if not os.fspath(path):
        raise TutorialError("A path is empty: name a file or a folder.")
    return Path(os.path.expanduser(path))


def printable(text: str | os.PathLike) -> str:
    r"""Escape what a terminal would obey or could not show, as in `caf\xe9\x1b[2J`.

    That is control characters, lines' ends, marks that turn the direction of writing, and bytes
    that are no text. The joiner inside emoji stays.
    """
    return "".join(
        letter if letter.isprintable() or letter == "\u200d" else _escape(letter)
        for letter in os.fspath(text)
    )


def natural_key(name: str) -> tuple[str, str]:
    """Make the key that sorts `cat_9` before `cat_10`: digits padded to one length."""
    return re.sub(r"\d+", lambda digits: digits[0].zfill(20), name.casefold()), name


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name first and rename it, making its folder if there is none.

    What is no file, such as /dev/stdout, is written to as it is. Raises OSError if writing is
    impossible; an older file of that name is then still whole.
    """
    path = Path(os.path.realpath(path))  # or a link would be replaced, not what it stands for
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raise `TutorialError` if no file can be made at a path, whose folder may be missing yet."""
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    try:
        if not path.exists():
            tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise TutorialError(
            f"{printable(path)} cannot be written ({error.strerror}): choose another place."
        ) from error


@contextlib.contextmanager
def writing_to(directory: Path) -> Iterator[None]:
    """Turn an OSError in this block, which writes to a run folder, into a `TutorialError`."""
    try:
        yield
    except OSError as error:
        raise TutorialError(
            f"The run folder {directory} could not be written ({error}): mend that, and train "
            "again to go on from the last checkpoint."
        ) from error


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
