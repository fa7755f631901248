"""Plots of many games beside each other, and the pictures that a comparison stored (chapter 6)."""

from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from tutorial_lib.errors import choose
from tutorial_lib.losses import LossPair
from tutorial_lib.show import game
from tutorial_lib.show.pictures import GAP

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Colour, width and layer of the first, second and third curve: the last lies under the others
CURVES = (("#0072B2", 1.8, 3), ("#D55E00", 1.8, 3), ("#009E7380", 7, 2))

# The three curves of a pair: whose loss, and the logit that moves
MOVES = {
    "D, as r moves": ("discriminator", "r"),
    "D, as f moves": ("discriminator", "f"),
    "G, as f moves": ("generator", "f"),
}


def stored_pictures(loss: str, penalty: str) -> np.ndarray:
    """Return eight generated cats, uint8 (8, h, h, 3), of a game of the stored comparison.

    They are the first eight of its first seed. Raises `TutorialError` for a game that is not there.
    """
    folder = files("tutorial_lib") / "results" / "loss_comparison_images"
    stored = {file.name.removesuffix(".png"): file for file in folder.iterdir()}
    name = f"{loss}_{penalty}".replace(" ", "")
    with choose("game", name, stored).open("rb") as file:
        strip = np.asarray(Image.open(file).convert("RGB"))
    size = len(strip)
    starts = range(0, strip.shape[1], size + GAP)
    return np.stack([strip[:, start : start + size] for start in starts])


def trace_losses(
    pairs: dict[str, LossPair],
    t: Sequence[float],
    partner: float,
    measure: Callable[..., tuple[float, float]],
) -> tuple[dict, dict]:
    """Return the values and the slopes of the losses of some pairs, by name and by curve.

    One logit moves along `t`, the other one is `partner`; `measure(loss, r, f, moving)` gives a
    value and a slope. Values are what is left if that in the middle of `t` is subtracted.
    """
    values, slopes = {}, {}
    for name, pair in pairs.items():
        values[name], slopes[name] = {}, {}
        for label, (player, moving) in MOVES.items():
            logits = [{"r": partner, "f": partner, moving: place} for place in t]
            loss = getattr(pair, player)
            found = np.array([measure(loss, **both, moving=moving) for both in logits])
            values[name][label] = found[:, 0] - found[len(t) // 2, 0]
            slopes[name][label] = found[:, 1]
    return values, slopes


def plot_panels(
    x: Sequence[float],
    panels: dict[str, dict[str, Sequence[float]]],
    *,
    xlabel: str,
    ylabel: str,
    limits: tuple[float, float],
) -> "Figure":
    """Return a figure with up to three curves over x in each panel, by title and label."""
    size = (5, 1 + 1.9 * -(-len(panels) // 2))
    figure, axes = _panels(len(panels), 2, size)
    for axis, (title, curves) in zip(axes, panels.items(), strict=True):
        axis.axhline(0, color="grey", linewidth=0.8)
        lines = [
            axis.plot(x, y, color=colour, linewidth=width, zorder=layer)[0]
            for y, (colour, width, layer) in zip(curves.values(), CURVES, strict=False)
        ]
        axis.set(title=title, ylim=limits)
        axis.grid(alpha=0.3)
    figure.supxlabel(xlabel, fontsize=10)
    figure.supylabel(ylabel, fontsize=10)
    figure.legend(lines, list(curves), ncols=3, loc="outside upper center", frameon=False)
    return figure


def plot_points(panels: dict[str, np.ndarray]) -> "Figure":
    """Return a figure of points (N, 2) in the plane, a panel for each title, three in a row.

    The last panel's are blue, to be compared with all others: the real points. Titles may have
    two lines.
    """
    figure, axes = _panels(len(panels), 3, (5.4, 0.3 + 2.1 * -(-len(panels) // 3)))
    for axis, (title, points) in zip(axes, panels.items(), strict=True):
        game.plot_points(axis, points, game.REAL if title == list(panels)[-1] else game.FAKE)
        axis.set_title(title, fontsize=9)
    return figure


def plot_intervals(
    intervals: dict[str, dict[str, tuple[float, float]]], *, xlabel: str
) -> "Figure":
    """Return a figure with up to two intervals (low, high) in each row, by row and by label.

    Where an interval does not touch 0, it is thick.
    """
    figure, axis = plt.subplots(figsize=(5, 1.2 + 0.26 * len(intervals)), layout="constrained")
    for row, some in enumerate(intervals.values()):
        for offset, (colour, _, _), (low, high) in zip(
            (-0.17, 0.17), CURVES, some.values(), strict=False
        ):
            width = 4 if low > 0 or high < 0 else 1.2
            axis.plot([low, high], [row + offset] * 2, color=colour, linewidth=width)
    axis.axvline(0, color="grey", linewidth=0.8)
    axis.set_yticks(range(len(intervals)), list(intervals), fontsize=9)
    axis.set_ylim(len(intervals) - 0.5, -0.5)
    axis.set_xlabel(xlabel)
    axis.grid(alpha=0.3, axis="x")
    labels = list(next(iter(intervals.values())))
    lines = [plt.Line2D([], [], color=CURVES[place][0]) for place in range(len(labels))]
    figure.legend(lines, labels, ncols=2, loc="outside upper center", frameon=False)
    return figure


def _panels(count: int, columns: int, size: tuple[float, float]) -> tuple["Figure", list]:
    """Return a figure of `count` panels with shared axes, and their axes; spare ones are off."""
    rows = -(-count // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for axis in axes.flat[count:]:
        axis.set_axis_off()
    return figure, list(axes.flat[:count])
