"""Convolutional generators and discriminators: the source document's and a deeper DCGAN.

Images are (batch, size, size, 3) in [-1, 1]; discriminators return logits of shape (batch, 1).
The networks import Keras alone, so they run under any Keras backend.
"""

import keras
from keras import layers

from tutorial_lib.models.blocks import (
    batch_norm,
    doubling_widths,
    down,
    require,
    seeded_initializer,
    up,
)


def build_generator(size: int = 64, latent_size: int = 100, *, seed: int = 0) -> keras.Model:
    """Build the source document's generator, with a base of size / 4 so that it fits (chapter 7).

    Maps latents (batch, latent_size) to images (batch, size, size, 3) in [-1, 1]. The document
    starts from 7×7 and ends at 28×28; starting from 16×16 gives the 64×64 that its
    discriminator expects. Raises `TutorialError` if `size` is not a positive multiple of 4.
    """
    require(size > 0 and size % 4 == 0, f"size must be a positive multiple of 4, not {size}.")
    require(latent_size > 0, f"latent_size must be at least 1, not {latent_size}.")
    base = size // 4
    start = seeded_initializer(seed)
    return keras.Sequential(
        [
            keras.Input((latent_size,)),
            layers.Dense(base * base * 256, use_bias=False, kernel_initializer=start),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Reshape((base, base, 256)),
            up(128, 5, 1, start),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            up(64, 5, 2, start),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            up(3, 5, 2, start),
            layers.Activation("tanh", dtype="float32"),
        ],
        name="generator",
    )


def build_discriminator(size: int = 64, *, seed: int = 1) -> keras.Model:
    """Build the source document's discriminator (chapter 7).

    Maps images (batch, size, size, 3) in [-1, 1] to logits (batch, 1). Its dropout draws from
    generators seeded with `seed`. Raises `TutorialError` if `size` is not a positive multiple
    of 4.
    """
    require(size > 0 and size % 4 == 0, f"size must be a positive multiple of 4, not {size}.")
    start = seeded_initializer(seed)
    return keras.Sequential(
        [
            keras.Input((size, size, 3)),
            down(64, 5, start),
            layers.LeakyReLU(),
            layers.Dropout(0.3, seed=seed),
            down(128, 5, start),
            layers.LeakyReLU(),
            layers.Dropout(0.3, seed=seed + 1),
            layers.Flatten(),
            layers.Dense(1, kernel_initializer=start, dtype="float32"),
        ],
        name="discriminator",
    )


def build_dcgan_generator(
    size: int = 64, latent_size: int = 128, width: int = 32, *, seed: int = 0
) -> keras.Model:
    """Build a DCGAN generator that grows from 4×4 by doubling (Radford 2015, chapter 7).

    Maps latents (batch, latent_size) to images (batch, size, size, 3) in [-1, 1]. The last
    hidden layer has `width` channels, each one before it twice as many, up to 8 × `width`.
    Kernels of 4 are divisible by the stride of 2: all pixels inside have as many weights. Raises
    `TutorialError` if `size` is not 8, 16, 32, … or a width is not positive.

    >>> build_dcgan_generator(size=16, latent_size=8, width=4)(draw_latents(2, 8)).shape.as_list()
    [2, 16, 16, 3]
    """
    widths = doubling_widths(size, width)
    require(latent_size > 0, f"latent_size must be at least 1, not {latent_size}.")
    start = seeded_initializer(seed)
    model = keras.Sequential([keras.Input((latent_size,))], name="generator")
    model.add(layers.Dense(4 * 4 * widths[-1], use_bias=False, kernel_initializer=start))
    model.add(layers.Reshape((4, 4, widths[-1])))
    model.add(batch_norm())
    model.add(layers.ReLU())
    for channels in reversed(widths[:-1]):
        model.add(up(channels, 4, 2, start))
        model.add(batch_norm())
        model.add(layers.ReLU())
    model.add(up(3, 4, 2, start, use_bias=True))
    # tanh in float32: near 1, bfloat16 moves in steps of half a grey level.
    model.add(layers.Activation("tanh", dtype="float32"))
    return model


def build_dcgan_discriminator(size: int = 64, width: int = 32, *, seed: int = 1) -> keras.Model:
    """Build a DCGAN discriminator without batch norm, halving down to 4×4 (chapter 7).

    Maps images (batch, size, size, 3) in [-1, 1] to logits (batch, 1). Batch norm would let
    each image's logit depend on its batch, so a gradient penalty would lose its meaning.
    Raises `TutorialError` if `size` is not 8, 16, 32, … or the width is not positive.
    """
    widths = doubling_widths(size, width)
    start = seeded_initializer(seed)
    model = keras.Sequential([keras.Input((size, size, 3))], name="discriminator")
    for channels in widths:
        model.add(down(channels, 4, start))
        model.add(layers.LeakyReLU(negative_slope=0.2))
    model.add(layers.Flatten())
    model.add(layers.Dense(1, kernel_initializer=start, dtype="float32"))
    return model
