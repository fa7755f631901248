"""The Fréchet distance between two sets of features, each taken for a Gaussian (chapters 6, 9).

It says nothing without three facts: whose features, how many images, and what two disjoint sets
of real images score at the same number, since it is biased upwards for few images.
"""

from typing import NamedTuple

import numpy as np

from tutorial_lib.metrics.validation import check_dimensions, checked_features


class Gaussian(NamedTuple):
    """Hold the mean (D,) and the covariance (D, D) of a set of features."""

    mean: np.ndarray
    covariance: np.ndarray


def fit_gaussian(features: np.ndarray) -> Gaussian:
    """Return mean and covariance, divided by N - 1, of features (N, D), in float64.

    Raises `TutorialError` for another shape, fewer than two rows, or values that are not finite.
    """
    features = checked_features(features)
    centred = features - features.mean(axis=0)
    covariance = centred.T @ centred / (len(features) - 1)
    return Gaussian(features.mean(axis=0), covariance)


def frechet_distance(first: Gaussian, second: Gaussian) -> float:
    """Return ‖μ1 - μ2‖² + Tr(Σ1 + Σ2 - 2 (Σ1 Σ2)^½), the square of a distance (Dowson 1982).

    In features of a network it was proposed for GANs by Heusel 2017. It is at least 0, and 0
    for equal Gaussians. Raises `TutorialError` if the two have unequal dimensions.

    >>> first = Gaussian(np.zeros(2), np.eye(2))
    >>> frechet_distance(first, Gaussian(np.array([3.0, 0.0]), 4 * np.eye(2)))  # 3² + 2 (2 - 1)²
    11.0
    """
    check_dimensions(len(first.mean), len(second.mean))
    shift = np.sum((first.mean - second.mean) ** 2)
    spread = np.trace(first.covariance) + np.trace(second.covariance)
    overlap = _trace_of_root(first.covariance, second.covariance)
    return max(0.0, float(shift + spread - 2 * overlap))


def _trace_of_root(first: np.ndarray, second: np.ndarray) -> float:
    """Return Tr (AB)^½ of two positive semi-definite matrices.

    AB is not symmetric, but has the eigenvalues of A^½ B A^½, which is: so no complex numbers
    appear, and rounding can only make a zero slightly negative.
    """
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    return np.sqrt(np.linalg.eigvalsh(root @ second @ root).clip(0)).sum()
