"""A small classifier of what a renderer knows of its cats: coat, eyes and more (chapters 6, 9)."""

from collections.abc import Mapping

import keras
from keras import layers

from tutorial_lib.errors import TutorialError

WIDTHS = (32, 64, 96)
FEATURES = 64  # few enough that some thousand images determine their covariance well


def build_factor_classifier(size: int, kinds: Mapping[str, int], *, seed: int = 0) -> keras.Model:
    """Build a classifier from pixels 0..255 (batch, size, size, 3) to features and logits.

    `kinds` says of how many kinds each factor is, such as {"coat": 10}. The outputs are a list:
    features (batch, `FEATURES`), then the logits of each factor (batch, its kinds). Three
    convolutions of stride 2, so `size` is a multiple of 8. Raises `TutorialError` if it is not,
    or for a factor of fewer than two kinds.
    """
    if size < 8 or size % 8 or not kinds or min(kinds.values()) < 2:
        raise TutorialError(
            "A classifier needs a size that is a multiple of 8 and factors of at least two kinds, "
            f"not size {size} and {dict(kinds)}."
        )
    start = keras.initializers.HeNormal(seed=keras.random.SeedGenerator(seed))
    images = keras.Input((size, size, 3))
    x = layers.Rescaling(1 / 127.5, -1)(images)
    for width in WIDTHS:
        x = layers.Conv2D(width, 3, 2, "same", use_bias=False, kernel_initializer=start)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    # Flattened, not averaged over the picture: where a patch lies is half of what makes a coat.
    x = layers.Dense(FEATURES, "relu", kernel_initializer=start)(layers.Flatten()(x))
    logits = [
        layers.Dense(count, kernel_initializer=start, name=name)(x) for name, count in kinds.items()
    ]
    return keras.Model(images, [x, *logits])
