"""Go from the source document's recipe to a modern one, one change at a time (chapter 8).

    python benchmarks/ablation.py --out FOLDER

Every row of the first table adds one change to the recipe so far and is trained for the same
processor time, so a change that makes a step slower sees fewer images. The changes in `ALWAYS` are
kept whatever they do by themselves, since they only work together; a later one that does not lower
the mean distance over the seeds is not taken along. Residual blocks exist in the networks of
`minibatch` only, so that row is what they are compared with, kept or not (`BASE`). The second table
trains the recipe at the end of the chain on 200 photographs and on all, with and without
augmentation, and longer: a discriminator needs time to know its photographs by heart. All of that
is in float32; where the hardware computes in half precision, the third table trains the end of the
chain in both.

Quality is `frechet_lite0` against all photographs at 32×32 pixels, from 2,500 generated ones.
Each run is a process of its own with one thread. How many images a second of processor time buys is
measured first, for every recipe that the chain can come to, one after the other: start this on a
machine that does nothing else for these minutes. So all seeds of a row see the same number of
images, and what is left depends on the seed alone; other work may then go on beside it. Every run
is stored as soon as it ends, so this can be stopped at any time. Without --out the results go to
tutorial_lib/results/, which holds the book's runs: only what is missing there is done.
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
SEEDS = (0, 1, 2)
SIZE = 32
SECONDS = {"chain": 60.0, "few": 200.0, "precision": 60.0}  # of processor time a run, by table
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
    "residual": {"networks": "resnet", "generator_blocks": 2},
    "decay": {"decay_kimg": "all"},  # over the whole run, however many images that is
}
BASE = {"residual": "minibatch"}  # instead of what was kept last
ALWAYS = ("graph", "networks", "small batch", "momentum", "faster", "average")
AUGMENTATIONS = {"plain": "", "augmented": "colour, translation, cutout"}


def main() -> None:
    """Measure the speeds and do the runs that are not stored yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the runs are stored")
    parser.add_argument("--part", choices=("run", "speeds"), help=argparse.SUPPRESS)
    parser.add_argument("--settings", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    prepare_tensorflow()
    if arguments.part:
        part = {"run": run, "speeds": measure_speeds}[arguments.part]
        print(json.dumps(part(**json.loads(arguments.settings))))
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

    def complete(self) -> None:
        """Go along the chain, then try augmentation with few and all images, and precisions."""
        from tutorial_lib.hardware.precision import choose_precision, device_name

        self.results.setdefault("speeds", {})
        document = first_recipe()
        asked = [
            {"recipe": recipe | {"augment": policy}}
            for recipe in reachable(document)
            for policy in AUGMENTATIONS.values()
            if recipe["ema_halflife_kimg"] or not policy
        ]
        self.ask_speeds([{"recipe": document, "eager": True}, *asked])
        self.results |= {"device": device_name(), "floor": measure_reals(self.reals)}
        recipe = self.complete_chain(document)
        for count in (FEW, None):
            for name, policy in AUGMENTATIONS.items():
                what = f"{count or 'all'} images, {name}"
                self.row("few", what, recipe | {"augment": policy}, count=count)
        if choose_precision() != "float32":
            for precision in ("float32", choose_precision()):
                self.row("precision", precision, recipe, precision=precision)

    def complete_chain(self, document: dict) -> dict:
        """Do the rows of the chain, and return the recipe at its end."""
        last, best, recipe = (
            "document",
            self.row("chain", "document", document, eager=True),
            document,
        )
        recipes = {"document": document}
        for name, change in CHANGES.items():
            base = BASE.get(name, last)
            recipes[name] = recipes[base] | change
            distance = self.row("chain", name, recipes[name], base=base)
            if name in ALWAYS or distance < best:
                last, best, recipe = name, distance, recipes[name]
        return recipe

    def ask_speeds(self, asked: list[dict]) -> None:
        """Measure the speeds that are not stored, in a process of their own."""
        missing = {work(**one): one for one in asked if work(**one) not in self.results["speeds"]}
        if missing:
            process = start("speeds", asked=list(missing.values()))
            self.results["speeds"] |= answer_of(process, "the measurement of speeds")
            self.store()

    def row(self, table: str, name: str, recipe: dict, **options) -> float:
        """Return the mean distance of a row over its seeds, after the runs that are missing."""
        facts = {"table": table, "name": name, "base": options.pop("base", None)}
        speed_of = {key: options[key] for key in ("eager", "precision") if key in options}
        self.ask_speeds([{"recipe": recipe} | speed_of])
        options.pop("eager", None)
        kimg = self.results["speeds"][work(recipe, **speed_of)] * SECONDS[table] / 1000
        if recipe["decay_kimg"] == "all":
            recipe = recipe | {"decay_kimg": kimg}
        stored = [run for run in self.results["runs"] if run["name"] == name]
        missing = [seed for seed in SEEDS if seed not in [run["seed"] for run in stored]]
        for some in (missing[: os.cpu_count()], missing[os.cpu_count() :]):
            started = {
                seed: start(
                    "run",
                    recipe=recipe | {"seed": seed},
                    kimg=kimg,
                    reals=str(self.reals),
                    sheet=str(self.sheets / f"{name}.png".replace(" ", "_")) if not seed else None,
                    **options,
                )
                for seed in some
            }
            for seed, process in started.items():
                result = answer_of(process, f"the run {name!r} with seed {seed}")
                stored.append(facts | {"seed": seed} | result)
                print(json.dumps(stored[-1]), flush=True)
                self.results["runs"].append(stored[-1])
                self.store()
        return float(np.mean([run["frechet_lite0"] for run in stored]))

    def store(self) -> None:
        """Write what there is so far."""
        write_whole(self.path, (json.dumps(self.results, indent=1) + "\n").encode())


def first_recipe() -> dict:
    """Return the source document's recipe at the size of this experiment."""
    from tutorial_lib.algorithms.gan_recipes import GAN_RECIPES

    return dataclasses.asdict(dataclasses.replace(GAN_RECIPES["document"], size=SIZE))


def reachable(recipe: dict) -> list[dict]:
    """Return every recipe that the chain can come to, whichever changes are kept."""
    found, ends = [recipe], [recipe]
    for name, change in CHANGES.items():
        changed = [end | change for end in ends]
        found += changed
        ends = changed if name in ALWAYS else ends + changed
    return found


def work(recipe: dict, *, eager: bool = False, precision: str = "float32") -> str:
    """Return in words all that decides how much work a step of a recipe is."""
    parts = [f"{recipe[key]}" for key in ("networks", "batch_size", "latent_size", "loss")]
    parts.append(f"blocks {recipe['generator_blocks']}")
    parts += [key for key in ("r1_gamma", "r2_gamma", "ema_halflife_kimg") if recipe[key]]
    parts += [recipe["augment"]] * bool(recipe["augment"])
    return ", ".join([*parts, precision] + ["eager"] * eager)


def start(part: str, **settings) -> subprocess.Popen:
    """Start a part of the work in a process of its own."""
    command = [sys.executable, __file__, "--part", part, "--settings", json.dumps(settings)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)


def answer_of(process: subprocess.Popen, what: str) -> dict:
    """Return what a part of the work printed last, or end if it failed."""
    output, _ = process.communicate()
    if process.returncode:
        sys.exit(f"Failed: {what}.")
    return json.loads(output.splitlines()[-1])


def run(
    recipe: dict,
    kimg: float,
    reals: str,
    sheet: str | None,
    count: int | None = None,
    precision: str = "float32",
) -> dict:
    """Train one recipe for some thousand images, and return what came of it."""
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
    gan = GAN(GANRecipe(**recipe), precision=precision)
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
        "recipe": recipe,
        "images": len(images),
        "nimg": trainer.nimg,
        "processor_seconds": round(used, 1),
        "frechet_lite0": round(distance_to(Path(reals), fakes), 2),
    }


