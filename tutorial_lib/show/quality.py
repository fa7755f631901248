"""Plots of measures of quality: what faults do to them, and balls in a plane (chapter 9)."""

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Colour and mark of the first, second, … fault
MARKS = (("#0072B2", "o-"), ("#D55E00", "s--"), ("#009E73", "^-."), ("#AA4499", "D:"))
BLUE, VERMILION = "#0072B2", "#D55E00"


def plot_measures(
    panels: dict[str, dict[str, Sequence[float]]], strengths: Sequence[str]
) -> "Figure":
    """Return a panel for each measure, two in a row, with up to four curves over the strength.

    `panels` maps a measure to faults, and a fault to its values, one for each of `strengths`. The
    first is the untouched images': a dotted line goes on at its height.
    """
    rows = -(-len(panels) // 2)
    figure, axes = plt.subplots(
        rows, 2, figsize=(5.5, 0.9 + 2.1 * rows), layout="constrained", squeeze=False
    )
    for axis, (measure, faults) in zip(axes.flat, panels.items(), strict=True):
        lines = []
        for values, (colour, mark) in zip(faults.values(), cycle(MARKS), strict=False):
            lines += axis.plot(strengths, values, mark, color=colour, markersize=5)
        axis.axhline(values[0], color="grey", linewidth=1, linestyle=":")
        axis.set_title(measure, fontsize=11)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    figure.legend(lines, list(faults), ncols=2, loc="outside upper center", frameon=False)
    return figure


def plot_balls(real: np.ndarray, clouds: dict[str, np.ndarray], radii: np.ndarray) -> "Figure":
    """Return a panel for each cloud of generated points (N, 2), on real ones with their balls."""
    figure, axes = plt.subplots(
        1, len(clouds), figsize=(6, 2.4), sharex=True, sharey=True, layout="constrained"
    )
    for axis, (title, points) in zip(axes, clouds.items(), strict=True):
        for centre, radius in zip(real, radii, strict=True):
            axis.add_patch(plt.Circle(centre, radius, color=BLUE, alpha=0.06, linewidth=0))
        axis.plot(*real.T, ".", color=BLUE)
        axis.plot(*points.T, "x", color=VERMILION, markersize=4)
        axis.set_title(title, fontsize=12)
        axis.set(aspect="equal", xlim=(-5, 5), ylim=(-5, 5), xticks=[], yticks=[])
    return figure
