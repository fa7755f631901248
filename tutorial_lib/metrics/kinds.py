"""Which kinds of things a generator draws, and how often, as a classifier sees it (chapter 9)."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tutorial_lib.errors import TutorialError


class JointCoverage(NamedTuple):
    """Hold how many combinations of kinds are covered, of those that the data has."""

    covered: int
    existing: int


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
