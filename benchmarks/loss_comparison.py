"""Compare all GAN losses, and the penalties that they are used with (chapter 6).

    python benchmarks/loss_comparison.py images --out FOLDER     on small drawn cats
    python benchmarks/loss_comparison.py points --out FOLDER     on Gaussians in the plane

Every loss plays with the same networks, data, optimiser, number of images and seeds: without a
penalty, with one and the same R1 penalty, and two of them also with the penalties of the papers
that made them popular. "mixed" is no pair of any paper, but the source document's. Nothing else
is tuned for any of them, so the result says what a loss does in this one setting, and not which
is best at its best.

Every run is stored in FOLDER as soon as it ends, so this can be stopped at any time and goes on
where it was. Without --out that is tutorial_lib/results/, which holds the book's runs: only what
is missing there is done. Seeds are the outermost loop: whatever a stop leaves behind has all
losses at the same seeds. Pictures of the first seed are kept beside it, chosen by nobody.
One thread a process, so both parts can run side by side on two cores.
"""

import argparse
import dataclasses
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from common import RESULTS, made_with, rounded, store, use_one_thread

from tutorial_lib.algorithms.gan import GAN
from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.data.drawn import draw_cats
from tutorial_lib.data.drawn_factors import COATS
from tutorial_lib.data.pixels import to_uint8
from tutorial_lib.data.points import MODE_DEVIATION, draw_points, mode_centres
from tutorial_lib.errors import TutorialError
from tutorial_lib.losses import (
    LOSSES,
    LossPair,
    generator_loss,
    least_squares_discriminator_loss,
)
from tutorial_lib.metrics.frechet import fit_gaussian, frechet_distance
from tutorial_lib.metrics.kinds import kind_shares, kinds_covered
from tutorial_lib.metrics.modes import grid_histogram, jensen_shannon, modes_covered
from tutorial_lib.show.pictures import save_grid
from tutorial_lib.training.callbacks import Callback, StopOnNonFinite
from tutorial_lib.training.factors import Judgement, fit_factor_classifier, judge_factors
from tutorial_lib.training.fit_points import fit_points
from tutorial_lib.training.trainer import Trainer


@dataclasses.dataclass(frozen=True)
class Settings:
    """Hold what all runs of one part have in common."""

    recipe: GANRecipe
    penalties: dict[str, dict]  # name -> the fields of the recipe that make it
    seeds: tuple[int, ...]
    kimg: float  # thousand images, or points, that a run sees
    samples: int = 4096  # generated ones that a run is judged by


@dataclasses.dataclass(frozen=True)
class ImageSettings(Settings):
    """Hold what only the drawn cats need, of which there could be any number."""

    images: int = 8192  # that all runs are trained on
    examples: int = 16384  # that the classifier learns from


def penalties(gamma: float) -> dict[str, dict]:
    """Return each penalty's fields of the recipe; `gamma` belongs to R1 and R2."""
    return {
        "none": {"r1_gamma": 0.0},
        "R1": {"r1_gamma": gamma},
        "R1 + R2": {"r1_gamma": gamma, "r2_gamma": gamma},
        "WGAN-GP": {"r1_gamma": 0.0, "slope_weight": 10.0, "penalty_interval": 1},
    }


SETTINGS = {
    "images": ImageSettings(
        recipe=GANRecipe(size=32, width=16, batch_size=16),
        penalties=penalties(gamma=1.0),
        seeds=(0, 1, 2, 3, 4),
        kimg=24.0,
    ),
    "points": Settings(
        recipe=GANRecipe(
            networks="toy",
            latent_size=2,
            width=64,
            batch_size=128,
            learning_rate=1e-3,
            ema_halflife_kimg=20.0,
        ),
        # Between modes 20 deviations apart D must be steep, so the same gamma would weigh more.
        penalties=penalties(gamma=0.1),
        seeds=(0, 1, 2, 3, 4),
        kimg=384.0,
    ),
}
GAMES = LOSSES | {"mixed": LossPair(generator_loss, least_squares_discriminator_loss)}
ROWS = (
    *((loss, "none") for loss in LOSSES),
    *((loss, "R1") for loss in LOSSES),
    ("wasserstein", "WGAN-GP"),
    ("relativistic", "R1 + R2"),
    ("mixed", "none"),
    ("mixed", "R1"),
)


