"""Pictures of a game on points in the plane: points, verdicts, and what a game covered (chapter 4).

The real points are blue, the generated ones vermilion. So are D's verdicts: blue for "real".
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.contour import QuadContourSet
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

REAL, FAKE = "#0072B2", "#D55E00"
VERDICTS = LinearSegmentedColormap.from_list("verdicts", ["#F2B38F", "white", "#8CC1E3"])
BORDER = 1.4  # the pictures show [-1.4, 1.4]²
SIDE = np.linspace(-BORDER, BORDER, 71)
PLANE = np.stack(np.meshgrid(SIDE, SIDE), axis=-1).reshape(-1, 2).astype(np.float32)

Discriminator = Callable[[np.ndarray], "ArrayLike"]  # points (N, 2) to logits (N, 1)


def plot_points(axis: "Axes", points: np.ndarray, colour: str, title: str = "") -> None:
    """Plot points (N, 2) as dots."""
    axis.plot(*np.transpose(points), ".", markersize=2, color=colour)
    axis.set(xlim=(-BORDER, BORDER), ylim=(-BORDER, BORDER), aspect="equal", title=title)


def plot_verdict(axis: "Axes", probabilities: "ArrayLike", title: str = "") -> "QuadContourSet":
    """Colour the plane by the probability of "real" at each point of `PLANE`.

    Vermilion is 0, white ½, blue 1.
    """
    values = np.reshape(probabilities, (len(SIDE), len(SIDE)))
    axis.set(aspect="equal", title=title)
    return axis.contourf(SIDE, SIDE, values, levels=np.linspace(0, 1, 12), cmap=VERDICTS)


def plot_game(
    axis: "Axes", discriminator: Discriminator, real: np.ndarray, fake: np.ndarray, title: str = ""
) -> "QuadContourSet":
    """Plot real and generated points (N, 2) on the plane, coloured by what D says of each place."""
    logits = np.asarray(discriminator(PLANE), np.float64)
    colours = plot_verdict(axis, 1 / (1 + np.exp(-logits)))
    plot_points(axis, real, REAL)
    plot_points(axis, fake, FAKE, title)
    return colours


def panels(count: int) -> tuple["Figure", Sequence["Axes"]]:
    """Return a figure as wide as a phone with panels beside each other, without numbers."""
    figure, axes = plt.subplots(1, count, figsize=(5.4, 0.3 + 5.2 / count), layout="constrained")
    for axis in axes:
        axis.set(xticks=[], yticks=[])
    return figure, axes


def add_colour_bar(figure: "Figure", colours: "QuadContourSet") -> None:
    """Add what the colours of a verdict mean."""
    figure.colorbar(colours, ticks=[0, 0.5, 1], label="$\\sigma(D)$, probability of “real”")


def film_frame(
    discriminator: Discriminator, real: np.ndarray, fake: np.ndarray, title: str = ""
) -> np.ndarray:
    """Return the picture of `plot_game`, uint8 (H, W, 3)."""
    figure, axis = plt.subplots(figsize=(3.6, 3.8), dpi=66, layout="constrained")
    plot_game(axis, discriminator, real, fake, title)
    return _pixels(figure)


def pair_frame(real: np.ndarray, fake: np.ndarray, title: str = "") -> np.ndarray:
    """Return a picture of real points beside generated ones, uint8 (H, W, 3)."""
    figure, (left, right) = panels(2)
    plot_points(left, real, REAL, "real")
    plot_points(right, fake, FAKE, title)
    return _pixels(figure)


def plot_coverage(games: dict[str, Sequence[dict]], modes: int = 8) -> "Figure":
    """Return a figure with a strip for each run: how many modes it covered, step by step.

    `games` holds, by setting, the runs with that setting, one for each seed: their "step"s and the
    "modes_covered" at each.
    """
    runs = [run for played in games.values() for run in played]
    figure, axis = plt.subplots(figsize=(5.4, 1.1 + 0.15 * len(runs)), layout="constrained")
    strips = axis.imshow(
        [run["modes_covered"] for run in runs],
        aspect="auto",
        interpolation="nearest",
        vmin=0,
        vmax=modes,
        extent=(0, runs[0]["step"][-1], len(runs), 0),
    )
    ends = np.cumsum([len(played) for played in games.values()])
    starts = np.concatenate([[0], ends[:-1]])
    for end in ends[:-1]:
        axis.axhline(end, color="white", linewidth=3)
    axis.set_yticks((starts + ends) / 2, list(games))
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel("steps")
    figure.colorbar(strips, label="modes covered", ticks=range(0, modes + 1, 2))
    return figure


def _pixels(figure: "Figure") -> np.ndarray:
    """Return a figure as an array of pixels, and close it."""
    figure.canvas.draw()
    pixels = np.array(figure.canvas.buffer_rgba())[..., :3]
    plt.close(figure)
    return pixels
