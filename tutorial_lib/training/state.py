"""All that a resume needs, in checkpoints of TensorFlow."""

import contextlib
import hashlib
import os
import re
import shutil
from pathlib import Path

import keras
import tensorflow as tf

from tutorial_lib.errors import TutorialError
from tutorial_lib.progress import say

KEPT_CHECKPOINTS = 2
DIGESTS = "SHA256SUMS"
# What a file that is not what was written leads to. Other errors, such as a lack of permission or
# of memory, say nothing about the file.
DAMAGED = (
    tf.errors.DataLossError,
    tf.errors.InvalidArgumentError,
    tf.errors.NotFoundError,
    tf.errors.OutOfRangeError,
    AssertionError,
    ValueError,
)


class TrainingState:
    """Hold an algorithm's variables and the clock, and keep them in `directory`, if there is one.

    `nimg` counts images seen, `seconds` the time of the run, sampling and saving included. Data
    order and noise derive from the recipe's seed and `nimg`, so nothing else has state.
    """

    def __init__(self, algorithm: tf.Module, directory: Path | None = None):
        self.directory = directory
        self.nimg = 0
        self.seconds = 0.0
        with tf.device("CPU"):
            self._saved_nimg = tf.Variable(0, dtype=tf.int64, trainable=False)
            self._saved_seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self._algorithm = algorithm
        self._checkpoint = tf.train.Checkpoint(
            algorithm=algorithm, nimg=self._saved_nimg, seconds=self._saved_seconds
        )

    def variables(self) -> list[tf.Variable | keras.Variable]:
        """Return every variable of the algorithm that a checkpoint holds."""
        nodes = tf.train.TrackableView(self._algorithm).descendants()
        return [node for node in nodes if isinstance(node, tf.Variable | keras.Variable)]

    def saved(self) -> list[Path]:
        """Return the complete checkpoints, oldest first."""
        if self.directory is None:
            return []
        return sorted(
            path for path in self.directory.glob("*") if path.is_dir() and path.name.isdecimal()
        )

    def is_finite(self) -> bool:
        """Return whether no weight or optimiser variable has become NaN or infinite."""
        values = [tf.convert_to_tensor(variable) for variable in self.variables()]
        floating = [value for value in values if value.dtype.is_floating]
        return all(bool(tf.reduce_all(tf.math.is_finite(value))) for value in floating)

    def save(self) -> Path:
        """Write a checkpoint, named after `nimg`, and return its folder.

        The SHA-256 of its files lie beside them. It gets its name only when it is complete, so a
        process killed in between leaves nothing that could be loaded. Raises `TutorialError` if
        it cannot be written.
        """
        partial = self.directory / "partial"
        target = self.directory / f"{self.nimg:010d}"
        self._saved_nimg.assign(self.nimg)
        self._saved_seconds.assign(self.seconds)
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            self._checkpoint.write(str(partial / "state"))
            (partial / DIGESTS).write_text("".join(_digests(partial)))
            shutil.rmtree(target, ignore_errors=True)
            os.replace(partial, target)
        except (OSError, tf.errors.OpError) as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise TutorialError(
                f"The checkpoint {target} could not be written ({_reason(error)}). "
                "Free some space or mend the folder's permissions, and resume."
            ) from error
        for old in self.saved()[:-KEPT_CHECKPOINTS]:
            with contextlib.suppress(OSError):
                os.replace(old, partial)  # one that is half removed must not bear its name
            shutil.rmtree(partial, ignore_errors=True)
        return target

    def restore(self) -> None:
        """Load the newest checkpoint that can be read, if there is any.

        Newer ones that cannot be read are named on standard output and removed. Raises
        `TutorialError` if there are checkpoints but none can be read, and OSError if reading is
        impossible for another reason than damage.
        """
        damaged = []
        for path in reversed(self.saved()):
            try:
                _check_digests(path)
                self._checkpoint.read(str(path / "state")).assert_consumed()
            except DAMAGED as error:
                say(f"The checkpoint {path} is damaged ({_reason(error)}): trying an older one.")
                damaged.append(path)
                continue
            self.nimg, self.seconds = int(self._saved_nimg), float(self._saved_seconds)
            for useless in damaged:
                shutil.rmtree(useless, ignore_errors=True)
            return
        if damaged:
            raise TutorialError(
                f"No checkpoint in {self.directory} can be read: they are damaged, or come from "
                "another version of Keras. Start again in a new folder."
            )


def _digests(checkpoint: Path) -> list[str]:
    """Return a line for each file of a checkpoint's folder, as `sha256sum -c` reads them."""
    files = sorted(checkpoint.glob("state.*"))
    return [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]


def _check_digests(checkpoint: Path) -> None:
    """Raise `TutorialError` naming a file that is not what was written.

    A checkpoint of an earlier version has no digests: it is not checked.
    """
    path = checkpoint / DIGESTS
    if not path.exists():
        return
    written = set(path.read_text(errors="replace").splitlines(keepends=True))
    found = set(_digests(checkpoint))
    if written != found:
        name = min(found - written or written - found).split()[-1]
        raise TutorialError(f"{name} is missing or damaged: its SHA-256 is not that in {DIGESTS}")


def _reason(error: Exception) -> str:
    """Return the first line of an error's message, without TensorFlow's inner names."""
    line = (str(error) or type(error).__name__).splitlines()[0]
    return re.sub(r"\{\{.*\}\} (.*; )?| \[Op:.*\]$", "", line)
