"""Layers and checks that several families of networks share."""

import keras
from keras import layers

from tutorial_lib.errors import TutorialError


def doubling_widths(size: int, width: int) -> list[int]:
    """Return the channels from the full resolution down to 4×4: width, 2 width, … 8 width.

    Raises `TutorialError` if `size` is not 8, 16, 32, … or `width` is not positive.
    """
    power_of_two = size >= 8 and size & (size - 1) == 0
    require(power_of_two, f"size must be a power of two of at least 8, not {size}.")
    require(width > 0, f"width must be at least 1, not {width}.")
    halvings = size.bit_length() - 3
    return [width * min(2**level, 8) for level in range(halvings)]


def up(channels: int, kernel: int, stride: int, start, use_bias: bool = False) -> layers.Layer:
    """Return a transposed convolution that enlarges by `stride`."""
    return layers.Conv2DTranspose(
        channels,
        kernel,
        strides=stride,
        padding="same",
        use_bias=use_bias,
        kernel_initializer=start,
    )


def down(channels: int, kernel: int, start) -> layers.Layer:
    """Return a convolution that halves height and width."""
    return layers.Conv2D(channels, kernel, strides=2, padding="same", kernel_initializer=start)


def batch_norm() -> layers.Layer:
    """Return a batch norm whose running statistics follow a GAN's generator."""
    # Keras' default of 0.99 lags hundreds of steps behind: samples of a young network turn grey.
    return layers.BatchNormalization(momentum=0.9)


def seeded_initializer(seed: int) -> keras.initializers.Initializer:
    """Return Glorot's initialiser, to be shared by all layers of a network.

    Each layer draws other numbers from it, in a fixed order, the same for each seed.
    """
    return keras.initializers.GlorotUniform(seed=keras.random.SeedGenerator(seed))


def require(condition: bool, message: str) -> None:
    """Raise `TutorialError` with this message unless the condition holds."""
    if not condition:
        raise TutorialError(message)
