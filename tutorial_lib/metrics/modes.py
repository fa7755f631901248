"""How well points cover modes, and how far two discrete distributions are apart (chapter 4)."""

from typing import NamedTuple

import numpy as np

from tutorial_lib.errors import TutorialError


class ModeCoverage(NamedTuple):
    """Hold how many modes are covered, and which fraction of the points lies near any mode."""

    covered: int
    near: float


def modes_covered(
    points: np.ndarray, centres: np.ndarray, radius: float, *, share: float = 0.2
) -> ModeCoverage:
    """Count the modes that points reach, and the fraction of points near a mode (chapter 4).

    A point (of `points`, (N, 2)) is near the closest of the `centres` (modes, 2) if it is at
    most `radius` away. A mode is covered if at least `share` of its fair part of all points,
    N / modes, is near it. Raises `TutorialError` for other shapes, points that are not finite,
    a radius that is not positive, or a share outside (0, 1].
    """
    points, centres = _checked_points(points, "points"), _checked_points(centres, "centres")
    if not 0 < radius < np.inf:
        raise TutorialError(f"radius must be a positive number, not {radius!r}.")
    if not 0 < share <= 1:
        raise TutorialError(f"share must be above 0 and at most 1, not {share!r}.")
    distances = np.linalg.norm(points[:, None] - centres[None], axis=-1)
    near = distances.min(axis=1) <= radius
    visits = np.bincount(distances.argmin(axis=1)[near], minlength=len(centres))
    covered = np.count_nonzero(visits >= share * len(points) / len(centres))
    return ModeCoverage(int(covered), float(near.mean()))


def grid_histogram(points: np.ndarray, bins: int = 20, extent: float = 1.5) -> np.ndarray:
    """Return the fraction of points (N, 2) in each cell of a grid, float64 (bins, bins).

    The grid covers the square from -extent to extent; the first axis is that of the first
    coordinate. A point outside counts in the cell of the border that is nearest, so that the
    fractions always sum to 1 and nothing escapes a comparison. Raises `TutorialError` for
    other shapes, points that are not finite, or an empty grid.
    """
    points = _checked_points(points, "points")
    if bins < 1:
        raise TutorialError(f"bins must be at least 1, not {bins!r}.")
    if not 0 < extent < np.inf:
        raise TutorialError(f"extent must be a positive number, not {extent!r}.")
    cells = np.floor((points + extent) / (2 * extent) * bins).clip(0, bins - 1).astype(np.int64)
    counts = np.bincount(cells[:, 0] * bins + cells[:, 1], minlength=bins * bins)
    return counts.reshape(bins, bins) / len(points)


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """Return the Jensen-Shannon divergence of two discrete distributions, in nats (chapter 4).

    With m = (p + q) / 2 it is ½ KL(p ‖ m) + ½ KL(q ‖ m): 0 if p = q, log 2 if they never meet
    (Lin 1991). `p` and `q` have one shape, any, and each sums to 1. Raises `TutorialError` if
    they do not.
    """
    p, q = _checked_distribution(p, "p"), _checked_distribution(q, "q")
    if p.shape != q.shape:
        raise TutorialError(f"p and q must have one shape, not {p.shape} and {q.shape}.")
    middle = (p + q) / 2
    return (_kl_divergence(p, middle) + _kl_divergence(q, middle)) / 2


def _kl_divergence(p: np.ndarray, q: np.ndarray) -> float:
    """Return the sum of p log(p / q), with 0 log 0 = 0; q is positive wherever p is."""
    some = p > 0
    return float(np.sum(p[some] * np.log(p[some] / q[some])))


def _checked_points(points: np.ndarray, name: str) -> np.ndarray:
    """Return points as float64 (N, 2), or raise `TutorialError`."""
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
        raise TutorialError(f"{name} must have the shape (N, 2), N at least 1, not {points.shape}.")
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(bad):
        raise TutorialError(
            f"{name} must be finite, but number {bad[0]} is {points[bad[0]].tolist()}: "
            "a generator that makes such points has diverged."
        )
    return points


def _checked_distribution(p: np.ndarray, name: str) -> np.ndarray:
    """Return probabilities as float64, or raise `TutorialError`."""
    p = np.asarray(p, np.float64)
    if not (p >= 0).all() or not np.isclose(p.sum(), 1, rtol=0, atol=1e-6):
        raise TutorialError(
            f"{name} must hold probabilities that sum to 1, but sums to {p.sum():.6g} and its "
            f"smallest entry is {p.min(initial=np.inf):.6g}."
        )
    return p
