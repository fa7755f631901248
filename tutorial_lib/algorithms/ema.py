"""An exponential moving average of a network's weights (chapter 7)."""

import keras
import tensorflow as tf


def update_average(average: keras.Model, model: keras.Model, beta: tf.Tensor) -> None:
    """Move every weight of `average` towards `model`: average ← beta average + (1 - beta) model.

    The statistics of batch norm are weights here: they are averaged like the rest, since they
    belong to it. Both networks have the same layers; `beta` is a float32 scalar in [0, 1].
    """
    for averaged, current in zip(average.weights, model.weights, strict=True):
        averaged.assign(current + beta * (averaged - current))
