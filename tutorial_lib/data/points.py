"""Points in the plane: sets so small that all of a game on them can be seen (chapter 4).

Points are float32 (N, 2), all in about [-1, 1]².
"""

from collections.abc import Callable

import numpy as np

from tutorial_lib.errors import TutorialError, choose

MODE_DEVIATION = 0.05  # standard deviation of each Gaussian of a mixture, along both axes
CAT_NOISE = 0.015  # standard deviation of the points around the cat's outline

_TURNS = np.arange(8) * np.pi / 4
_STEPS = np.linspace(-1, 1, 5)
CENTRES: dict[str, np.ndarray] = {
    "ring": np.stack([np.cos(_TURNS), np.sin(_TURNS)], axis=1),
    "grid": np.stack(np.meshgrid(_STEPS, _STEPS, indexing="ij"), axis=-1).reshape(-1, 2),
}


def draw_points(name: str, count: int, *, seed: int = 0) -> np.ndarray:
    """Draw independent points of a set, float32 (count, 2), the same for each seed (chapter 4).

    `name` is a key of `POINT_SETS`: "ring" (eight Gaussians on a circle), "grid" (25 of them) or
    "cat" (spread evenly over the outline of a cat's face). Raises `TutorialError` for another
    name or a negative count.
    """
    draw = choose("set of points", name, POINT_SETS)
    if count < 0:
        raise TutorialError(f"count must be at least 0, not {count}.")
    return draw(count, np.random.default_rng(seed)).astype(np.float32)


def mode_centres(name: str) -> np.ndarray:
    """Return the centres (modes, 2) of the Gaussians of the "ring" or the "grid".

    All have the same weight and the standard deviation `MODE_DEVIATION`. Raises `TutorialError`
    for a set that is no such mixture.
    """
    return choose("mixture of points", name, CENTRES).copy()


def _draw_mixture(name: str) -> Callable:
    """Return the function that draws from the mixture with these centres."""

    def draw(count: int, generator: np.random.Generator) -> np.ndarray:
        centres = CENTRES[name][generator.integers(len(CENTRES[name]), size=count)]
        return centres + MODE_DEVIATION * generator.standard_normal((count, 2))

    return draw


def _draw_cat(count: int, generator: np.random.Generator) -> np.ndarray:
    """Draw points evenly along the cat's lines: a piece of line is chosen by its length."""
    starts, ends = _CAT_PIECES
    lengths = np.linalg.norm(ends - starts, axis=1)
    chosen = generator.choice(len(lengths), size=count, p=lengths / lengths.sum())
    along = generator.random((count, 1))
    points = starts[chosen] + along * (ends[chosen] - starts[chosen])
    return points + CAT_NOISE * generator.standard_normal((count, 2))


def _arc(middle, radii, first: float, last: float) -> np.ndarray:
    """Return a piece of an ellipse as a polyline, from one angle to the other, in degrees."""
    angle = np.radians(np.linspace(first, last, 60))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * radii + middle


def _cat_lines() -> list[np.ndarray]:
    """Return the right half of the face and what lies in its middle, as polylines."""
    ear = np.array([[0.64, 0.98]])
    cheek = _arc((0, -0.15), (0.78, 0.72), -90, 34)
    crown = _arc((0, -0.15), (0.78, 0.72), 68, 90)
    return [
        np.concatenate([cheek, ear, crown]),
        _arc((0.3, 0.05), (0.14, 0.14), 0, 360),  # eye
        np.array([[0.3, -0.04], [0.3, 0.14]]),  # pupil
        np.array([[0, -0.3], [0.09, -0.2], [0, -0.2]]),  # nose
        _arc((0.11, -0.38), (0.11, 0.1), -180, 0),  # mouth
        np.array([[0.4, -0.28], [0.98, -0.16]]),  # whiskers
        np.array([[0.4, -0.35], [1.0, -0.36]]),
        np.array([[0.4, -0.42], [0.96, -0.56]]),
    ]


def _cat_pieces() -> tuple[np.ndarray, np.ndarray]:
    """Return starts and ends (pieces, 2) of the straight pieces of the whole face."""
    right = _cat_lines()
    lines = right + [line * (-1, 1) for line in right] + [np.array([[0, -0.3], [0, -0.38]])]
    starts = np.concatenate([line[:-1] for line in lines])
    ends = np.concatenate([line[1:] for line in lines])
    return starts, ends


_CAT_PIECES = _cat_pieces()

POINT_SETS: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "ring": _draw_mixture("ring"),
    "grid": _draw_mixture("grid"),
    "cat": _draw_cat,
}
