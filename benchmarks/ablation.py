"""Go from the source document's recipe to a modern one, one change at a time (chapter 8).

    python benchmarks/ablation.py prepare --out FOLDER
    python benchmarks/ablation.py train --out FOLDER

Every row of the first table adds one change to the recipe so far and is trained for the same
processor time, so a change that makes a step slower sees fewer images. The changes in `ALWAYS` are
kept whatever they do by themselves, since they only work together; a later one that does not lower
the mean distance over the seeds is not taken along. Residual blocks exist in the networks of
`minibatch` only, so that row is what they are compared with, kept or not (`BASE`). The second table
trains the recipe at the end of the chain on 200 photographs and on all, with and without
augmentation; a third trains on the 200 for longer, for a discriminator needs time to know its
photographs by heart. All of that is in float32; the last trains the end of the chain in half
precision too.

The first command measures how many images a second of processor time buys, in one thread, for every
recipe that the chain can come to, one after the other: start it on a machine that does nothing else
for some minutes. It stores the statistics of all photographs at 32×32 pixels, too. So all seeds of
a row see the same number of images, and it does not matter what else the machine does while the
second command trains, each run in a process of its own with one thread. Quality is `frechet_lite0`
against all photographs, from 2,500 generated ones. Every run is stored as soon as it ends, so this
can be stopped at any time, and only what is missing is done.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from common import RESULTS, use_one_thread

from tutorial_lib.algorithms.gan_recipes import GAN_RECIPES
from tutorial_lib.files import write_whole

SEEDS = (0, 1)
SIZE = 32
SECONDS = {
    "chain": 40.0,
    "few": 120.0,
    "longer": 300.0,
    "precision": 40.0,
}  # of processor time a run, by table
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


PRECISIONS = ("float32", "mixed_bfloat16")


def main() -> None:
    """Measure the speeds, or do the runs that are not stored yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("prepare", "train", "run"))
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the results are stored")
    parser.add_argument("--settings", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part == "prepare":
        prepare(Ablation(arguments.out))
    elif arguments.part == "train":
        Ablation(arguments.out).complete()
    else:
        print(json.dumps(run(**json.loads(arguments.settings))))


class Ablation:
    """Hold the stored runs, and do those that are missing."""

    def __init__(self, folder: Path):
        self.path = folder / "ablation.json"
        self.sheets = folder / "ablation"
        self.reals = folder / "reals.npz"
        self.results = {"seconds": SECONDS, "samples": SAMPLES, "size": SIZE, "runs": []}
        if self.path.exists():
            self.results = json.loads(self.path.read_text("utf-8")) | {"seconds": SECONDS}
        self._storing = threading.Lock()
        self._process = threading.Semaphore(os.cpu_count() or 1)

    def complete(self) -> None:
        """Go along the chain, then try augmentation with few and all images, and precisions."""
        recipe = self.complete_chain()
        rows = [
            (table, f"{count or 'all'} images{added}, {name}", recipe | {"augment": policy}, count)
            for table, count, added in (
                ("few", FEW, ""),
                ("few", None, ""),
                ("longer", FEW, " for longer"),
            )
            for name, policy in AUGMENTATIONS.items()
        ]
        with ThreadPoolExecutor() as pool:
            few = [
                pool.submit(self.row, table, name, one, count=count)
                for table, name, one, count in rows
            ]
            halves = [
                pool.submit(self.row, "precision", name, recipe, precision=name)
                for name in PRECISIONS
            ]
            for row in few + halves:
                row.result()
        order = list(dict.fromkeys(["document", *CHANGES, *(row[1] for row in rows), *PRECISIONS]))
        self.results["runs"].sort(key=lambda run: (order.index(run["name"]), run["seed"]))
        self.store()

    def complete_chain(self) -> dict:
        """Do the rows of the chain, and return the recipe at its end."""
        last, recipes, bases = "document", {"document": first_recipe()}, {"document": None}
        for name in ALWAYS:
            recipes[name], bases[name], last = recipes[last] | CHANGES[name], last, name
        with ThreadPoolExecutor() as pool:  # none of these waits for what another comes to
            started = {
                name: pool.submit(
                    self.row, "chain", name, recipe, base=bases[name], eager=name == "document"
                )
                for name, recipe in recipes.items()
            }
            best = {name: row.result() for name, row in started.items()}[last]
        for name in [name for name in CHANGES if name not in ALWAYS]:
            base = BASE.get(name, last)
            recipes[name] = recipes[base] | CHANGES[name]
            distance = self.row("chain", name, recipes[name], base=base)
            if distance < best:
                last, best = name, distance
        return recipes[last]

    def row(
        self,
        table: str,
        name: str,
        recipe: dict,
        *,
        base: str | None = None,
        eager: bool = False,
        count: int | None = None,
        precision: str = "float32",
    ) -> float:
        """Return the mean distance of a row over its seeds, after the runs that are missing."""
        speed = self.results["speeds"][work(recipe, eager=eager, precision=precision)]
        kimg = speed * SECONDS[table] / 1000
        if recipe["decay_kimg"] == "all":
            recipe = recipe | {"decay_kimg": kimg}
        facts = {"table": table, "name": name, "base": base}
        settings = {"kimg": kimg, "count": count, "precision": precision}

        def one(seed: int) -> None:
            with self._process:
                result = self.start(recipe | {"seed": seed}, name, settings)
            with self._storing:
                self.results["runs"].append(facts | {"seed": seed} | result)
                print(name, seed, result["nimg"], result["frechet_lite0"], flush=True)
                self.store()

        stored = [run["seed"] for run in self.results["runs"] if run["name"] == name]
        with ThreadPoolExecutor() as pool:
            list(pool.map(one, [seed for seed in SEEDS if seed not in stored]))
        runs = [run for run in self.results["runs"] if run["name"] == name]
        return float(np.mean([run["frechet_lite0"] for run in runs]))

    def start(self, recipe: dict, name: str, settings: dict) -> dict:
        """Do one run in a process of its own, and return what came of it."""
        sheet = (
            self.sheets / f"{name}.png".replace(" ", "_") if recipe["seed"] == SEEDS[0] else None
        )
        places = {"reals": self.reals, "sheet": sheet}
        settings |= {key: str(path) if path else None for key, path in places.items()}
        command = [sys.executable, __file__, "run", "--settings"]
        command.append(json.dumps(settings | {"recipe": recipe}))
        answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=os.environ)
        if answer.returncode:
            raise RuntimeError(f"The run {name!r} with seed {recipe['seed']} failed.")
        return json.loads(answer.stdout.splitlines()[-1])

    def store(self) -> None:
        """Write what there is so far."""
        write_whole(self.path, (json.dumps(self.results, indent=1) + "\n").encode())


