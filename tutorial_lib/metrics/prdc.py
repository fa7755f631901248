"""Are the samples real, and is all that is real sampled? Two pairs of answers (chapter 9).

Each set is thought of as balls around its own images, as large as the distance of the k-th
nearest neighbour. All are shares of images, and depend on the numbers of images on both sides.
"""

from typing import NamedTuple

import numpy as np

from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.distances import slack, squared_distances
from tutorial_lib.metrics.validation import checked_pair


class PrecisionRecall(NamedTuple):
    """Hold two shares from 0 to 1: of the fakes among the reals, and of the reals among fakes."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """Hold the density, about 1 for real images but unbounded, and the coverage, from 0 to 1."""

    density: float
    coverage: float


def precision_recall(real: np.ndarray, fake: np.ndarray, *, neighbours: int = 3) -> PrecisionRecall:
    """Count fakes that lie in any ball of a real, and reals in any ball of a fake.

    `real` is (N, D), `fake` (M, D); an image on the edge of a ball is inside (Kynkäänniemi
    2019). One outlier with a large ball can cover many fakes. Raises `TutorialError` for fewer
    than `neighbours` + 1 images, or features that are not finite or differ in number.

    >>> points = np.random.default_rng(0).normal(size=(100, 4))
    >>> precision_recall(points, points)
    PrecisionRecall(precision=1.0, recall=1.0)
    """
    real, fake = _checked(real, fake, neighbours)
    margin = slack(real, fake)
    around_reals = _squared_radii(real, neighbours) + margin
    around_fakes = _squared_radii(fake, neighbours) + margin
    precise, recalled = np.zeros(len(fake), bool), np.zeros(len(real), bool)
    for rows, distances in squared_distances(real, fake):
        precise |= (distances <= around_reals[rows, None]).any(axis=0)
        recalled[rows] = (distances <= around_fakes).any(axis=1)
    return PrecisionRecall(float(precise.mean()), float(recalled.mean()))


def density_coverage(real: np.ndarray, fake: np.ndarray, *, neighbours: int = 5) -> DensityCoverage:
    """Count the balls of reals that each fake lies in, and the reals with a fake in their ball.

    `real` is (N, D), `fake` (M, D); an image on the edge of a ball is outside, and the count is
    divided by `neighbours` (Naeem 2020). The balls of fakes, which a poor generator makes
    large, play no part. Raises `TutorialError` as `precision_recall` does.
    """
    real, fake = _checked(real, fake, neighbours)
    radii = _squared_radii(real, neighbours) - slack(real, fake)
    inside, covered = 0, np.zeros(len(real), bool)
    for rows, distances in squared_distances(real, fake):
        hits = distances < radii[rows, None]
        inside += np.count_nonzero(hits)
        covered[rows] = hits.any(axis=1)
    return DensityCoverage(inside / (neighbours * len(fake)), float(covered.mean()))


def _squared_radii(features: np.ndarray, neighbours: int) -> np.ndarray:
    """Return the squared distance of each row's k-th nearest other row, (N,)."""
    radii = np.empty(len(features))
    for rows, distances in squared_distances(features, features):
        # The nearest of all is the row itself, or a copy, which is as near.
        radii[rows] = np.partition(distances, neighbours, axis=1)[:, neighbours]
    return radii


def _checked(real: np.ndarray, fake: np.ndarray, neighbours: int) -> tuple[np.ndarray, np.ndarray]:
    if neighbours < 1:
        raise TutorialError(f"neighbours must be at least 1, not {neighbours!r}.")
    return checked_pair(real, fake, least=neighbours + 1)
