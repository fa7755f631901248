"""Find out what holds a run back when it hardly gets better any more (chapter 8).

    python benchmarks/what_limits.py --out FOLDER

First the recipe `BASE` is trained on the photographs at 64×64 until it has slowed down. Then the
same three networks go on several times, each time with one change, for the same processor time;
one of them with none, to compare with. A new residual block starts as nothing, so every run begins
at the same pictures, even where the networks become deeper. Optimisers start anew in all of them.

Quality is `frechet_lite0` of 5,000 samples, each time of the same latents. One run
after the other, in one thread. The result of each is stored as soon as it is there; give --base
too, and the base's run is kept, so it goes on as well if this was stopped. Without --out the
results go to tutorial_lib/results/, which holds the book's: only what is missing there is done.
More than an hour for the base, and ten minutes of processor time for each change.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from ablation import RESULTS, images_per_second, use_one_thread

from tutorial_lib.environment import prepare_tensorflow
from tutorial_lib.files import write_whole
from tutorial_lib.training.recipes import GANRecipe

BASE = GANRecipe(networks="resnet")
BASE_KIMG = 300.0
SECONDS = 600.0  # of processor time for each change
PARTS = 3  # after each of which the samples are measured
SAMPLES = 5000

# name -> the fields of the recipe that change
CHANGES: dict[str, dict] = {
    "nothing": {},
    "lower rate": {"learning_rate": 1e-4},
    "larger batch": {"batch_size": 64},
    "stronger penalty": {"r1_gamma": 3.0},
    "deeper discriminator": {"discriminator_blocks": 1},
    "deeper generator": {"generator_blocks": 1},
    "even deeper generator": {"generator_blocks": 2},
}


def main() -> None:
    """Train the base, then do the changes that are not stored yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the results are stored")
    parser.add_argument("--base", type=Path, help="the base's run, kept; else a temporary folder")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    prepare_tensorflow()
    if arguments.run:
        name, sheet = json.loads(arguments.run)
        print(json.dumps(go_on(arguments.base, name, Path(sheet))))
        return
    with tempfile.TemporaryDirectory() as folder:
        complete(arguments.out, arguments.base or Path(folder) / "base")


def complete(out: Path, base: Path) -> None:
    """Store what is missing in `out`/what_limits.json."""
    path = out / "what_limits.json"
    results = json.loads(path.read_text("utf-8")) if path.exists() else {"runs": []}
    stored = {run["name"] for run in results["runs"]}
    for name in ("base", *CHANGES):  # all others begin where the base ends
        if name in stored:
            continue
        run = start(base, name, out / "what_limits" / f"{name}.png".replace(" ", "_"))
        print(json.dumps(run), flush=True)
        results.update(samples=SAMPLES, seconds=SECONDS)
        results["runs"].append(run)
        write_whole(path, (json.dumps(results, indent=1) + "\n").encode())


def start(base: Path, name: str, sheet: Path) -> dict:
    """Return the result of one run, made in a process of its own."""
    settings = ["--base", str(base), "--run", json.dumps([name, str(sheet)])]
    command = [sys.executable, __file__, *settings]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=os.environ)
    if process.returncode:
        sys.exit(f"The run {name!r} failed.")
    return json.loads(process.stdout.splitlines()[-1])


def go_on(base_folder: Path, name: str, sheet: Path) -> dict:
    """Train the base to its end, or a change from there, and return what came of it."""
    from tutorial_lib.data.cats import load_cats
    from tutorial_lib.data.pipeline import to_uint8
    from tutorial_lib.plotting import save_grid
    from tutorial_lib.training.callbacks import Checkpoints, Evaluate, Log, StopOnNonFinite
    from tutorial_lib.training.gan import GAN
    from tutorial_lib.training.log import read_log
    from tutorial_lib.training.precision import device_name
    from tutorial_lib.training.trainer import Trainer

    use_one_thread()
    images = load_cats()

    def train(gan: GAN, folder: Path, kimg: float, every_kimg: float) -> list[list[float]]:
        """Return the images seen and the distance, each time that it was measured."""
        measure = Evaluate(distance, every_kimg=every_kimg, count=SAMPLES)
        callbacks = [StopOnNonFinite(), measure, Log(), Checkpoints()]
        Trainer(gan, images, folder, tick_kimg=every_kimg / 5, callbacks=callbacks).fit(kimg=kimg)
        records = read_log(folder / "log.jsonl")
        return [[each["nimg"], each[SCORE]] for each in records if SCORE in each]

    base = GAN(BASE)
    curve = train(base, base_folder, BASE_KIMG, every_kimg=50.0)
    recipe, gan, speed = BASE, base, None
    if name != "base":
        recipe = dataclasses.replace(BASE, **CHANGES[name])
        speed = images_per_second(GAN(recipe), images, eager=False, steps=64)
        gan = GAN(recipe)
        for network in ("generator", "discriminator", "average"):
            transplant(getattr(base, network), getattr(gan, network))
        kimg = speed * SECONDS / 1000
        with tempfile.TemporaryDirectory() as folder:
            curve = train(gan, Path(folder), kimg, every_kimg=kimg / PARTS)
    sheet.parent.mkdir(parents=True, exist_ok=True)
    save_grid(to_uint8(gan.sample(gan.draw_latents(8))), sheet, columns=8)
    return {
        "name": name,
        "recipe": dataclasses.asdict(recipe),
        "device": device_name(),
        "images_per_second": speed and round(speed, 1),
        "curve": [[nimg, round(value, 2)] for nimg, value in curve],
    }


SCORE = "frechet_lite0"


def distance(images: np.ndarray) -> dict[str, float]:
    """Return the Fréchet distance of images to the photographs."""
    from tutorial_lib.metrics.features import lite0_features
    from tutorial_lib.metrics.frechet import fit_gaussian, frechet_distance
    from tutorial_lib.metrics.reference import load_reference

    return {
        SCORE: frechet_distance(load_reference().gaussian, fit_gaussian(lite0_features(images)))
    }


def transplant(source, target) -> None:
    """Give a new network the weights of one that has fewer blocks: then both compute the same."""
    ladder = [layer for layer in target.layers if layer.weights and not is_new(layer)]
    for layer, old in zip(ladder, [old for old in source.layers if old.weights], strict=True):
        layer.set_weights(old.get_weights())


def is_new(layer) -> bool:
    """Return whether a layer belongs to a residual block, which the base has none of."""
    return layer.name.startswith(("block_", "gain_"))


if __name__ == "__main__":
    main()
