"""Drawn cats: an endless data set of cat faces whose every factor is known.

The faces are shapes with edges one pixel wide, evaluated for many images at once, so that a cat
drawn at 16 pixels and one at 256 are the same. An image follows from its factors alone, and the
factors of image i follow from (seed, i) alone. The parts of the face are in `drawn_shapes.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tutorial_lib.data import drawn_shapes as parts
from tutorial_lib.data.drawn_factors import (
    BACKDROP_COLOURS,
    BLUE,
    COAT_COLOURS,
    COATS,
    FACTORS,
    IRIS_COLOURS,
    check_whole,
    draw_factors,
)
from tutorial_lib.errors import TutorialError

SMALLEST, LARGEST = 16, 256
# Enough pixels to hide the cost of a NumPy call, few enough for its arrays to stay in the cache.
PIXELS_AT_ONCE = 32768
# The function that paints a coat has the coat's name.
COAT_FUNCTIONS = tuple(getattr(parts, coat.replace("-", "_")) for coat in COATS)


@dataclass(frozen=True)
class DrawnCats:
    """N drawn cats of size S, all arrays in the same order.

    Attributes:
        rgba: uint8 (N, S, S, 4), the cat alone, straight alpha.
        images: uint8 (N, S, S, 3), the cat on its background.
        masks: uint8 (N, S, S), alpha of the cat, whiskers included; 0 outside, 255 inside.
        backgrounds: uint8 (N, S, S, 3), what is behind the cat.
        factors: structured array (N,) of type FACTORS, whose comments give units and ranges.
    """

    rgba: np.ndarray
    images: np.ndarray
    masks: np.ndarray
    backgrounds: np.ndarray
    factors: np.ndarray


def draw_cats(count: int, size: int = 64, *, seed: int = 0, start: int = 0) -> DrawnCats:
    """Draw cats number `start` to `start + count - 1` of a seed, size x size pixels each.

    Raises TutorialError unless all are whole numbers, count, seed and start at least 0, and size
    from 16 to 256.
    """
    return render(draw_factors(count, seed=seed, start=start), size)


def render(factors: np.ndarray, size: int = 64) -> DrawnCats:
    """Draw one cat for each entry of `factors`, a structured array (N,) of type FACTORS.

    To see what a factor does, change that field of `draw_factors(...)` and render again.
    Raises TutorialError unless size is a whole number from 16 to 256 and the factors are of that
    type, their coats indices into COATS.
    """
    check_whole("size", size, SMALLEST, LARGEST)
    _check_factors(factors)
    rgba = np.empty((len(factors), size, size, 4), np.uint8)
    images, backgrounds = (np.empty((*rgba.shape[:3], 3), np.uint8) for _ in range(2))
    at_once = max(1, PIXELS_AT_ONCE // size**2)
    for coat, mark in enumerate(COAT_FUNCTIONS):
        members = np.flatnonzero(factors["coat"] == coat)
        for first in range(0, len(members), at_once):
            some = members[first : first + at_once]
            cat, behind = _render_some(factors[some], size, mark)
            images[some] = _interleave(_composite(cat, behind))
            rgba[some], backgrounds[some] = _interleave(cat), _interleave(behind)
    return DrawnCats(rgba, images, rgba[..., 3].copy(), backgrounds, factors)


def _render_some(f: np.ndarray, size: int, mark: Callable) -> tuple[np.ndarray, np.ndarray]:
    """Draw the parts from back to front; uint8 (n, 4, S, S) and (n, 3, S, S)."""
    coat = COAT_COLOURS[f["coat"], f["palette"]] * f["brightness"][:, None, None]
    coat += f["warmth"][:, None, None] * np.array([1, 0, -1], np.float32)
    iris = IRIS_COLOURS[np.stack([f["eye_colour"], np.where(f["odd_eyes"], BLUE, f["eye_colour"])])]
    backdrop = BACKDROP_COLOURS[f["background"]]
    face = parts.Face(f, size, coat, iris.swapaxes(0, 1), backdrop)
    parts.draw_outline(face)
    mark(face)
    parts.draw_inner_ears(face.window(-1.4, 1.4, -1.6, -0.2))
    parts.draw_light(face)
    parts.draw_muzzle(face.window(-1.0, 1.0, 0.1, 0.8))
    parts.draw_eyes(face.window(-0.8, 0.8, -0.4, 0.45))
    parts.draw_nose_and_mouth(face.window(-0.3, 0.3, 0.15, 0.7))
    parts.draw_whiskers(face.window(-1.35, 1.35, 0.1, 0.95))
    return _bytes(face.canvas), _bytes(parts.draw_backdrop(face))


def _bytes(planes: np.ndarray) -> np.ndarray:
    """Round (n, C, S, S) in [0, 1], which is used up, to uint8."""
    planes *= 255.0
    planes += 0.5
    return np.clip(planes, 0.0, 255.0, out=planes).astype(np.uint8)


def _composite(cat: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """Lay uint8 (n, 4, S, S) over uint8 (n, 3, S, S), rounding once."""
    alpha = cat[:, 3:].astype(np.uint16)
    total = cat[:, :3] * alpha
    total += behind * (255 - alpha)
    total += 127
    return (total // 255).astype(np.uint8)


def _interleave(planes: np.ndarray) -> np.ndarray:
    """Copy (n, C, S, S) to (n, S, S, C), a channel at a time: far faster than a transposed copy."""
    pixels = np.empty((len(planes), *planes.shape[2:], planes.shape[1]), planes.dtype)
    for channel in range(planes.shape[1]):
        pixels[..., channel] = planes[:, channel]
    return pixels


def _check_factors(factors: np.ndarray) -> None:
    if getattr(factors, "dtype", None) != FACTORS or factors.ndim != 1:
        raise TutorialError("factors must be an array (N,) like the one draw_factors(N) returns.")
    highest = factors["coat"].max(initial=0)
    if highest >= len(COATS):
        raise TutorialError(f"coat must be from 0 to {len(COATS) - 1}, not {highest}.")
