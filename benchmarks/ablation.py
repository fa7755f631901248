"""Go from the source document's recipe to a modern one, one change at a time (chapter 8).

    python benchmarks/ablation.py --out FOLDER

Every row of the first table adds one change to the recipe so far and is trained for the same
processor time, so a change that makes a step slower sees fewer images. The changes in `ALWAYS` are
kept whatever they do by themselves, since they only work together; a later one that does not lower
the mean distance over the seeds is not taken along. The second table trains the recipe at
the end of the chain on 200 photographs and on all, with and without augmentation, and longer: a
discriminator needs time to know its photographs by heart. All of that is in float32; where the
hardware computes in half precision, the third table trains the end of the chain in both.

Quality is `frechet_lite0` against all photographs at 32×32 pixels, from 2,500 generated ones.
Each run is a process of its own with one thread, one seed a core at the same time: processor time
is then a fair measure on a machine that does other work too. How many images it buys is measured
at the start of each run; the rest depends on the seed alone. Every run is stored as soon as it
ends, so this can be stopped at any time. Without --out the results go to tutorial_lib/results/,
which holds the book's runs: only what is missing there is done.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tutorial_lib.files import write_whole
from tutorial_lib.hardware.environment import prepare_tensorflow

RESULTS = Path(__file__).parent.parent / "tutorial_lib" / "results"
SEEDS = (0, 1)
SIZE = 32
SECONDS = {"chain": 90.0, "few": 300.0, "precision": 90.0}  # of processor time a run, by table
SAMPLES = 2500
FEW = 200

# In the order of the chapter: name -> the fields of the recipe that change.
CHANGES: dict[str, dict] = {
    "graph": {},
    "networks": {"networks": "dcgan", "latent_size": 128},
    "small batch": {"batch_size": 16},
    "momentum": {"beta_1": 0.0, "beta_2": 0.99},
    "faster": {"learning_rate": 3e-4},
    "average": {"ema_halflife_kimg": 10.0},
    "R1": {"r1_gamma": 1.0},
    "relativistic": {"loss": "relativistic"},
    "R1 + R2": {"r1_gamma": 0.3, "r2_gamma": 0.3},
    "minibatch": {"networks": "resnet"},
    "residual": {"networks": "resnet", "generator_blocks": 1},
    "decay": {"decay_kimg": "all"},  # over the whole run, however many images that is
}
ALWAYS = ("graph", "networks", "small batch", "momentum", "faster", "average")
AUGMENTATIONS = {"plain": "", "augmented": "colour, translation, cutout"}


def main() -> None:
    """Do the runs that are not stored yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the runs are stored")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    prepare_tensorflow()
    if arguments.run:
        print(json.dumps(run(**json.loads(arguments.run))))
    else:
        with tempfile.TemporaryDirectory() as folder:
            Ablation(arguments.out, Path(folder) / "reals.npz").complete()


class Ablation:
    """Hold the stored runs, and do those that are missing."""

    def __init__(self, folder: Path, reals: Path):
        self.reals = reals
        self.path = folder / "ablation.json"
        self.sheets = folder / "ablation"
        self.results = {"seconds": SECONDS, "samples": SAMPLES, "size": SIZE, "runs": []}
        if self.path.exists():
            self.results = json.loads(self.path.read_text("utf-8"))
            self.results["seconds"] = SECONDS | self.results["seconds"]

    def complete(self) -> None:
        """Go along the chain, then try augmentation with few and all images, and precisions."""
        from tutorial_lib.algorithms.registry import RECIPES
        from tutorial_lib.hardware.precision import choose_precision, device_name

        self.results |= {"device": device_name(), "floor": measure_reals(self.reals)}
        recipe = dataclasses.asdict(dataclasses.replace(RECIPES["document"], size=SIZE))
        best = self.row("chain", "document", recipe, eager=True)
        for name, change in CHANGES.items():
            distance = self.row("chain", name, recipe | change)
            if name in ALWAYS or distance < best:
                best, recipe = distance, recipe | change
        for count in (FEW, None):
            for name, policy in AUGMENTATIONS.items():
                what = f"{count or 'all'} images, {name}"
                self.row("few", what, recipe | {"augment": policy}, count=count)
        if choose_precision() != "float32":
            for precision in ("float32", choose_precision()):
                self.row("precision", precision, recipe, precision=precision)

    def row(self, table: str, name: str, recipe: dict, **options) -> float:
        """Return the mean distance of a row over its seeds, after the runs that are missing."""
        stored = {
            record["seed"]: record for record in self.results["runs"] if record["name"] == name
        }
        missing = [seed for seed in SEEDS if seed not in stored]
        sheet = self.sheets / f"{name}.png".replace(" ", "_")
        started = {
            seed: start(
                recipe=recipe | {"seed": seed},
                seconds=SECONDS[table],
                reals=str(self.reals),
                sheet=str(sheet) if seed == SEEDS[0] else None,
                **options,
            )
            for seed in missing
        }
        for seed, process in started.items():
            output, _ = process.communicate()
            if process.returncode:
                sys.exit(f"The run {name!r} with seed {seed} failed.")
            facts = {"table": table, "name": name, "seed": seed}
            stored[seed] = facts | json.loads(output.splitlines()[-1])
            print(json.dumps(stored[seed]), flush=True)
            self.results["runs"].append(stored[seed])
            write_whole(self.path, (json.dumps(self.results, indent=1) + "\n").encode())
        return float(np.mean([record["frechet_lite0"] for record in stored.values()]))


