"""Features of images, by which two sets of them are compared: EfficientNet-Lite0's (chapter 9).

What is measured in them carries the network's name, `frechet_lite0`: numbers of different
networks, or of another preprocessing, do not compare.
"""

import functools
from collections.abc import Callable

import numpy as np
from tqdm.auto import tqdm

from tutorial_lib.data.pixels import check_images
from tutorial_lib.models.lite0 import FEATURES, SIZE
from tutorial_lib.pretrained import load_lite0
from tutorial_lib.progress import is_watched

BATCH_SIZE = 32


def lite0_features(images: np.ndarray) -> np.ndarray:
    """Return the features of uint8 images (N, height, width, 3), float32 (N, 1280).

    Each image is resized to 128×128 with the antialiased bicubic filter, which is Pillow's too,
    whatever its shape, and clipped to 0..255 without rounding. A memory-mapped array is read a
    batch at a time, and a bar shows how far it is where somebody watches. Raises `TutorialError`
    for another dtype or shape.
    """
    check_images(images, channels=3)
    network = _lite0_graph()
    features = np.empty((len(images), FEATURES), np.float32)
    with tqdm(
        total=len(images), desc="Measuring", unit=" images", disable=not is_watched(), leave=False
    ) as bar:
        for first in range(0, len(images), BATCH_SIZE):
            some = slice(first, first + BATCH_SIZE)
            features[some] = network(np.asarray(images[some]))
            bar.update(len(features[some]))
    return features


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
