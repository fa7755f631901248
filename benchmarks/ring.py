"""Which settings of Adam make a small game collapse onto one mode of the ring (chapter 4).

    python benchmarks/ring.py --out FOLDER

The game of section 4.4, on eight Gaussians in the plane: Adam's momentum (beta_1) and its learning
rate are varied together, and one more cell has all of the source document's own settings, which
differ in beta_2 too. Nothing else changes: networks, loss, batch and number of steps are the same
everywhere, both players share their settings, and there is no penalty. What the generator covers
is stored all along a run, since a game may be well at one moment and collapsed at the next.

Every run is stored in FOLDER as soon as it ends, so this can be stopped at any time and goes on
where it was. Without --out that is tutorial_lib/results/, which holds the book's runs: only what
is missing there is done. Seeds are the outermost loop: whatever a stop leaves behind has all cells
at the same seeds. One thread: the networks are too small for more.
"""

import argparse
import dataclasses
import json
import time
from functools import partial
from pathlib import Path

import keras
import tensorflow as tf
from common import RESULTS, made_with, rounded, store, use_one_thread
from loss_comparison import measure_points, resumed

from tutorial_lib.algorithms.gan import GAN
from tutorial_lib.algorithms.gan_recipes import DOCUMENT, GANRecipe
from tutorial_lib.data.points import draw_points
from tutorial_lib.errors import TutorialError
from tutorial_lib.training.fit_points import Snapshot, fit_points

RING = GANRecipe(
    networks="toy",
    latent_size=2,
    width=64,
    batch_size=128,
    r1_gamma=0.0,
    ema_halflife_kimg=0.0,
)
ADAM = ("beta_1", "learning_rate", "beta_2")  # the fields that tell the cells apart
GRID = tuple(
    {"beta_1": beta_1, "learning_rate": rate, "beta_2": RING.beta_2}
    for beta_1 in (0.0, 0.5, 0.9)
    for rate in (1e-4, 1e-3)
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Hold what is varied, and what all runs have in common."""

    recipe: GANRecipe = RING
    cells: tuple[dict[str, float], ...] = (*GRID, {name: getattr(DOCUMENT, name) for name in ADAM})
    seeds: tuple[int, ...] = (0, 1, 2)
    steps: int = 6000
    every: int = 100  # steps from one look at the points to the next
    samples: int = 1000  # points that a look measures


def main() -> None:
    """Do the runs that are not stored yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the runs are stored")
    arguments = parser.parse_args()
    use_one_thread()
    tf.config.experimental.enable_op_determinism()
    compare(Settings(), arguments.out)


def compare(settings: Settings, folder: Path) -> None:
    """Run every cell with every seed, and write `ring.json` after each."""
    path = folder / "ring.json"
    results = made_with() | {
        "settings": dataclasses.asdict(settings),
        "floor": measure_points("ring", draw_points("ring", settings.samples)),
        "runs": [],
    }
    if path.exists():
        results = resumed(path, results)
    done = {cell_and_seed(run) for run in results["runs"]}
    for seed in settings.seeds:
        for cell in settings.cells:
            if cell_and_seed(cell | {"seed": seed}) in done:
                continue
            start = time.perf_counter()
            outcome = play(settings, dataclasses.replace(settings.recipe, **cell, seed=seed))
            seconds = {"seconds": time.perf_counter() - start}
            results["runs"].append(rounded({**cell, "seed": seed, **outcome, **seconds}))
            store(path, results, indent=1)
            print(json.dumps(results["runs"][-1]), flush=True)
            keras.backend.clear_session()


def cell_and_seed(run: dict) -> tuple[float, ...]:
    """Return what tells a run from all others."""
    return tuple(run[name] for name in (*ADAM, "seed"))


def play(settings: Settings, recipe: GANRecipe) -> dict:
    """Return what one game covers at each look, with the failure of one that diverged."""
    looks: list[dict] = []

    def look(snapshot: Snapshot) -> None:
        looks.append({"step": snapshot.step, **measure_points("ring", snapshot.points)})

    failure = {}
    try:
        fit_points(
            GAN(recipe, precision="float32"),
            partial(draw_points, "ring"),
            settings.steps,
            every=settings.every,
            count=settings.samples,
            look=look,
        )
    except TutorialError as error:
        failure = {"failure": str(error)}
    return {name: [one[name] for one in looks] for name in looks[0]} | failure


if __name__ == "__main__":
    main()
