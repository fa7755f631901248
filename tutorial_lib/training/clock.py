"""What a training step takes from the clock: its seed and the values of the schedules."""

from typing import TYPE_CHECKING

import tensorflow as tf

if TYPE_CHECKING:
    from tutorial_lib.training.trainer import Algorithm


def step_values(algorithm: "Algorithm", nimg: int) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Return the seed and the schedule of the step at `nimg` images seen (chapter 7).

    The seed is int64 (2,), each value a float32 scalar: tensors, so nothing is retraced.
    """
    with tf.device("CPU"):  # a condition on them need not wait for a GPU
        seed = tf.constant([algorithm.recipe.seed, nimg], tf.int64)
        values = algorithm.schedule(nimg)
        return seed, {name: tf.constant(value, tf.float32) for name, value in values.items()}
