"""Plots of what a model says about pixels: shares of grey, tables and maps, the edges of a tree."""

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from tutorial_lib.models.bayes_net import TreeNetwork

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Blue, vermilion, green and purple of Okabe and Ito
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")


def plot_shares(
    samples: dict[str, np.ndarray], data: np.ndarray, edges: np.ndarray, *, xlabel: str
) -> "Figure":
    """Return a histogram of each of four samples, by title, over that of the same data, in grey.

    Samples and data are floats (N,), `edges` the borders of the bins.
    """
    figure, axes = plt.subplots(
        2, 2, figsize=(5, 4.2), layout="constrained", sharex=True, sharey=True
    )
    for axis, colour, (title, values) in zip(axes.flat, COLOURS, samples.items(), strict=True):
        axis.hist(data, edges, density=True, color="0.8")
        axis.hist(values, edges, density=True, histtype="step", color=colour, lw=1.8)
        axis.set_title(title, fontsize=10)
    figure.supxlabel(xlabel, fontsize=10)
    figure.supylabel("density", fontsize=10)
    return figure


def plot_maps(
    maps: dict[str, np.ndarray],
    quantity: str,
    *,
    xlabel: str = "column",
    ylabel: str = "row",
    largest: float | None = None,
    marked: tuple[int, int] | None = None,
) -> "Figure":
    """Return arrays (h, w) as maps of one scale, side by side by title, with a bar for `quantity`.

    The scale ends at `largest`, and the bar in a tip if some value is larger; `marked`, a row and
    a column, gets a frame.
    """
    count = len(maps)
    least = min(np.nanmin(values) for values in maps.values())
    most = max(np.nanmax(values) for values in maps.values())
    top = most if largest is None else largest
    size = (4.4 if count == 1 else 2.6 * count + 0.2, 3.4 if count == 1 else 2.9)
    figure, axes = plt.subplots(1, count, figsize=size, squeeze=False, layout="constrained")
    for axis, (title, values) in zip(axes[0], maps.items(), strict=True):
        picture = axis.imshow(values, vmin=least, vmax=top, cmap="cividis")
        axis.set_title(title, fontsize=10)
        axis.set(xlabel=xlabel, ylabel=ylabel)
        if marked is not None:
            axis.plot(marked[1], marked[0], "s", color="#D55E00", ms=11, mfc="none", mew=2)
    extend = "max" if most > top else "neither"
    figure.colorbar(picture, ax=axes[0], label=quantity, extend=extend, shrink=0.9)
    return figure


def plot_tree(network: TreeNetwork, picture: np.ndarray) -> "Figure":
    """Return the edges of a tree over a square picture (s, s) of its pixels.

    They are told apart by where they lead: to the pixel beside, to the one below, or elsewhere.
    """
    child = np.flatnonzero(network.parents >= 0)
    rows, columns = np.divmod(np.stack([child, network.parents[child]]), len(picture))
    step = np.abs(np.diff(rows, axis=0)[0]), np.abs(np.diff(columns, axis=0)[0])
    across = (step[0] == 0) & (step[1] == 1)
    down = (step[0] == 1) & (step[1] == 0)
    figure, axis = plt.subplots(figsize=(4.6, 4.9), layout="constrained")
    axis.imshow(picture, cmap="gray", alpha=0.5)
    kinds = {"across": across, "down": down, "aslant or further": ~(across | down)}
    for (name, chosen), colour in zip(kinds.items(), COLOURS, strict=False):
        lines = axis.plot(columns[:, chosen], rows[:, chosen], color=colour, lw=2)
        for line in lines[:1]:
            line.set_label(f"{name}: {chosen.sum()}")
    axis.set(xlabel="column", ylabel="row")
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    return figure
