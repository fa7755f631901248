"""Train a recipe's networks with JAX, on a machine that has no TensorFlow.

    python benchmarks/jax_loop.py RECIPE --images images.npy --minutes 9 --out runs/gpu

Needs JAX and Keras, and of this project what imports no TensorFlow: its networks, losses, schedules
and what a run keeps. RECIPE is a name or a JSON file, as for `python -m tutorial_lib train`, or
cat-faces-64-gpu (`RECIPES` below). The images are one array, uint8 (N, size, size, 3). The step is
in jax_gan.py. Since nobody knows beforehand how many images fit into the minutes that a machine is
lent for, values can fall with the share of a run that is done instead of with the images seen.

The run folder is that of the library's trainer, with one file of state instead of checkpoints:
the same command goes on from there, and scripts/publish_network.py takes the folder.
"""

import dataclasses
import io
import itertools
import zipfile
from pathlib import Path

from jax_gan import GAN, Fall  # isort: skip, since it chooses Keras' backend

import click
import jax
import keras
import numpy as np

import tutorial_lib
from tutorial_lib.algorithms.gan_recipes import GAN_RECIPES, GANRecipe
from tutorial_lib.algorithms.recipes import from_fields, read_fields
from tutorial_lib.data.sources import Images, shuffled
from tutorial_lib.errors import TutorialError, choose
from tutorial_lib.files import write_whole
from tutorial_lib.store import number_arrays
from tutorial_lib.training import run_folder
from tutorial_lib.training.callbacks import (
    Callback,
    Checkpoints,
    Log,
    Progress,
    SampleGrid,
    StopOnNonFinite,
)
from tutorial_lib.training.lock import locked
from tutorial_lib.training.ticks import Clock, Limits, Tick

STEPS = 16  # in one compiled call
STATE = "state.npz"

# What `jax_loop.py` trains by default, and what made the published network of this name.
RECIPES = GAN_RECIPES | {
    "cat-faces-64-gpu": GANRecipe(
        networks="resnet",
        width=48,
        generator_blocks=2,
        discriminator_blocks=2,
        # Compute is not scarce there: eight times the batch of a CPU's recipe.
        batch_size=128,
        learning_rate=3e-4,
        # Each photograph is seen some three hundred times: both penalties at every step and
        # transforms at the discriminator keep it from learning them by heart (Huang 2024; Zhao
        # 2020).
        loss="relativistic",
        r1_gamma=2.0,
        r2_gamma=2.0,
        penalty_interval=1,
        augment="colour, translation",
        ema_halflife_kimg=500.0,
    )
}

FALLS = {"none": Fall(), "all": Fall(learning_rate=0.25, gamma=0.1, augment_probability=0.3)}


class State:
    """Keep a GAN's variables and the clock in one file.

    The order of the images and all noise derive from the recipe's seed and `nimg`, the images
    seen, so nothing else has state. `seconds` is the time of the run, saving included.
    """

    def __init__(self, gan: GAN, path: Path):
        self.gan, self.path = gan, path
        self.nimg, self.seconds = 0, 0.0

    def saved(self) -> list[Path]:
        """Return the file, if there is one."""
        return [self.path] if self.path.exists() else []

    def is_finite(self) -> bool:
        """Return whether no number of the average is NaN or infinite.

        What is wrong in either network gets there with the next step.
        """
        values = jax.tree.leaves(jax.device_get(self.gan.variables["average"]))
        return all(np.isfinite(value).all() for value in values)

    def save(self) -> None:
        """Write the file; one killed meanwhile leaves the older file whole."""
        values = jax.device_get(jax.tree.leaves(self.gan.variables))
        buffer = io.BytesIO()
        np.savez(buffer, nimg=self.nimg, seconds=self.seconds, **number_arrays(values))
        write_whole(self.path, buffer.getvalue())

    def restore(self) -> None:
        """Load the file, if there is one, or raise `TutorialError` if it is damaged."""
        if not self.path.exists():
            return
        present, structure = jax.tree.flatten(self.gan.variables)
        try:
            with np.load(self.path, allow_pickle=False) as saved:
                values = [saved[name] for name in number_arrays(present)]
                self.nimg, self.seconds = int(saved["nimg"]), float(saved["seconds"])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise TutorialError(
                f"The state {self.path} is damaged ({error}): start a run in another folder."
            ) from error
        self.gan.variables = jax.device_put(jax.tree.unflatten(structure, values))


