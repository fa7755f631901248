"""Plots of stored measurements: speeds as bars, the runs of an experiment as dots."""

from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from tutorial_lib.show.pictures import GAP
from tutorial_lib.show.tables import figures, load_results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A training loop in a few words, for a label; tables.LOOPS has them in full
SHORT = {
    "eager": "eager",
    "tutorial": "tf.function",
    "tutorial with oneDNN": "tf.function, oneDNN",
    "fit": "Keras fit",
    "torch": "PyTorch",
    "torch compiled": "PyTorch, compiled",
    "jax": "JAX, float32",
    "library float32": "the library, float32",
    "library mixed_bfloat16": "the library, bfloat16",
    "library mixed_float16": "the library, float16",
}
BLUE, GREY, VERMILION = "#0072B2", "#999999", "#D55E00"


def plot_speeds(stored: str = "training_speed", networks: str = "dcgan") -> "Figure":
    """Return bars of the images a second of each training loop, the library's in blue.

    `stored` names the results, as in `tables.speed_table`; `networks` is a recipe in them.
    """
    loops = load_results(stored)["networks"][networks]["loops"]
    speeds = {SHORT[name]: loop["images_per_second"] for name, loop in loops.items()}
    own = [label for label in speeds if label.startswith("the library")]
    return plot_bars(speeds, "images a second", own)


def plot_bars(values: dict[str, float], quantity: str, highlighted: Sequence[str] = ()) -> "Figure":
    """Return a labelled bar with its number for each value, those `highlighted` in blue."""
    figure, axis = plt.subplots(figsize=(5, 0.8 + 0.3 * len(values)), layout="constrained")
    colours = [BLUE if label in highlighted else GREY for label in values]
    bars = axis.barh(list(values), list(values.values()), color=colours)
    axis.bar_label(bars, [figures(value) for value in values.values()], padding=3)
    axis.set(xlabel=quantity, xlim=(0, 1.15 * max(values.values())))
    axis.invert_yaxis()
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def plot_runs(
    rows: dict[str, Sequence[float]],
    quantity: str,
    highlighted: Iterable[str],
    floor: float,
    floor_name: str = "other photographs",
) -> "Figure":
    """Return a dot for each run of a row, with a bar at their mean, and a line at the floor.

    `rows` maps a row's name to what its runs reached; those `highlighted` are blue. `floor_name`
    says what scores the floor.
    """
    blue = set(highlighted)
    figure, axis = plt.subplots(figsize=(5, 1 + 0.3 * len(rows)), layout="constrained")
    for height, (name, values) in enumerate(rows.items()):
        colour = BLUE if name in blue else GREY
        axis.plot(values, [height] * len(values), "o", color=colour, markersize=5)
        mean = float(np.mean(values))
        axis.plot([mean, mean], [height - 0.35, height + 0.35], color=colour, linewidth=2)
    axis.axvline(floor, color=VERMILION, linestyle=":", label=floor_name)
    axis.set_yticks(range(len(rows)), list(rows))
    axis.invert_yaxis()
    axis.set(xlabel=quantity, xlim=(0, None))
    axis.grid(alpha=0.3)
    figure.legend(frameon=False, loc="outside upper right")
    return figure


def ablation_samples(row: str) -> np.ndarray:
    """Return the stored samples, uint8 (16, size, size, 3), of a row of chapter 8's ablation."""
    path = files("tutorial_lib") / "results" / "ablation" / f"{row}.png".replace(" ", "_")
    with path.open("rb") as file:
        sheet = np.asarray(Image.open(file).convert("RGB"))
    step = load_results("ablation")["size"] + GAP
    places = [(y, x) for y in range(0, len(sheet), step) for x in range(0, sheet.shape[1], step)]
    return np.stack([sheet[y : y + step - GAP, x : x + step - GAP] for y, x in places])
