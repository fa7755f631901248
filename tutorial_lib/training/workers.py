"""What the workers of one run, each a process with its own clock, have to agree on (chapter 8)."""

import contextlib
import hashlib
import json
from collections.abc import Iterator

import tensorflow as tf

from tutorial_lib.errors import TutorialError

# What TensorFlow raises when a worker has ended, does not answer, or was started anew.
LOSSES = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.UnavailableError,
)


class Workers:
    """Let the workers of a strategy agree; a process that trains alone agrees with itself.

    `is_chief` is true on one worker, the one that logs, samples and saves. All workers must call
    the methods at the same point of the run.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self.is_chief = strategy.extended.should_checkpoint
        self._several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        self._mean = tf.function(lambda values: strategy.reduce("MEAN", values, axis=None))

    def mean(self, *values: float) -> list[float]:
        """Return the mean of each number over the workers, the same in all of them."""
        if not self._several:
            return list(values)
        return self._mean(tf.constant(values, tf.float64)).numpy().tolist()

    def wait(self) -> None:
        """Return when all workers have come this far."""
        self.mean(0.0)

    def check_agreement(self, settings: dict) -> None:
        """Raise `TutorialError` naming the first setting that is not the same on all workers.

        The names are the same everywhere, and the values can be written as JSON.
        """
        # Of 32 bits each, so that the mean of equal numbers is exact.
        digests = [_digest(value) for value in settings.values()]
        for name, own, mean in zip(settings, digests, self.mean(*digests), strict=True):
            if own != mean:
                raise TutorialError(
                    f"The workers do not agree on {name}: start all of them with the same "
                    "command, the same data, and a run folder on a disk that they share."
                )

    @contextlib.contextmanager
    def losses_named(self) -> Iterator[None]:
        """Turn the loss of a worker inside this block into a `TutorialError`."""
        try:
            yield
        except LOSSES as error:
            if not self._several:
                raise
            raise lost(error) from error


def lost(error: tf.errors.OpError) -> TutorialError:
    """Return the error to raise when a worker is lost, one of `LOSSES`."""
    reason = error.message.partition("aborted by: ")[2] or error.message
    first = reason.splitlines()[0].rstrip(":")
    return TutorialError(
        "Another worker ended or no longer answers: see what it says, then start the same command "
        f"on every worker, to go on from the last checkpoint ({first})."
    )


def _digest(value: object) -> int:
    return int(hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8], 16)
