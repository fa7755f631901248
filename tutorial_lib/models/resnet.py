"""A residual generator and discriminator for the recipe `modern` (chapter 8).

Both keep the DCGAN's ladder from 4×4 to the full size, with kernels of 4 at its steps, but the
generator ends in a 3×3 convolution at the full size. They can add residual blocks of dense 3×3
convolutions on every rung. Each block counts for nothing at first, so a network begins as a plain
ladder and learns how much of a block it wants. The discriminator has no normalisation, so a
gradient penalty means what it says; it sees how much its images differ from each other instead
(`MinibatchDeviation`). Keras alone is imported.
"""

import keras
from keras import layers, ops

from tutorial_lib.models.blocks import (
    batch_norm,
    doubling_widths,
    down,
    require,
    seeded_initializer,
    up,
)

GROUP = 4  # images that are compared with each other


def build_resnet_generator(
    size: int = 64, latent_size: int = 128, width: int = 32, blocks: int = 1, *, seed: int = 0
) -> keras.Model:
    """Build a generator with `blocks` residual blocks at every size below the last (chapter 8).

    Maps latents (batch, latent_size) to images (batch, size, size, 3) in [-1, 1]. `width` is the
    number of channels at half the full size; each rung below has twice as many, up to
    8 × `width`, and the full size half as many. Raises `TutorialError` if `size` is not 8, 16,
    32, … or a width is not positive.
    """
    widths = doubling_widths(size, width)
    require(latent_size > 0, f"latent_size must be at least 1, not {latent_size}.")
    start = seeded_initializer(seed)
    inside = seeded_initializer(seed)  # of the blocks, so the ladder is the same without them
    latents = keras.Input((latent_size,))
    x = layers.Dense(4 * 4 * widths[-1], use_bias=False, kernel_initializer=start)(latents)
    x = layers.Reshape((4, 4, widths[-1]))(x)
    x = _residuals(batch_norm()(x), blocks, inside)
    for channels in reversed(widths[:-1]):
        x = up(channels, 4, 2, start)(_leaky(x))
        x = _residuals(batch_norm()(x), blocks, inside)
    # Were the last step the transposed convolution, nothing could mend its fine checkerboard.
    x = batch_norm()(up(max(1, width // 2), 4, 2, start)(_leaky(x)))
    x = layers.Conv2D(3, 3, padding="same", kernel_initializer=start)(_leaky(x))
    # tanh in float32: near 1, bfloat16 moves in steps of half a grey level.
    images = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(latents, images, name="generator")


def build_resnet_discriminator(
    size: int = 64, width: int = 32, blocks: int = 1, *, seed: int = 1
) -> keras.Model:
    """Build a discriminator with `blocks` residual blocks at each size below the first (chapter 8).

    Maps images (batch, size, size, 3) in [-1, 1] to logits (batch, 1); the batch must be a
    multiple of `GROUP`. Raises `TutorialError` if `size` is not 8, 16, 32, … or the width is not
    positive.
    """
    widths = doubling_widths(size, width)
    start = seeded_initializer(seed)
    inside = seeded_initializer(seed)  # of the blocks, so the ladder is the same without them
    images = keras.Input((size, size, 3))
    x = images
    for channels in widths:
        x = _leaky(_residuals(down(channels, 4, start)(x), blocks, inside))
    x = MinibatchDeviation()(x)
    x = layers.Flatten()(x)
    logits = layers.Dense(1, kernel_initializer=start, dtype="float32")(x)
    return keras.Model(images, logits, name="discriminator")


@keras.saving.register_keras_serializable("tutorial_lib")
class MinibatchDeviation(layers.Layer):
    """Append a channel that says how much the images of a group differ (Karras 2018).

    A generator that draws the same image again and again is found out at once. Takes and returns
    (batch, height, width, channels), with one channel more; the batch is cut into groups of
    `GROUP` neighbours, each of which shares one number: the standard deviation over the group,
    averaged over everything else.
    """

    def call(self, x):
        """Return `x` with the deviations of its groups as the last channel."""
        _, height, width, channels = x.shape
        groups = ops.reshape(ops.cast(x, "float32"), (-1, GROUP, height, width, channels))
        variance = ops.var(groups, axis=1, keepdims=True)
        # The slope of a square root is infinite at 0, and the images may well be equal.
        deviation = ops.mean(ops.sqrt(variance + 1e-8), axis=(2, 3, 4), keepdims=True)
        plane = ops.broadcast_to(deviation, (*ops.shape(groups)[:-1], 1))
        plane = ops.reshape(plane, (-1, height, width, 1))
        return ops.concatenate([x, ops.cast(plane, x.dtype)], axis=-1)

    def compute_output_shape(self, input_shape):
        """Return the shape with one channel more."""
        return (*input_shape[:-1], input_shape[-1] + 1)


@keras.saving.register_keras_serializable("tutorial_lib")
class Gain(layers.Layer):
    """Multiply by one learnt number, 0 at first (ReZero, Bachlechner 2021).

    A kernel of zeros would start as nothing too, but in a trial its samples stayed behind: Adam
    moves each of its thousands of weights by the same step, from the first one on.
    """

    def build(self, input_shape):
        """Make the number."""
        self.gain = self.add_weight(shape=(), initializer="zeros", name="gain")

    def call(self, x):
        """Return x times the number, in the shape of x."""
        return self.gain * x

    def compute_output_shape(self, input_shape):
        """Return the same shape."""
        return input_shape


def _residuals(x, blocks, start):
    """Return x after adding, `blocks` times, a 3×3 convolution of it times a gain."""
    for number in range(blocks):
        place = f"{x.shape[1]}x{x.shape[2]}_{number}"
        block = layers.Conv2D(
            x.shape[-1], 3, padding="same", kernel_initializer=start, name=f"block_{place}"
        )
        x = layers.Add()([x, Gain(name=f"gain_{place}")(block(_leaky(x)))])
    return x


def _leaky(x):
    return layers.LeakyReLU(negative_slope=0.2)(x)
