"""A small autoregressive network: each pixel's distribution given the earlier ones (chapter 2).

Pixels are read row by row, from left to right. Convolutions see only what was read before, so one
pass gives the distributions of all pixels at once (PixelCNN, van den Oord 2016). A single stack of
masked convolutions would never see some of the pixels above and to the right, its "blind spot".
Two stacks, one for the rows above and one for the pixels to the left, have none.
"""

import keras
import numpy as np
from keras import layers, ops

from tutorial_lib.models.bayes_net import check_values, draw_levels
from tutorial_lib.models.blocks import require, seeded_initializer


class MaskedConv2D(layers.Layer):
    """A convolution whose kernel is 0 where it would look ahead.

    Maps (batch, h, w, channels) to (batch, h, w, filters). `mask` (rows, columns) is 1 where the
    kernel may look and 0 elsewhere; its middle is the pixel itself.
    """

    def __init__(self, filters: int, mask: list[list[int]], kernel_initializer):
        super().__init__()
        self.filters, self.kernel_initializer = filters, kernel_initializer
        self.mask = np.array(mask, "float32")[..., None, None]

    def build(self, input_shape):
        """Create the kernel and the bias."""
        shape = (*self.mask.shape[:2], input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape=shape, initializer=self.kernel_initializer)
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros")

    def call(self, x):
        """Convolve with the masked kernel; the picture is padded with zeros."""
        kernel = self.kernel * ops.cast(self.mask, self.kernel.dtype)
        return ops.conv(x, kernel, padding="same") + self.bias


class PositionBias(layers.Layer):
    """Add a learnt number to each channel of each pixel, so that the network knows where it is."""

    def build(self, input_shape):
        """Create the bias, (h, w, channels)."""
        self.bias = self.add_weight(shape=input_shape[1:], initializer="zeros")

    def call(self, x):
        """Add the bias."""
        return x + self.bias


# Mask A sees pixels, so it leaves the present one out. Mask B sees features that know of earlier
# pixels only; it may keep their present place.
ABOVE_A, ABOVE_B = [[1, 1, 1], [0, 0, 0], [0, 0, 0]], [[1, 1, 1], [1, 1, 1], [0, 0, 0]]
LEFT_A, LEFT_B = [[1, 0, 0]], [[1, 1, 0]]


def build_autoregressive(
    size: int = 16, levels: int = 8, width: int = 32, blocks: int = 4, *, seed: int = 0
) -> keras.Model:
    """Build a PixelCNN with two stacks of masked convolutions (van den Oord 2016, chapter 2).

    Maps pixels, integers (batch, size, size) from 0 to `levels` - 1, to logits (batch, size, size,
    levels). Those of a pixel depend on the pixels before it in reading order, and on no other: at
    most `blocks` + 1 rows above and columns to the left. Raises `TutorialError` if an argument is
    less than 1, or `levels` less than 2.
    """
    for name, value in (("size", size), ("width", width), ("blocks", blocks)):
        require(value > 0, f"{name} must be at least 1, not {value}.")
    require(levels > 1, f"levels must be at least 2, not {levels}.")
    start = seeded_initializer(seed)
    pixels = keras.Input((size, size), dtype="int32")
    shown = ops.one_hot(pixels, levels)
    above = PositionBias()(MaskedConv2D(width, ABOVE_A, start)(shown))
    left = PositionBias()(MaskedConv2D(width, LEFT_A, start)(shown))
    for _ in range(blocks):
        above += MaskedConv2D(width, ABOVE_B, start)(ops.relu(above))
        both = MaskedConv2D(width, LEFT_B, start)(ops.relu(left)) + _mix(width, start)(above)
        left += _mix(width, start)(ops.relu(both))
    features = ops.relu(_mix(2 * width, start)(ops.relu(left)))
    logits = layers.Conv2D(levels, 1, kernel_initializer=start, dtype="float32")(features)
    return keras.Model(pixels, logits, name="autoregressive")


def _mix(channels: int, start) -> layers.Layer:
    """Return a 1×1 convolution: it mixes the channels of a pixel, and looks nowhere else."""
    return layers.Conv2D(channels, 1, kernel_initializer=start)


def log_probabilities(model: keras.Model, values: np.ndarray) -> np.ndarray:
    """Return log p(x_i | the pixels before it) of each pixel, in nats; float64 (N, size, size).

    Their sum over an image is its log-likelihood. `values` are integers (N, size, size). Raises
    `TutorialError` if they have another shape or are not levels of the model.
    """
    values, found = _check_images(model, values), []
    for some in np.split(values, range(256, len(values), 256)):
        logits = ops.convert_to_numpy(model(some)).astype(np.float64)
        chosen = np.take_along_axis(logits, some[..., None], axis=-1)[..., 0]
        found.append(chosen - np.logaddexp.reduce(logits, axis=-1))
    return np.concatenate(found)


def sample(model: keras.Model, count: int, *, seed: int = 0) -> np.ndarray:
    """Draw images pixel by pixel; int (count, size, size), the same for each seed.

    Raises `TutorialError` if `count` is less than 1.
    """
    require(count > 0, f"count must be at least 1, not {count}.")
    return complete(model, np.zeros((count, *model.input_shape[1:]), int), 0, seed=seed)


def complete(model: keras.Model, values: np.ndarray, known: int, *, seed: int = 0) -> np.ndarray:
    """Keep the first `known` pixels in reading order, and draw the others; int (N, size, size).

    One pass through the network for each pixel drawn. Raises `TutorialError` if the values are
    not images for the model, or `known` is not a number of its pixels.
    """
    drawn = _check_images(model, values)
    pixels = drawn[0].size
    require(0 <= known <= pixels, f"known must be from 0 to {pixels}, not {known}.")
    rng = np.random.default_rng(seed)
    drawn.reshape(len(drawn), -1)[:, known:] = 0
    for pixel in range(known, pixels):
        row, column = divmod(pixel, drawn.shape[2])
        logits = model.predict_on_batch(drawn)[:, row, column]
        drawn[:, row, column] = draw_levels(logits, rng)
    return drawn


def _check_images(model: keras.Model, values: np.ndarray) -> np.ndarray:
    """Return a copy of the values as int32, or raise `TutorialError` if the model has no such."""
    values, shape = np.asarray(values), model.input_shape[1:]
    fits = values.shape[1:] == shape and len(values) > 0
    require(fits, f"Values must have the shape (N, {shape[0]}, {shape[1]}), not {values.shape}.")
    flat = check_values(values.reshape(len(values), -1), model.output_shape[-1])
    return flat.reshape(values.shape).astype(np.int32)
