"""All that a resume needs: the checkpointed state, and the configuration it belongs to."""

import json
import os
import shutil
from pathlib import Path

import tensorflow as tf

from tutorial_lib.errors import TutorialError

KEPT_CHECKPOINTS = 2


class TrainingState:
    """Hold an algorithm's variables and the clock, and keep them in `directory`.

    `nimg` counts images seen, `seconds` the time spent in training. Data order and noise derive
    from the recipe's seed and `nimg`, so nothing else has state.
    """

    def __init__(self, algorithm: tf.Module, directory: Path):
        self.directory = directory
        self.nimg = 0
        self.seconds = 0.0
        self._saved_nimg = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._saved_seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self._checkpoint = tf.train.Checkpoint(
            algorithm=algorithm, nimg=self._saved_nimg, seconds=self._saved_seconds
        )

    def saved(self) -> list[Path]:
        """Return the complete checkpoints, oldest first."""
        return sorted(path for path in self.directory.glob("[0-9]*") if path.is_dir())

    def is_finite(self) -> bool:
        """Return whether no weight or optimiser variable has become NaN or infinite."""
        variables = self._checkpoint.algorithm.variables
        floating = [tf.convert_to_tensor(v) for v in variables if tf.as_dtype(v.dtype).is_floating]
        return all(bool(tf.reduce_all(tf.math.is_finite(value))) for value in floating)

    def save(self) -> Path:
        """Write a checkpoint, named after `nimg`, and return its folder.

        It gets its name only when it is complete, so a process killed in between leaves nothing
        that could be loaded. Raises `TutorialError` if it cannot be written.
        """
        partial = self.directory / "partial"
        target = self.directory / f"{self.nimg:010d}"
        self._saved_nimg.assign(self.nimg)
        self._saved_seconds.assign(self.seconds)
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            self._checkpoint.write(str(partial / "state"))
            shutil.rmtree(target, ignore_errors=True)
            os.replace(partial, target)
        except (OSError, tf.errors.OpError) as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise TutorialError(
                f"The checkpoint {target} could not be written ({_reason(error)}). "
                "Free some space or mend the folder's permissions, and resume."
            ) from error
        for old in self.saved()[:-KEPT_CHECKPOINTS]:
            shutil.rmtree(old, ignore_errors=True)
        return target

    def restore(self) -> Path | None:
        """Load the newest checkpoint that can be read, and return its folder (None: no folder).

        A damaged one is passed over with a warning on standard output. Raises `TutorialError`
        if there are checkpoints but none can be read.
        """
        saved = self.saved()
        for path in reversed(saved):
            try:
                self._checkpoint.read(str(path / "state")).assert_consumed()
                self.nimg = int(self._saved_nimg)
                self.seconds = float(self._saved_seconds)
                return path
            except (tf.errors.OpError, AssertionError, ValueError) as error:
                print(f"The checkpoint {path} is damaged ({_reason(error)}): trying an older one.")
        if saved:
            raise TutorialError(
                f"No checkpoint in {self.directory} can be read. Start again in a new folder."
            )
        return None


def check_config(path: Path, config: dict) -> None:
    """Raise `TutorialError` naming the first difference if `path` holds another configuration.

    Only the keys of `config` are compared. A file that is no JSON is an error too.
    """
    try:
        before = _flatten(json.loads(path.read_text()))
    except ValueError as error:
        raise TutorialError(f"{path} is damaged ({error}): start a new run folder.") from error
    for name, value in _flatten(config).items():
        if name not in before or before[name] != value:
            raise TutorialError(
                f"The run in {path.parent} was started with {name} = {before.get(name)!r}, now it "
                f"is {value!r}: resume with the same value, or start a run in another folder."
            )


def write_json(path: Path, content: dict) -> None:
    """Write a JSON file in one piece: a reader never sees half of it."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=2) + "\n")
    os.replace(partial, path)


def _flatten(nested: dict, prefix: str = "") -> dict:
    """Return {"recipe.batch_size": 64, …} of a nested dictionary."""
    flat = {}
    for name, value in nested.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _reason(error: Exception) -> str:
    """Return the first line of an error's message."""
    return (str(error) or type(error).__name__).splitlines()[0]