def first_recipe() -> dict:
    """Return the source document's recipe at the size of this experiment."""
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


def run(
    recipe: dict, kimg: float, count: int | None, precision: str, reals: str, sheet: str | None
) -> dict:
    """Train one recipe for some thousand images, and return what came of it."""
    from tutorial_lib.hardware.environment import prepare_tensorflow

    prepare_tensorflow()
    use_one_thread()
    from tutorial_lib.algorithms.gan import GAN
    from tutorial_lib.algorithms.gan_recipes import GANRecipe
    from tutorial_lib.data.cats import load_cats_sized
    from tutorial_lib.data.pixels import distinct, to_uint8
    from tutorial_lib.metrics.features import lite0_features
    from tutorial_lib.metrics.frechet import Gaussian, fit_gaussian, frechet_distance
    from tutorial_lib.show.pictures import save_grid
    from tutorial_lib.training.callbacks import StopOnNonFinite
    from tutorial_lib.training.trainer import Trainer

    photographs = load_cats_sized(SIZE)
    images = photographs if count is None else photographs[distinct(photographs)[:count]]
    gan = GAN(GANRecipe(**recipe), precision=precision)
    trainer = Trainer(gan, images, tick_kimg=kimg / 4, callbacks=[StopOnNonFinite()])
    trainer.fit(kimg=kimg)
    fakes = to_uint8(gan.sample(gan.draw_latents(SAMPLES, seed=1)))
    if sheet is not None:
        Path(sheet).parent.mkdir(parents=True, exist_ok=True)
        save_grid(fakes[:16], sheet, columns=8)
    with np.load(reals) as stored:
        target = Gaussian(stored["mean"], stored["covariance"])
    distance = frechet_distance(target, fit_gaussian(lite0_features(fakes)))
    return {
        "recipe": recipe,
        "images": len(images),
        "nimg": trainer.nimg,
        "frechet_lite0": round(distance, 2),
    }


def prepare(ablation: Ablation) -> None:
    """Measure the speeds of all recipes and the photographs, and store both."""
    from tutorial_lib.hardware.environment import prepare_tensorflow

    prepare_tensorflow()
    use_one_thread()
    from tutorial_lib.hardware.precision import device_name

    document = first_recipe()
    asked = [{"recipe": document, "eager": True}]
    for recipe in reachable(document):
        asked.append({"recipe": recipe})
        if recipe["ema_halflife_kimg"]:  # it can be the end of the chain
            asked += [{"recipe": recipe | {"augment": policy}} for policy in AUGMENTATIONS.values()]
            asked += [{"recipe": recipe, "precision": precision} for precision in PRECISIONS]
    speeds = ablation.results.setdefault("speeds", {})
    for one in asked:
        if work(**one) not in speeds:
            speeds[work(**one)] = round(images_per_second(**one), 1)
            print(work(**one), speeds[work(**one)], flush=True)
            ablation.store()
    ablation.results |= {"device": device_name(), "floor": measure_reals(ablation.reals)}
    ablation.store()


def images_per_second(
    recipe: dict, *, eager: bool = False, precision: str = "float32", rounds: int = 5
) -> float:
    """Return the images that a second of processor time buys, penalty steps included.

    The median of some rounds, each with as many steps as lie between two penalties.
    """
    import tensorflow as tf

    from tutorial_lib.algorithms.base import step_values
    from tutorial_lib.algorithms.gan import GAN
    from tutorial_lib.algorithms.gan_recipes import GANRecipe

    gan = GAN(GANRecipe(**recipe | {"decay_kimg": 0.0}), precision=precision)
    batch_size, steps = gan.recipe.batch_size, gan.recipe.penalty_interval
    batch = tf.random.stateless_uniform((batch_size, SIZE, SIZE, 3), [0, 0], -1.0, 1.0)
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
    small = (array.astype(np.float32) for array in reals)
    np.savez(path, **dict(zip(("mean", "covariance"), small, strict=True)))
    order = np.random.default_rng(0).permutation(len(features))
    some, others = features[order[:SAMPLES]], features[order[SAMPLES:]]
    return frechet_distance(fit_gaussian(some), fit_gaussian(others))


if __name__ == "__main__":
    main()
