"""Playing the adversarial game on points in the plane, where all of it can be seen (chapter 4)."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tutorial_lib.errors import TutorialError
from tutorial_lib.training.clock import step_values
from tutorial_lib.training.gan import GAN

STEPS_A_POOL = 256  # real points are drawn for that many steps at once, which is cheaper


class Snapshot(NamedTuple):
    """Hold what a generator made of fixed latents after `step` steps: points (count, 2)."""

    step: int
    points: np.ndarray


def fit_points(
    gan: GAN,
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
    latents = tf.constant(gan.draw_latents(count))
    step_function = tf.function(gan.train_step)
    first = int(gan.discriminator_optimizer.iterations)
    last = first + steps
    snapshots = []

    def keep(step: int) -> None:
        snapshots.append(_snapshot(gan, latents, step))
        if look is not None:
            look(snapshots[-1])

    keep(first)
    for step, real_points in _batches(gan, draw, first, last):
        step_function(real_points, *step_values(gan, step * gan.recipe.batch_size))
        if (step + 1) % every == 0 or step + 1 == last:
            keep(step + 1)
    return snapshots


def _batches(gan: GAN, draw: Callable, first: int, last: int) -> Iterator[tuple[int, tf.Tensor]]:
    """Yield the number and the real points (batch, 2) of each step, drawn from (seed, step)."""
    batch_size = gan.recipe.batch_size
    drawn = None
    for step in range(first, last):
        number, place = divmod(step, STEPS_A_POOL)
        if number != drawn:
            seed = np.random.SeedSequence([gan.recipe.seed, number]).generate_state(1)[0]
            pool = np.asarray(draw(STEPS_A_POOL * batch_size, seed=int(seed)), np.float32)
            if pool.shape != (STEPS_A_POOL * batch_size, 2):
                raise TutorialError(
                    f"draw({STEPS_A_POOL * batch_size}, seed=...) must return points of shape "
                    f"({STEPS_A_POOL * batch_size}, 2), not {pool.shape}."
                )
            drawn = number
        yield step, tf.constant(pool[place * batch_size : (place + 1) * batch_size])


def _snapshot(gan: GAN, latents: tf.Tensor, step: int) -> Snapshot:
    points = gan.average(latents, training=False).numpy()
    if not np.isfinite(points).all():
        raise TutorialError(
            f"After {step} steps the generator's points are no longer finite: lower the learning "
            "rate, or add a gradient penalty."
        )
    return Snapshot(step, points)
