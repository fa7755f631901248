"""Which coats a generator draws, judged by a small classifier of drawn cats (chapter 6).

The renderer knows the coat of every cat that it draws; of a generated one nobody knows it, so a
network is asked that learnt from the renderer's. Its last hidden layer gives features for a
Fréchet distance too. It takes uint8 pixels, and knows of no data: images and coats are given.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from tutorial_lib.errors import TutorialError

WIDTHS = (32, 64, 96)
FEATURES = 64  # few enough that some thousand images determine their covariance well
BATCH_SIZE = 64


class Judgement(NamedTuple):
    """Hold what a classifier sees in N images: coats int64 (N,), features float32 (N, D)."""

    coats: np.ndarray
    features: np.ndarray


def build_coat_classifier(size: int, coats: int, *, seed: int = 0) -> keras.Model:
    """Build a classifier from pixels 0..255 (batch, size, size, 3) to features and logits.

    The outputs are (batch, `FEATURES`) and (batch, coats). Three convolutions of stride 2, so
    `size` is a multiple of 8. Raises `TutorialError` if it is not, or for fewer than two coats.
    """
    if size < 8 or size % 8 or coats < 2:
        raise TutorialError(
            "A classifier needs a size that is a multiple of 8 and at least two coats, not size "
            f"{size} and {coats} coats."
        )
    start = keras.initializers.HeNormal(seed=keras.random.SeedGenerator(seed))
    images = keras.Input((size, size, 3))
    x = layers.Rescaling(1 / 127.5, -1)(images)
    for width in WIDTHS:
        x = layers.Conv2D(width, 3, 2, "same", use_bias=False, kernel_initializer=start)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    # Flattened, not averaged over the picture: where a patch lies is half of what makes a coat.
    x = layers.Dense(FEATURES, "relu", kernel_initializer=start)(layers.Flatten()(x))
    return keras.Model(images, [x, layers.Dense(coats, kernel_initializer=start)(x)])


def fit_coat_classifier(
    images: np.ndarray, coats: np.ndarray, *, epochs: int = 3, seed: int = 0
) -> keras.Model:
    """Train a classifier on uint8 images (N, size, size, 3) and their coats, int (N,).

    Coats are numbered from 0, each of them among the examples. Images are mirrored at random.
    Raises `TutorialError` if the two lengths differ, or there are fewer images than a batch.
    """
    if len(images) != len(coats) or len(images) < BATCH_SIZE:
        raise TutorialError(
            f"A classifier needs one coat for each image, and at least {BATCH_SIZE} images, not "
            f"{len(images)} images and {len(coats)} coats."
        )
    judge = build_coat_classifier(images.shape[1], int(np.max(coats)) + 1, seed=seed)
    learner = keras.Model(judge.inputs, judge.outputs[1])
    steps = epochs * -(-len(images) // BATCH_SIZE)
    learner.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    for epoch in range(epochs):
        # Keras would shuffle by a global seed.
        order = np.random.default_rng([seed, epoch]).permutation(len(images))
        shuffled = images[order]
        shuffled[1::2] = shuffled[1::2, :, ::-1]
        learner.fit(shuffled, coats[order], BATCH_SIZE, shuffle=False, verbose=0)
    return judge


def judge_coats(classifier: keras.Model, images: np.ndarray) -> Judgement:
    """Return the most probable coat and the features of uint8 images (N, size, size, 3)."""
    features, logits = classifier.predict(images, batch_size=256, verbose=0)
    return Judgement(logits.argmax(axis=1), features)


def coat_shares(coats: np.ndarray, kinds: int) -> np.ndarray:
    """Return the share of each of `kinds` coats among coats int (N,), float64 (kinds,).

    Raises `TutorialError` if there are none, or one lies outside 0 … kinds - 1.
    """
    coats = np.asarray(coats)
    if coats.size == 0 or coats.min() < 0 or coats.max() >= kinds:
        raise TutorialError(
            f"Coats must be some numbers from 0 to {kinds - 1}, not {np.unique(coats)}."
        )
    return np.bincount(coats, minlength=kinds) / coats.size


def coats_covered(shares: np.ndarray, due: np.ndarray, *, part: float = 1 / 3) -> int:
    """Count the coats that get at least `part` of the share that is due to them in the data."""
    return int(np.count_nonzero(np.asarray(shares) >= part * np.asarray(due)))
