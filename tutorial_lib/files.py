"""Writing files so that a reader, or a later run, never finds half of one."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tutorial_lib.errors import TutorialError


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
