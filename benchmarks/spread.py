"""Measure how far a distance scatters between batches of samples, and trainings (chapter 9).

    python benchmarks/spread.py --out FOLDER

Several small GANs are trained on the same drawn cats, alike in all but the seed. Each draws several
batches, all of one size, and every batch is measured alike: `frechet_lite0` against the images that
all were trained on. So what differs between batches of one network is chance in its samples, and
what differs between networks is chance in training besides. As many batches of new drawn cats are
the floor.

Every training is stored in FOLDER as soon as it ends, so this can be stopped at any time and goes
on where it was. Without --out that is tutorial_lib/results/, which holds the book's runs: only what
is missing there is done. With one thread a training takes some minutes.
"""

import argparse
import dataclasses
import json
import time
from pathlib import Path

import keras
import numpy as np
from common import RESULTS, rounded, store, use_one_thread
from loss_comparison import train

from tutorial_lib.algorithms.gan import GAN
from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.data.drawn import draw_cats
from tutorial_lib.data.pixels import to_uint8
from tutorial_lib.errors import TutorialError
from tutorial_lib.hardware.precision import device_name
from tutorial_lib.metrics.features import lite0_features
from tutorial_lib.metrics.frechet import Gaussian, fit_gaussian, frechet_distance


@dataclasses.dataclass(frozen=True)
class Settings:
    """Hold what all trainings have in common, and how they are measured."""

    recipe: GANRecipe
    seeds: tuple[int, ...]
    images: int = 4096  # that all are trained on
    kimg: float = 12.0  # thousand images that a training sees
    batches: int = 4
    count: int = 500  # images in a batch


SETTINGS = Settings(GANRecipe(size=32, width=16, batch_size=16), seeds=(0, 1, 2, 3, 4))


def main() -> None:
    """Do the trainings that are not stored yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the runs are stored")
    arguments = parser.parse_args()
    use_one_thread()
    measure_spread(SETTINGS, arguments.out)


def measure_spread(settings: Settings, folder: Path) -> None:
    """Train with every seed that is missing, and write `spread.json` after each."""
    path = folder / "spread.json"
    stored = json.loads(path.read_text("utf-8")) if path.exists() else {"runs": []}
    wanted = json.loads(json.dumps(dataclasses.asdict(settings)))
    if stored.get("settings", wanted) | {"seeds": wanted["seeds"]} != wanted:
        raise TutorialError(f"{path} was made with other settings: move it away first.")
    training = draw_cats(settings.images, settings.recipe.size, seed=0).images
    target = fit_gaussian(lite0_features(training))
    if "floor" not in stored:
        others = draw_cats(settings.batches * settings.count, settings.recipe.size, seed=1).images
        stored |= {"device": device_name(), "floor": distances(target, others, settings.batches)}
    results = stored | {"settings": wanted}
    done = {run["seed"] for run in results["runs"]}
    for seed in (seed for seed in settings.seeds if seed not in done):
        results["runs"].append({"seed": seed} | train_and_measure(settings, seed, training, target))
        store(path, rounded(results), indent=1)
        print(json.dumps(results["runs"][-1]), flush=True)
        keras.backend.clear_session()


def train_and_measure(
    settings: Settings, seed: int, training: np.ndarray, target: Gaussian
) -> dict:
    """Return the record of one training, with the distance of each batch of its samples."""
    gan = GAN(dataclasses.replace(settings.recipe, seed=seed), precision="float32")
    start = time.perf_counter()
    record = train(gan, training, settings.kimg)
    seconds = time.perf_counter() - start
    fakes = to_uint8(gan.sample(gan.draw_latents(settings.batches * settings.count, seed=1)))
    return record | {
        "seconds": seconds,
        "frechet_lite0": distances(target, fakes, settings.batches),
    }


def distances(target: Gaussian, images: np.ndarray, batches: int) -> list[float]:
    """Return the distance of each batch of some images, cut into so many, to the real ones."""
    features = np.split(lite0_features(images), batches)
    return [frechet_distance(target, fit_gaussian(batch)) for batch in features]


if __name__ == "__main__":
    main()
