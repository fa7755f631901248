"""The kernel distance between two sets of features, KID in Inception's (chapter 9).

It is the square of the maximum mean discrepancy under the kernel (x·y / D + 1)³ (Binkowski 2018).
Its estimate has no bias at any number of images, which the Fréchet distance has; it scatters
instead, also below 0.
"""

from typing import NamedTuple

import numpy as np

from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.validation import checked_pair


class KernelDistance(NamedTuple):
    """Hold the mean of the estimates from several subsets, and their standard deviation."""

    mean: float
    spread: float


def kernel_distance(
    first: np.ndarray,
    second: np.ndarray,
    *,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> KernelDistance:
    """Estimate the distance between features (N, D) and (M, D) from random pairs of subsets.

    Raises `TutorialError` if a set is smaller than a subset, or if the features differ in number
    or are not finite.
    """
    if subsets < 1 or subset_size < 2:
        raise TutorialError(
            "The kernel distance needs at least one subset, of at least two images, not "
            f"{subsets} of {subset_size}."
        )
    first, second = checked_pair(first, second, least=subset_size)
    rng = np.random.default_rng(seed)
    estimates = [
        unbiased_discrepancy(
            first[rng.choice(len(first), subset_size, replace=False)],
            second[rng.choice(len(second), subset_size, replace=False)],
        )
        for _ in range(subsets)
    ]
    return KernelDistance(float(np.mean(estimates)), float(np.std(estimates)))


def unbiased_discrepancy(first: np.ndarray, second: np.ndarray) -> float:
    """Return E k(x, x') + E k(y, y') - 2 E k(x, y), no image being paired with itself.

    `first` is (N, D), `second` (M, D). With the diagonals, which are large, few images would
    seem to be far apart.
    """
    first, second = checked_pair(first, second)
    within = sum(
        (kernel.sum() - np.trace(kernel)) / (len(kernel) * (len(kernel) - 1))
        for kernel in (_cubic_kernel(first, first), _cubic_kernel(second, second))
    )
    return float(within - 2 * _cubic_kernel(first, second).mean())


def _cubic_kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first @ second.T / first.shape[1] + 1) ** 3