class Run:
    """Train in a run folder, calling the callbacks of the library's `Trainer`, whose part it plays.

    `images` is uint8 (N, size, size, 3). A tick, every `tick_kimg` thousand images, is when
    callbacks log, sample and save. Raises `TutorialError` if the images do not fit the recipe.
    """

    def __init__(self, gan: GAN, images: np.ndarray, directory: Path, *, tick_kimg: float = 100.0):
        size, source = gan.recipe.size, Images(images)
        if source.shape != (size, size, 3) or len(source) < gan.recipe.batch_size:
            raise TutorialError(
                f"The recipe needs at least {gan.recipe.batch_size} images of shape "
                f"{(size, size, 3)}, not an array of shape {images.shape}."
            )
        self.algorithm, self.directory = gan, directory
        self.state = State(gan, directory / STATE)
        self.callbacks = [
            StopOnNonFinite(),
            Falling(),
            Log(),
            SampleGrid(),
            Checkpoints(60),
            Progress(),
        ]
        self.finished = False
        self._limits = Limits()
        self._images = images
        self._tick_images = 1000 * tick_kimg
        self._config = {
            "algorithm": "GAN",
            "recipe": dataclasses.asdict(gan.recipe),
            "fall": dataclasses.asdict(gan.fall),
            "precision": gan.precision,
            "data": source.facts(),
        }

    @property
    def nimg(self) -> int:
        """The number of images seen."""
        return self.state.nimg

    def progress(self) -> float:
        """Return how much of what `fit` was asked for is done, from 0 to 1."""
        return self._limits.progress(self.state)

    def facts(self) -> dict:
        """Return what a model card says of the run so far."""
        return self._config | {
            "nimg": self.nimg,
            "minutes": round(self.state.seconds / 60, 1),
            "device": jax.devices()[0].device_kind,
            "replicas": 1,
            "versions": {
                "tutorial_lib": tutorial_lib.__version__,
                "jax": jax.__version__,
                "keras": keras.__version__,
            },
        }

    def fit(self, *, kimg: float | None = None, minutes: float | None = None) -> None:
        """Train until the run has seen `kimg` thousand images or has lasted `minutes`.

        Both count from the start of the run, not of this call, and are looked at every `STEPS`
        steps. Goes on with what is in the folder. Raises `TutorialError` if that was started
        with other settings, or if a loss is no longer finite.
        """
        self._limits = Limits.of(kimg=kimg, minutes=minutes)
        with locked(self.directory):
            if not run_folder.resume(self.directory, self._config, self.state, "auto"):
                run_folder.begin(self.directory, self._config)
            try:
                self._call("on_start")
                self._train()
            finally:
                self._call("on_end")

    def _train(self) -> None:
        """Take steps until there is nothing left to do; compiling them is a part of the minutes."""
        state, recipe = self.state, self.algorithm.recipe
        images = jax.device_put(self._images)
        order = shuffled(len(images), recipe.batch_size, seed=recipe.seed, start=state.nimg)
        clock = Clock(state)
        tick, ticked = Tick(state, clock), state.nimg
        self.finished = self.progress() >= 1
        while not self.finished:
            chosen, mirrored = map(np.stack, zip(*itertools.islice(order, STEPS), strict=True))
            batches = {"chosen": chosen, "mirrored": mirrored & recipe.flip}
            losses = self.algorithm.train(images, batches, state.nimg, self.progress())
            tick.add({name: values.mean() for name, values in losses.items()})
            state.nimg += STEPS * recipe.batch_size
            clock.read()
            self.finished = self.progress() >= 1
            if self.finished or state.nimg - ticked >= self._tick_images:
                self._call("on_tick", tick.record())
                tick, ticked = Tick(state, clock), state.nimg

    def _call(self, occasion: str, *arguments) -> None:
        for callback in self.callbacks:
            getattr(callback, occasion)(self, *arguments)


class Falling(Callback):
    """Add to a tick's record what has fallen so far."""

    def on_tick(self, trainer: Run, record: dict) -> None:
        """Add the learning rate and the weights of the penalties."""
        gan = trainer.algorithm
        values = gan.schedule(trainer.nimg, trainer.progress())
        _, gamma_factor = gan.fall.factors(trainer.progress())
        record["learning_rate"] = values["learning_rate"]
        record["r1_gamma"] = gamma_factor * gan.recipe.r1_gamma
        record["r2_gamma"] = gamma_factor * gan.recipe.r2_gamma


def find_recipe(name_or_path: str) -> GANRecipe:
    """Return a recipe by its name, or from a JSON file of fields that differ."""
    if name_or_path.endswith(".json"):
        fields = read_fields(Path(name_or_path))
        if fields.pop("algorithm", "gan") != "gan":
            raise TutorialError(f"{name_or_path} is no recipe of a GAN.")
        return from_fields(GANRecipe, fields)
    return choose("recipe", name_or_path, RECIPES)


@click.command()
@click.argument("recipe", default="cat-faces-64-gpu")
@click.option("--images", required=True, type=click.Path(exists=True), help="A .npy file.")
@click.option("--minutes", type=float, help="Training time in all.")
@click.option("--kimg", type=float, help="Thousand images in all.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The run folder.")
@click.option("--fall", type=click.Choice(list(FALLS)), default="all", show_default=True)
@click.option(
    "--precision",
    type=click.Choice(["float32", "mixed_bfloat16"]),
    default="mixed_bfloat16",
    show_default=True,
)
@click.option("--seed", type=int, default=0, show_default=True)
def main(recipe, images, minutes, kimg, out, fall, precision, seed) -> None:
    """Train RECIPE until --minutes or --kimg is reached."""
    try:
        recipe = dataclasses.replace(find_recipe(recipe), seed=seed)
        gan = GAN(recipe, precision=precision, fall=FALLS[fall])
        Run(gan, np.load(images), out).fit(kimg=kimg, minutes=minutes)
    except (TutorialError, OSError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
