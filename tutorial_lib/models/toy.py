"""Networks for a game small enough to watch: points in the plane instead of images (chapter 4).

Points are float32 (N, 2), all in about [-1, 1]².
"""

import keras
from keras import layers

from tutorial_lib.models.blocks import require, seeded_initializer


def build_toy_generator(latent_size: int = 2, width: int = 128, *, seed: int = 0) -> keras.Model:
    """Build a generator of points: latents (batch, latent_size) to (batch, 2) (chapter 4).

    Three hidden layers of `width` units. Nothing bounds its output, so that points can be
    pushed anywhere. Raises `TutorialError` if a size is not positive.
    """
    require(latent_size > 0, f"latent_size must be at least 1, not {latent_size}.")
    return _build_perceptron("generator", latent_size, width, 2, seed)


def build_toy_discriminator(width: int = 128, *, seed: int = 1) -> keras.Model:
    """Build a discriminator of points: (batch, 2) to logits (batch, 1) (chapter 4).

    Three hidden layers of `width` units. Raises `TutorialError` if `width` is not positive.
    """
    return _build_perceptron("discriminator", 2, width, 1, seed)


def _build_perceptron(name: str, inputs: int, width: int, outputs: int, seed: int) -> keras.Model:
    require(width > 0, f"width must be at least 1, not {width}.")
    start = seeded_initializer(seed)
    model = keras.Sequential([keras.Input((inputs,))], name=name)
    for _ in range(3):
        model.add(layers.Dense(width, kernel_initializer=start))
        model.add(layers.LeakyReLU(negative_slope=0.2))
    model.add(layers.Dense(outputs, kernel_initializer=start, dtype="float32"))
    return model
