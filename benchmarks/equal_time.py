"""Compare the recipes `dcgan` and `modern` after equal computing (chapter 8).

    python benchmarks/equal_time.py speeds
    python benchmarks/jax_loop.py dcgan --images IMAGES.npy --kimg N --fall none --seed 0 \
        --out RUNS/dcgan-0
    ...
    python benchmarks/equal_time.py quality RUNS

The time is that of `cat-faces-64-modern`: 113.5 minutes of one processor core. How many images it
buys each recipe is the first command's answer: as many as that run saw, times the ratio of the
speeds, which are measured in turns in one thread of one process. The images can then be seen on any
machine; the book's runs, one of each, were made on a GPU by the JAX loop, from WebP copies of the
photographs. The last command measures every run
folder RECIPE-SEED under RUNS. Results go to tutorial_lib/results/.
"""

import argparse
import dataclasses
import json
import time
from pathlib import Path

import numpy as np
from common import RESULTS, store, use_one_thread

from tutorial_lib.hardware.environment import prepare_tensorflow

NAMES = ("dcgan", "modern")
TIMED = "cat-faces-64-modern"  # the published network whose time is taken
PATH = RESULTS / "equal_time.json"
ROUNDS = 25


def main() -> None:
    """Measure the speeds, or the quality of runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("speeds", help="images a second of one core, and what they add up to")
    quality = parts.add_parser("quality", help="measures of finished runs")
    quality.add_argument("runs", type=Path)
    arguments = parser.parse_args()
    prepare_tensorflow()
    results = json.loads(PATH.read_text("utf-8")) if PATH.exists() else {}
    if arguments.part == "speeds":
        store(PATH, results | measure_speeds())
    else:
        runs = results.setdefault("runs", [])
        for folder in runs_to_measure(arguments.runs, runs):
            runs.append(measure_run(folder))
            store(PATH, results)


def measure_speeds() -> dict:
    """Return images a second of processor time for each recipe, and the images that are equal."""
    from tutorial_lib.algorithms.registry import RECIPES, build_algorithm
    from tutorial_lib.data.cats import load_cats
    from tutorial_lib.hardware.precision import device_name
    from tutorial_lib.pretrained import load_card

    use_one_thread()
    images, card = load_cats()[:64], load_card(TIMED)
    steps = {
        name: Burst(build_algorithm(RECIPES[name], precision=card["precision"]), images)
        for name in NAMES
    }
    seconds = {name: [] for name in NAMES}
    for number in range(ROUNDS + 2):
        for name, burst in steps.items():
            taken = burst.run()
            if number >= 2:  # the first ones trace and warm up
                seconds[name].append(taken / burst.images)
    ratio = np.median(np.divide(seconds["modern"], seconds["dcgan"]))
    return {
        "device": device_name(),
        "precision": card["precision"],
        "minutes": card["minutes"],
        "images_per_second": {name: 1 / np.median(seconds[name]) for name in NAMES},
        "ratio": ratio,
        "images": {"modern": card["nimg"], "dcgan": round(card["nimg"] * ratio)},
    }


class Burst:
    """Take as many training steps as lie between two penalties, and say what they cost."""

    def __init__(self, gan, images: np.ndarray):
        import tensorflow as tf

        from tutorial_lib.data.pixels import to_float

        self.gan = gan
        self.batch = tf.constant(to_float(images[: gan.recipe.batch_size]))
        self.step = tf.function(gan.train_step)
        self.steps = gan.recipe.penalty_interval
        self.images = self.steps * gan.recipe.batch_size

    def run(self) -> float:
        """Return the seconds of processor time that one burst takes."""
        from tutorial_lib.algorithms.base import step_values

        before = time.process_time()
        for number in range(self.steps):
            nimg = number * self.gan.recipe.batch_size
            losses = self.step(self.batch, *step_values(self.gan, nimg))
        float(losses["generator_loss"])  # waits for the last step
        return time.process_time() - before


def runs_to_measure(folder: Path, measured: list[dict]) -> list[Path]:
    """Return the folders of finished runs, RECIPE-SEED, that are not among those measured."""
    done = [f"{run['name']}-{run['seed']}" for run in measured]
    found = [path for name in NAMES for path in sorted(folder.glob(f"{name}-[0-9]*"))]
    return [path for path in found if path.name not in done]


def measure_run(folder: Path) -> dict:
    """Return the measures of a finished run, and draw some of its samples."""
    from tutorial_lib.metrics.evaluation import evaluate_generator
    from tutorial_lib.pretrained import draw_images, load_card, load_generator
    from tutorial_lib.show.pictures import save_grid

    name, seed = folder.name.rsplit("-", 1)
    card, generator = load_card(folder), load_generator(folder)
    (RESULTS / "equal_time").mkdir(exist_ok=True)
    drawn = np.concatenate(list(draw_images(generator, 16, seed=0)))
    save_grid(drawn, RESULTS / "equal_time" / f"{folder.name}.png", columns=8)
    measured = dataclasses.asdict(evaluate_generator(generator))
    facts = {key: card[key] for key in ("recipe", "precision", "nimg", "minutes", "device")}
    return {"name": name, "seed": int(seed), "trained_on": card["data"]} | facts | measured


if __name__ == "__main__":
    main()
