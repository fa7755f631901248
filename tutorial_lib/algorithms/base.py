"""What the trainer and the command line ask of an algorithm (chapter 7)."""

from typing import ClassVar, Protocol

import keras
import numpy as np
import tensorflow as tf

from tutorial_lib.algorithms.recipes import Recipe


class Algorithm(Protocol):
    """Name what every algorithm has; it is a `tf.Module` too, so that a checkpoint finds it all.

    To add one, write a file like `vae.py`, with a type of recipe of its own, and a line in
    `registry.py`, whose key is what a recipe's file calls it. The smallest that works is in
    tests/algorithms/test_registry.py.
    """

    recipe_type: ClassVar[type[Recipe]]
    recipes: ClassVar[dict[str, Recipe]]  # those that can be asked for by name

    recipe: Recipe
    precision: str
    average: keras.Model  # the network that a run publishes, `build_published(recipe)` trained

    @property
    def example_shape(self) -> tuple:
        """Return the shape of what it trains on, without the batch, as a source's `shape`."""

    def schedule(self, nimg: int) -> dict[str, float]:
        """Return the values that change over the run, at `nimg` images seen."""

    def train_step(self, batch, seed, schedule_values) -> dict[str, tf.Tensor]:
        """Update the networks, and return metrics, means over the batch; …loss are shown."""

    def draw_latents(self, count: int, seed: int = 0) -> np.ndarray:
        """Return what `sample` takes, the same for each seed."""

    def sample(self, latents: np.ndarray) -> np.ndarray:
        """Return images, float32 in [-1, 1]."""

    @staticmethod
    def build_published(recipe: Recipe) -> keras.Model:
        """Return the network, untrained, that a run with this recipe publishes."""

    @staticmethod
    def generating_part(published: keras.Model) -> keras.Model:
        """Return what of a published network turns latents into images."""


def step_values(algorithm: Algorithm, nimg: int) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Return the seed and the schedule of the step at `nimg` images seen (chapter 7).

    The seed is int64 (2,), each value a float32 scalar: tensors, so nothing is retraced.
    """
    with tf.device("CPU"):  # a condition on them need not wait for a GPU
        seed = tf.constant([algorithm.recipe.seed, nimg], tf.int64)
        values = algorithm.schedule(nimg)
        return seed, {name: tf.constant(value, tf.float32) for name, value in values.items()}