def measure_speeds(asked: list[dict]) -> dict[str, float]:
    """Return the images that a second of processor time buys, for each recipe asked for."""
    from tutorial_lib.algorithms.gan import GAN
    from tutorial_lib.algorithms.gan_recipes import GANRecipe
    from tutorial_lib.data.cats import load_cats_sized

    use_one_thread()
    images = load_cats_sized(SIZE)[:64]
    speeds = {}
    for one in asked:
        eager, precision = one.get("eager", False), one.get("precision", "float32")
        settings = GANRecipe(**one["recipe"] | {"decay_kimg": 0.0})
        gan = GAN(settings, precision=precision)
        speeds[work(**one)] = round(images_per_second(gan, images, eager), 1)
        print(work(**one), speeds[work(**one)], file=sys.stderr, flush=True)
    return speeds


def use_one_thread() -> None:
    """Let TensorFlow compute in one thread, before it has computed anything."""
    import tensorflow as tf

    from tutorial_lib.hardware.memory import keep_freed_memory

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keep_freed_memory()


def images_per_second(gan, images: np.ndarray, eager: bool, rounds: int = 5) -> float:
    """Return the images that a second of processor time buys, penalty steps included.

    The median of some rounds, each with as many steps as lie between two penalties.
    """
    import tensorflow as tf

    from tutorial_lib.algorithms.base import step_values
    from tutorial_lib.data.pixels import to_float

    batch_size, steps = gan.recipe.batch_size, gan.recipe.penalty_interval
    batch = tf.constant(to_float(images[:batch_size]))
    step = gan.train_step if eager else tf.function(gan.train_step)
    times = []
    for _ in range(1 + rounds):
        before = time.process_time()
        for number in range(steps):
            losses = step(batch, *step_values(gan, number * batch_size))
        float(losses["generator_loss"])  # waits for the last step
        times.append(time.process_time() - before)
    return steps * batch_size / float(np.median(times[1:]))


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