def start(**settings) -> subprocess.Popen:
    """Start a run in a process of its own."""
    command = [sys.executable, __file__, "--run", json.dumps(settings)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)


def run(
    recipe: dict,
    seconds: float,
    reals: str,
    sheet: str | None,
    eager: bool = False,
    count: int | None = None,
    precision: str = "float32",
) -> dict:
    """Train one recipe for a processor time, and return what came of it."""
    from tutorial_lib.algorithms.gan import GAN
    from tutorial_lib.algorithms.gan_recipes import GANRecipe
    from tutorial_lib.data.cats import load_cats_sized
    from tutorial_lib.data.pixels import distinct, to_uint8
    from tutorial_lib.show.pictures import save_grid
    from tutorial_lib.training.callbacks import StopOnNonFinite
    from tutorial_lib.training.trainer import Trainer

    use_one_thread()
    photographs = load_cats_sized(SIZE)
    images = photographs if count is None else photographs[distinct(photographs)[:count]]
    whole_run = recipe["decay_kimg"] == "all"
    settings = GANRecipe(**recipe | ({"decay_kimg": 1.0} if whole_run else {}))
    speed = images_per_second(GAN(settings, precision=precision), images, eager)
    kimg = speed * seconds / 1000
    if whole_run:
        settings = dataclasses.replace(settings, decay_kimg=kimg)
    gan = GAN(settings, precision=precision)
    before = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(gan, images, folder, tick_kimg=kimg / 4, callbacks=[StopOnNonFinite()])
        trainer.fit(kimg=kimg)
    used = time.process_time() - before
    fakes = to_uint8(gan.sample(gan.draw_latents(SAMPLES, seed=1)))
    if sheet is not None:
        Path(sheet).parent.mkdir(parents=True, exist_ok=True)
        save_grid(fakes[:16], sheet, columns=8)
    return {
        "recipe": dataclasses.asdict(settings),
        "images": len(images),
        "images_per_second": round(speed, 1),
        "nimg": trainer.nimg,
        "processor_seconds": round(used, 1),
        "frechet_lite0": round(distance_to(Path(reals), fakes), 2),
    }


def use_one_thread() -> None:
    """Let TensorFlow compute in one thread, before it has computed anything."""
    import tensorflow as tf

    from tutorial_lib.hardware.memory import keep_freed_memory

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keep_freed_memory()


def images_per_second(gan, images: np.ndarray, eager: bool, steps: int = 16) -> float:
    """Return the images that a second of processor time buys, penalty steps included."""
    import tensorflow as tf

    from tutorial_lib.algorithms.base import step_values
    from tutorial_lib.data.pixels import to_float

    batch_size = gan.recipe.batch_size
    batch = tf.constant(to_float(images[:batch_size]))
    step = gan.train_step if eager else tf.function(gan.train_step)
    for number in range(2):
        step(batch, *step_values(gan, number * batch_size))
    before = time.process_time()
    for number in range(steps):
        losses = step(batch, *step_values(gan, number * batch_size))
    float(losses["generator_loss"])  # waits for the last step
    return steps * batch_size / (time.process_time() - before)


def measure_reals(path: Path) -> float:
    """Store the statistics of all photographs, and return what other real ones score (floor)."""
    from tutorial_lib.data.cats import load_cats_sized
    from tutorial_lib.metrics.features import lite0_features
    from tutorial_lib.metrics.frechet import fit_gaussian, frechet_distance

    features = lite0_features(load_cats_sized(SIZE))
    reals = fit_gaussian(features)
    np.savez(path, mean=reals.mean, covariance=reals.covariance)
    order = np.random.default_rng(0).permutation(len(features))
    some, others = features[order[:SAMPLES]], features[order[SAMPLES:]]
    return frechet_distance(fit_gaussian(some), fit_gaussian(others))


def distance_to(reals: Path, fakes: np.ndarray) -> float:
    """Return the Fréchet distance of generated images to the stored statistics."""
    from tutorial_lib.metrics.features import lite0_features
    from tutorial_lib.metrics.frechet import Gaussian, fit_gaussian, frechet_distance

    with np.load(reals) as stored:
        target = Gaussian(stored["mean"], stored["covariance"])
    return frechet_distance(target, fit_gaussian(lite0_features(fakes)))


if __name__ == "__main__":
    main()
