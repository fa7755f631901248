"""Playing the adversarial game on points in the plane, where all of it can be seen (chapter 4)."""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tutorial_lib.algorithms.base import Algorithm
from tutorial_lib.data.sources import Points
from tutorial_lib.errors import TutorialError
from tutorial_lib.training.callbacks import Callback
from tutorial_lib.training.trainer import Trainer


class Snapshot(NamedTuple):
    """Hold what a generator made of fixed latents after `step` steps: points (count, 2)."""

    step: int
    points: np.ndarray


class Snapshots(Callback):
    """Keep what the averaged generator makes of `count` fixed latents, every `every` steps.

    There is one before the first step, and one after the last. `look` is called with each.
    Raises `TutorialError` if the points are no longer finite.
    """

    def __init__(self, every: int, count: int, look: Callable[[Snapshot], None] | None = None):
        self.every, self.count, self.look = every, count, look
        self.taken: list[Snapshot] = []

    def on_start(self, trainer: Trainer) -> None:
        """Draw the latents, and take the first snapshot."""
        self._latents = trainer.algorithm.draw_latents(self.count)
        self._take(trainer)

    def on_step(self, trainer: Trainer) -> None:
        """Take a snapshot if it is time."""
        if _steps(trainer) % self.every == 0:
            self._take(trainer)

    def on_tick(self, trainer: Trainer, record: dict) -> None:
        """Take the last snapshot, unless it is taken already."""
        if trainer.finished and self.taken[-1].step < _steps(trainer):
            self._take(trainer)

    def _take(self, trainer: Trainer) -> None:
        step = _steps(trainer)
        points = np.asarray(trainer.algorithm.average(self._latents, training=False))
        if not np.isfinite(points).all():
            raise TutorialError(
                f"After {step} steps the generator's points are no longer finite: lower the "
                "learning rate, or add a gradient penalty."
            )
        self.taken.append(Snapshot(step, points))
        if self.look is not None:
            self.look(self.taken[-1])


def fit_points(
    algorithm: Algorithm,
    draw: Callable[..., np.ndarray],
    steps: int,
    *,
    every: int,
    count: int = 1000,
    look: Callable[[Snapshot], None] | None = None,
) -> list[Snapshot]:
    """Take that many training steps on points, and return snapshots on the way (chapter 4).

    `draw(count, seed=...)` returns real points (count, 2), as `draw_points` does; each step sees
    new ones. A snapshot of `count` points from the averaged generator is taken before the first
    step, then every `every` steps and after the last; `look` is called with each, while both
    networks are as they were at that step. All depends on the recipe's seed alone, and a second
    call goes on where the first one ended. Raises `TutorialError` if a number is not positive,
    `draw` returns another shape, or the generator's points are no longer finite.
    """
    for name, value in {"steps": steps, "every": every, "count": count}.items():
        if value < 1:
            raise TutorialError(f"{name} must be at least 1, not {value!r}.")
    snapshots = Snapshots(every, count, look)
    trainer = Trainer(algorithm, Points(draw), callbacks=[snapshots])
    batch_size = algorithm.recipe.batch_size
    trainer.state.nimg = _steps_taken(algorithm) * batch_size
    trainer.fit(kimg=(trainer.nimg + steps * batch_size) / 1000)
    return snapshots.taken


def _steps_taken(algorithm: Algorithm) -> int:
    """Return how many steps an algorithm's optimisers have taken, 0 if it is new."""
    nodes = tf.train.TrackableView(algorithm).descendants()
    optimizers = [node for node in nodes if isinstance(node, keras.optimizers.Optimizer)]
    return max(int(optimizer.iterations) for optimizer in optimizers)


def _steps(trainer: Trainer) -> int:
    return trainer.nimg // trainer.algorithm.recipe.batch_size
