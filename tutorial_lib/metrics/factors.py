"""Which kinds of cats a generator draws, judged by a small classifier (chapters 6 and 9).

The renderer knows coat, eyes and background of every cat that it draws; of a generated one nobody
knows them, so a network is asked that learnt them from the renderer's. Its last hidden layer
gives features for a Fréchet distance too. It takes uint8 pixels, and knows of no data: images and
factors are given.
"""

from collections.abc import Mapping
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from tutorial_lib.errors import TutorialError

WIDTHS = (32, 64, 96)
FEATURES = 64  # few enough that some thousand images determine their covariance well
BATCH_SIZE = 64


class JointCoverage(NamedTuple):
    """Hold how many combinations of kinds are covered, of those that the data has."""

    covered: int
    existing: int


class Judgement(NamedTuple):
    """Hold what a classifier sees in N images: factors, each int64 (N,), and features (N, D)."""

    factors: dict[str, np.ndarray]
    features: np.ndarray


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


def joint_kinds(factors: Mapping[str, np.ndarray], kinds: Mapping[str, int]) -> np.ndarray:
    """Return one number, int64 (N,), for each combination of some factors, each int (N,).

    `kinds` names the factors to combine, and of how many kinds each is; the numbers go from 0
    to the product of these. Raises `TutorialError` for a factor that is not known or a kind
    that is out of range.
    """
    if missing := set(kinds) - set(factors):
        raise TutorialError(
            f"There is no factor {', '.join(sorted(missing))}; known are {', '.join(factors)}."
        )
    for name, count in kinds.items():
        _check_kinds(factors[name], count)
    return np.ravel_multi_index([factors[name] for name in kinds], tuple(kinds.values()))


def kind_shares(values: np.ndarray, kinds: int) -> np.ndarray:
    """Return the share of each of `kinds` among values int (N,), float64 (kinds,).

    Raises `TutorialError` if there are none, or one lies outside 0 … kinds - 1.
    """
    values = np.asarray(values)
    _check_kinds(values, kinds)
    return np.bincount(values, minlength=kinds) / values.size


def kinds_covered(shares: np.ndarray, due: np.ndarray, *, part: float = 1 / 3) -> int:
    """Count the kinds that get at least `part` of the share that is due to them in the data.

    Kinds that the data lacks, such as combinations that never occur, don't count.
    """
    shares, due = np.asarray(shares), np.asarray(due)
    return int(np.count_nonzero((shares >= part * due) & (due > 0)))


def joint_coverage(
    factors: Mapping[str, np.ndarray], due: Mapping[str, np.ndarray], kinds: Mapping[str, int]
) -> JointCoverage:
    """Count the combinations of the factors in `kinds` that images cover, as `kinds_covered` does.

    `factors` are those of the images, each int (N,); `due` those of the data, (M,), of which
    there should be many: they say how often each combination is due. Few images miss rare
    combinations by chance, so compare with as many real ones, judged by the same classifier.
    """
    combinations = int(np.prod(list(kinds.values())))
    shares, owed = (kind_shares(joint_kinds(some, kinds), combinations) for some in (factors, due))
    return JointCoverage(kinds_covered(shares, owed), int(np.count_nonzero(owed)))


def _check_kinds(values: np.ndarray, kinds: int) -> None:
    values = np.asarray(values)
    if values.size == 0 or values.min() < 0 or values.max() >= kinds:
        raise TutorialError(
            f"Kinds must be some numbers from 0 to {kinds - 1}, not {np.unique(values)}."
        )
