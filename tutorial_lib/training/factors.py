"""Teaching a classifier to tell kinds of cats apart, and asking it (chapters 6 and 9).

The renderer knows coat, eyes and background of every cat that it draws; of a generated one nobody
knows them, so a network is asked that learnt them from the renderer's. Its last hidden layer
gives features for a Fréchet distance too. It takes uint8 pixels, and knows of no data: images and
factors are given.
"""

from collections.abc import Mapping
from typing import NamedTuple

import keras
import numpy as np

from tutorial_lib.errors import TutorialError
from tutorial_lib.models.factor_classifier import build_factor_classifier

BATCH_SIZE = 64


class Judgement(NamedTuple):
    """Hold what a classifier sees in N images: factors, each int64 (N,), and features (N, D)."""

    factors: dict[str, np.ndarray]
    features: np.ndarray


def fit_factor_classifier(
    images: np.ndarray, factors: Mapping[str, np.ndarray], *, epochs: int = 3, seed: int = 0
) -> keras.Model:
    """Train a classifier on uint8 images (N, size, size, 3) and their factors, each int (N,).

    The kinds of a factor are numbered from 0, each of them among the examples. Images are
    mirrored at random. Raises `TutorialError` if the lengths differ, or there are fewer images
    than a batch.
    """
    factors = {name: np.asarray(values) for name, values in factors.items()}
    lengths = {name: len(values) for name, values in factors.items()}
    if set(lengths.values()) != {len(images)} or len(images) < BATCH_SIZE:
        raise TutorialError(
            "A classifier needs one value of each factor for each image, and at least "
            f"{BATCH_SIZE} images, not {len(images)} images and {lengths} values."
        )
    kinds = {name: int(values.max()) + 1 for name, values in factors.items()}
    judge = build_factor_classifier(images.shape[1], kinds, seed=seed)
    learner = keras.Model(judge.inputs, dict(zip(factors, judge.outputs[1:], strict=True)))
    steps = epochs * -(-len(images) // BATCH_SIZE)
    learner.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)),
        {name: keras.losses.SparseCategoricalCrossentropy(from_logits=True) for name in factors},
    )
    for epoch in range(epochs):
        # Keras would shuffle by a global seed.
        order = np.random.default_rng([seed, epoch]).permutation(len(images))
        shuffled = images[order]
        shuffled[1::2] = shuffled[1::2, :, ::-1]
        learner.fit(
            shuffled,
            {name: values[order] for name, values in factors.items()},
            BATCH_SIZE,
            shuffle=False,
            verbose=0,
        )
    return judge


def judge_factors(classifier: keras.Model, images: np.ndarray) -> Judgement:
    """Return the most probable factors and the features of uint8 images (N, size, size, 3)."""
    features, *logits = classifier.predict(images, batch_size=256, verbose=0)
    names = classifier.output_names[1:]
    factors = {name: each.argmax(axis=1) for name, each in zip(names, logits, strict=True)}
    return Judgement(factors, features)