def main() -> None:
    """Do the runs of one part that are not stored yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=RUNNERS)
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the runs are stored")
    arguments = parser.parse_args()
    use_one_thread()
    tf.config.experimental.enable_op_determinism()
    compare(arguments.part, SETTINGS[arguments.part], arguments.out)


def compare(part: str, settings: Settings, folder: Path, rows: tuple = ROWS) -> None:
    """Run every row with every seed, and write `loss_comparison_<part>.json` after each."""
    path = folder / f"loss_comparison_{part}.json"
    facts, run = RUNNERS[part](settings, folder)
    results = made_with() | {
        "settings": dataclasses.asdict(settings),
        "facts": facts,
        "runs": [],
    }
    if path.exists():
        results = resumed(path, results)
    done = {(run["loss"], run["penalty"], run["seed"]) for run in results["runs"]}
    for seed in settings.seeds:
        for loss, penalty in rows:
            if (loss, penalty, seed) in done:
                continue
            fields = settings.penalties[penalty] | {"seed": seed}
            start = time.perf_counter()
            outcome = run(dataclasses.replace(settings.recipe, **fields), loss, penalty)
            seconds = {"seconds": time.perf_counter() - start}
            record = {"loss": loss, "penalty": penalty, "seed": seed, **outcome, **seconds}
            results["runs"].append(rounded(record))
            store(path, results, indent=1)
            print(json.dumps(results["runs"][-1]), flush=True)
            keras.backend.clear_session()


def resumed(path: Path, results: dict) -> dict:
    """Return the stored results, if they were made under the same settings but for more seeds."""
    stored = json.loads(path.read_text("utf-8"))
    wanted = json.loads(json.dumps(results["settings"]))
    if completed(stored["settings"]) | {"seeds": wanted["seeds"]} != wanted:
        raise TutorialError(f"{path} was made with other settings: move it away first.")
    return stored | {"settings": wanted}


def completed(settings: dict) -> dict:
    """Return stored settings with the fields that recipes have got since, at their defaults."""
    recipe = dataclasses.asdict(GANRecipe(**settings["recipe"]))
    return settings | {"recipe": recipe}


def prepare_images(settings: ImageSettings, folder: Path) -> tuple[dict, Callable]:
    """Return facts about the measure, and a function that does one run on drawn cats."""
    size = settings.recipe.size
    classifier, facts = train_classifier(settings)
    # Different seeds: training images, the real ones to compare with, and a second such set.
    training = draw_cats(settings.images, size, seed=0).images
    real, others = (
        judge_factors(classifier, draw_cats(settings.samples, size, seed=seed).images)
        for seed in (1, 2)
    )
    measure = partial(measure_images, real)
    facts["floor"] = measure(others)

    def run(recipe: GANRecipe, loss: str, penalty: str) -> dict:
        gan = build_game(recipe, loss)
        record = train(gan, training, settings.kimg)
        if "failure" in record:
            return record
        fakes = to_uint8(gan.sample(gan.draw_latents(settings.samples, seed=1)))
        if recipe.seed == settings.seeds[0]:
            name = f"{loss}_{penalty}.png".replace(" ", "")
            save_grid(fakes[:8], folder / "loss_comparison_images" / name, columns=8)
        return record | measure(judge_factors(classifier, fakes))

    return facts, run


def build_game(recipe: GANRecipe, loss: str) -> GAN:
    """Return untrained networks that play with this key of `GAMES`."""
    gan = GAN(recipe, precision="float32")
    gan.loss = GAMES[loss]
    return gan


def train_classifier(settings: ImageSettings) -> tuple[keras.Model, dict]:
    """Return the judge of coats, and its accuracy on cats that it has not seen."""
    size = settings.recipe.size
    seen = draw_cats(settings.examples, size, seed=100)
    held_out = draw_cats(settings.samples, size, seed=101)
    start = time.perf_counter()
    classifier = fit_factor_classifier(seen.images, {"coat": seen.factors["coat"]})
    seconds = time.perf_counter() - start
    judged = judge_factors(classifier, held_out.images).factors["coat"]
    right = judged == held_out.factors["coat"]
    return classifier, {"classifier_accuracy": right.mean(), "classifier_seconds": seconds}


def measure_images(real: Judgement, fakes: Judgement) -> dict:
    """Return how images, as the classifier sees them, differ from real ones."""
    shares, due = (kind_shares(judged.factors["coat"], len(COATS)) for judged in (fakes, real))
    distance = frechet_distance(fit_gaussian(real.features), fit_gaussian(fakes.features))
    return {
        "frechet_coats": distance,
        "coats_covered": kinds_covered(shares, due),
        "jensen_shannon": jensen_shannon(shares, due),
        "shares": dict(zip(COATS, shares, strict=True)),
    }


class KeepRecord(Callback):
    """Keep the record of the last tick."""

    def on_tick(self, trainer: Trainer, record: dict) -> None:
        """Keep it; StopOnNonFinite comes later, so a diverged run's last losses are kept too."""
        self.record = record


def train(gan: GAN, images: np.ndarray, kimg: float) -> dict:
    """Return the images seen and the losses at the end, with the failure of a run that diverged."""
    keep = KeepRecord()
    with tempfile.TemporaryDirectory() as folder:
        callbacks = [keep, StopOnNonFinite()]
        trainer = Trainer(gan, images, folder, tick_kimg=kimg / 8, callbacks=callbacks)
        failure = attempt(lambda: trainer.fit(kimg=kimg))
    names = ("nimg", "generator_loss", "discriminator_loss")
    return {name: keep.record[name] for name in names} | failure


def attempt(train: Callable[[], None]) -> dict:
    """Return nothing, or how training failed: a diverged run is a result."""
    try:
        train()
    except TutorialError as error:
        return {"failure": str(error)}
    return {}


def prepare_points(settings: Settings, folder: Path) -> tuple[dict, Callable]:
    """Return facts about the measure, and a function that does one run on each set of points."""
    steps = round(1000 * settings.kimg / settings.recipe.batch_size)
    floor = {name: measure_points(name, draw_points(name, settings.samples)) for name in POINTS}

    def run(recipe: GANRecipe, loss: str, penalty: str) -> dict:
        return {name: run_on(name, build_game(recipe, loss)) for name in POINTS}

    def run_on(name: str, gan: GAN) -> dict:
        draw, last = partial(draw_points, name), []
        failure = attempt(
            lambda: last.extend(fit_points(gan, draw, steps, every=steps, count=settings.samples))
        )
        return failure or measure_points(name, last[-1].points)

    return {"floor": floor}, run


def measure_points(name: str, points: np.ndarray) -> dict:
    """Return how points differ from a set: modes, fraction near one, divergence on a grid."""
    coverage = modes_covered(points, mode_centres(name), 3 * MODE_DEVIATION)
    reference = grid_histogram(draw_points(name, 2**17, seed=2**32))
    divergence = jensen_shannon(grid_histogram(points), reference)
    return {"modes_covered": coverage.covered, "near": coverage.near, "jensen_shannon": divergence}


POINTS = ("ring", "grid")
RUNNERS = {"images": prepare_images, "points": prepare_points}

if __name__ == "__main__":
    main()
