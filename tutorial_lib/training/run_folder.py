"""A run folder: how a run is begun, found again, and told from another (chapter 7).

Imports no TensorFlow, so that other trainers can keep their runs in the same way.
"""

import json
from pathlib import Path
from typing import Protocol

from tutorial_lib.errors import TutorialError
from tutorial_lib.files import write_whole

CONFIG = "config.json"
RESUME = ("auto", "must", "never")


class State(Protocol):
    """Name what a run keeps: a clock, and whatever else `save` writes and `restore` reads."""

    nimg: int
    seconds: float

    def saved(self) -> list[Path]:
        """Return what was saved, the oldest first."""

    def save(self) -> Path:
        """Save everything, and return where."""

    def restore(self) -> None:
        """Load what was saved last, if there is anything."""

    def is_finite(self) -> bool:
        """Return whether no number has become NaN or infinite."""


def resume(directory: Path, config: dict, state: State, how: str) -> bool:
    """Load the run in a folder into `state`, if there is one, and return whether there was.

    `how` is "auto", "must" (an error if there is none) or "never" (an error if there is one).
    Raises `TutorialError` naming what differs if that run had another configuration, and OSError
    if the folder cannot be read.
    """
    started = check_resume(directory, how)
    if not started and state.saved():
        raise TutorialError(
            f"{directory} holds checkpoints but no {CONFIG}: choose another folder."
        )
    if started:
        check_config(directory / CONFIG, config)
        state.restore()
    return started


def check_resume(directory: Path, how: str) -> bool:
    """Return whether a folder holds a run, or raise `TutorialError` as `resume` does."""
    if how not in RESUME:
        raise TutorialError(f"resume must be auto, must or never, not {how!r}.")
    started = (directory / CONFIG).exists()
    if started and how == "never":
        raise TutorialError(f"{directory} already holds a run: choose another folder.")
    if not started and how == "must":
        raise TutorialError(f"{directory} holds no run to resume: check the path.")
    return started


def begin(directory: Path, config: dict) -> None:
    """Write the configuration of a new run."""
    write_whole(directory / CONFIG, (json.dumps(config, indent=2) + "\n").encode())


def check_config(path: Path, config: dict) -> None:
    """Raise `TutorialError` naming the first difference if `path` holds another configuration.

    Only the keys of `config` are compared. A file that is no JSON is an error too.
    """
    try:
        before = _flatten(json.loads(path.read_text("utf-8")))
    except (ValueError, AttributeError) as error:
        raise TutorialError(f"{path} is damaged ({error}): start a new run folder.") from error
    for name, value in _flatten(config).items():
        if name not in before or before[name] != value:
            raise TutorialError(
                f"The run in {path.parent} was started with {name} = {before.get(name)!r}, now it "
                f"is {value!r}: resume with the same value, or give another folder (--out)."
            )


def _flatten(nested: dict, prefix: str = "") -> dict:
    """Return {"recipe.batch_size": 64, …} of a nested dictionary."""
    flat = {}
    for name, value in nested.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
