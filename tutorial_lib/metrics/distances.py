"""Distances between all pairs of two sets of features, a block at a time."""

from collections.abc import Iterator

import numpy as np

BLOCK = 1024  # rows: beside 10,000 others they take 84 MB


def squared_distances(first: np.ndarray, second: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield slices of the rows of `first` and their squared distances from all of `second`.

    `first` is (N, D), `second` (M, D), both float64; a block is (rows, M).
    """
    # Nearer to the origin the differences below lose fewer digits.
    middle = second.mean(axis=0)
    second = second - middle
    lengths = np.einsum("md,md->m", second, second)
    for start in range(0, len(first), BLOCK):
        rows = slice(start, start + BLOCK)
        some = first[rows] - middle
        products = -2 * some @ second.T
        products += np.einsum("nd,nd->n", some, some)[:, None]
        products += lengths
        yield rows, np.maximum(products, 0, out=products)


def slack(*sets: np.ndarray) -> float:
    """Return what separates two squared distances for certain, between rows of any of the sets.

    Rounding makes copies lie a little apart and equal distances differ, by some 1e-15 of the
    squares that cancel; without a margin chance would decide what `<` and `<=` say of them.
    """
    middle = sets[0].mean(axis=0)
    return 1e-12 * max(np.square(features - middle).sum(axis=1).max() for features in sets)
