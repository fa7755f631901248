"""Features of images, by which two sets of them are compared: EfficientNet-Lite0 (chapter 9).

The network was trained to tell 1,000 kinds of things apart in ImageNet (Tan & Le 2019; the Lite
variant has ReLU6 and no squeeze-and-excitation). What is measured in its features carries its
name, `frechet_lite0`: numbers of different networks, or of another preprocessing, do not compare.
"""

import functools
from collections.abc import Callable

import keras
import numpy as np
from keras import layers

from tutorial_lib.errors import TutorialError
from tutorial_lib.pretrained import load_weights

LITE0 = "efficientnet-lite0"
SIZE = 128  # pixels a side that the features are defined for here
FEATURES = 1280
# repeats, kernel, stride of the first repeat, expansion, channels
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def build_lite0() -> keras.Model:
    """Build EfficientNet-Lite0, untrained, from pixels 0..255 to features.

    It maps (batch, 128, 128, 3) to (batch, 1280), the activation after the last 1×1 convolution
    averaged over space. Batch norms are folded into the convolutions, whose biases they become.
    """
    pixels = keras.Input((SIZE, SIZE, 3), dtype="float32")
    x = layers.Rescaling(1 / 128, -127 / 128, dtype="float32")(pixels)
    x = _relu6(layers.Conv2D(32, 3, 2, "same", dtype="float32")(x))
    for repeats, kernel, stride, expansion, channels in STAGES:
        for repeat in range(repeats):
            x = _block(x, kernel, 1 if repeat else stride, expansion, channels)
    x = _relu6(layers.Conv2D(FEATURES, 1, dtype="float32")(x))
    return keras.Model(pixels, layers.GlobalAveragePooling2D(dtype="float32")(x), name=LITE0)


def _block(x, kernel: int, stride: int, expansion: int, channels: int):
    """Widen, filter each channel by itself, narrow; add the input where the shapes allow it."""
    start, width = x, x.shape[-1]
    if expansion > 1:
        x = _relu6(layers.Conv2D(expansion * width, 1, dtype="float32")(x))
    x = _relu6(layers.DepthwiseConv2D(kernel, stride, "same", dtype="float32")(x))
    x = layers.Conv2D(channels, 1, dtype="float32")(x)
    skip = stride == 1 and width == channels
    return layers.Add(dtype="float32")([x, start]) if skip else x


def _relu6(x):
    return layers.ReLU(6, dtype="float32")(x)


def load_lite0() -> keras.Model:
    """Return `build_lite0()` with the weights from ImageNet that come with the package.

    Raises `TutorialError` if their file is missing or damaged.
    """
    try:
        weights = load_weights(LITE0)
    except TutorialError as error:
        raise TutorialError(
            f"The network that measures, {LITE0}, cannot be loaded, so install tutorial_lib "
            f"again: {error}"
        ) from error
    network = build_lite0()
    network.set_weights(weights)
    network.trainable = False
    return network


def lite0_features(images: np.ndarray, *, batch_size: int = 32) -> np.ndarray:
    """Return the features of uint8 images (N, height, width, 3), float32 (N, 1280).

    Each image is resized to 128×128 with the antialiased bicubic filter, which is Pillow's too,
    whatever its shape, and clipped to 0..255 without rounding. A memory-mapped array is read a
    batch at a time. Raises `TutorialError` for another dtype or shape.
    """
    check_images(images)
    network = _lite0_graph()
    features = np.empty((len(images), FEATURES), np.float32)
    for first in range(0, len(images), batch_size):
        some = slice(first, first + batch_size)
        features[some] = network(np.asarray(images[some]))
    return features


def check_images(images: np.ndarray) -> None:
    """Raise `TutorialError` unless images are uint8 (N, height, width, 3)."""
    shape, dtype = getattr(images, "shape", None), getattr(images, "dtype", None)
    if dtype != np.uint8 or len(shape) != 4 or shape[-1] != 3 or 0 in shape[1:]:
        found = type(images).__name__ if shape is None else f"{dtype} of shape {tuple(shape)}"
        raise TutorialError(
            f"Images must be a uint8 array of shape (N, height, width, 3), not {found}; "
            "tutorial_lib.data.pipeline.to_uint8 converts floats in [-1, 1]."
        )


@functools.cache
def _lite0_graph() -> Callable:
    """Return resizing and network as one graph, made once."""
    import tensorflow as tf

    network = load_lite0()

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)])
    def features(images):
        resized = tf.image.resize(images, (SIZE, SIZE), "bicubic", antialias=True)
        return network(tf.clip_by_value(resized, 0, 255), training=False)

    return features
