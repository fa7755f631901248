"""Files of a user: paths as they write them, names as they can be shown, and whole writes."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tutorial_lib.errors import TutorialError


def user_path(path: str | os.PathLike) -> Path:
    """Make a path of what a user wrote: `~` is the home folder, if there is one."""
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


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name first and rename it, making its folder if there is none.

    Raises OSError if that is impossible; an older file of that name is then still whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


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
