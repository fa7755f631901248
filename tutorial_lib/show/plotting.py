"""Plots of a run, and rows of images to compare."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from tutorial_lib.errors import TutorialError
from tutorial_lib.show.pictures import image_grid
from tutorial_lib.training.log import read_log

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue and vermilion of Okabe and Ito: distinct for colour-blind eyes, on white and on black.
COLOURS = {
    "generator_loss": "#0072B2",
    "discriminator_loss": "#D55E00",
    "reconstruction_loss": "#0072B2",
    "kl_loss": "#D55E00",
}
# Colour and kind of line of the first, second, … curve of a plot
LINES = (("#0072B2", "-"), ("#D55E00", "--"), ("#009E73", "-."), ("#AA4499", ":"))


def plot_rows(rows: dict[str, np.ndarray], *, zoom: float = 1.0) -> "Figure":
    """Return a figure with one labelled row of images for each entry: before and after.

    Values are images (N, h, w, 3) as in `image_grid`; all rows have the same N.
    """
    grids = {label: image_grid(images, len(images)) for label, images in rows.items()}
    height, width, _ = next(iter(grids.values())).shape
    inches = (width * zoom / 80, (height * zoom / 80 + 0.35) * len(rows))
    figure, axes = plt.subplots(len(rows), 1, figsize=inches, squeeze=False, layout="constrained")
    for axis, (label, grid) in zip(axes[:, 0], grids.items(), strict=True):
        axis.imshow(grid)
        axis.set_title(label, loc="left", fontsize=10)
        axis.axis("off")
    return figure


def plot_losses(run: str | Path) -> "Figure":
    """Return a figure of the losses in a run directory's log against thousand images seen.

    Raises `TutorialError` if the directory has no log yet.
    """
    path = Path(run) / "log.jsonl"
    records = read_log(path) if path.exists() else []
    if not records:
        raise TutorialError(f"There is nothing to plot in {path}: train for at least one tick.")
    figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
    kimg = [record["nimg"] / 1000 for record in records]
    for name in [name for name in records[0] if name.endswith("loss")]:
        values = [record[name] for record in records]
        axis.plot(kimg, values, color=COLOURS.get(name), label=name.replace("_", " "))
    axis.set(xlabel="images seen (thousands)", ylabel="loss", xlim=(0, None))
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)
    return figure


def plot_curves(
    x: Sequence[float],
    curves: dict[str, Sequence[float]],
    *,
    xlabel: str,
    ylabel: str,
    axis: "Axes | None" = None,
) -> "Axes":
    """Plot labelled curves over x, up to four told apart by colour and by kind of line.

    They are drawn into `axis`, or a new figure. Returns the axis.
    """
    if axis is None:  # 5.4 inches: on a phone, too, its letters can be read
        _, axis = plt.subplots(figsize=(5.4, 3), layout="constrained")
    for (label, y), (colour, style) in zip(curves.items(), cycle(LINES), strict=False):
        axis.plot(x, y, style, color=colour, label=label)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.grid(alpha=0.3)
    axis.legend(frameon=False, fontsize=9)
    return axis
