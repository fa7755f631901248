"""The smallest algorithm, for the faults that any run must survive, and what is left after them."""

import hashlib

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from helpers.runs import copy_variables, make_images
from tutorial_lib.algorithms.ema import update_average
from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.models.latents import draw_latents
from tutorial_lib.pretrained import load_card
from tutorial_lib.training.callbacks import (
    Callback,
    Checkpoints,
    Log,
    SampleGrid,
    StopOnNonFinite,
)
from tutorial_lib.training.log import read_log
from tutorial_lib.training.trainer import Trainer

RECIPE = GANRecipe(size=8, latent_size=4, batch_size=8)


class Small(tf.Module):
    """The smallest algorithm with noise, an optimiser and an average: traced in no time.

    At `nan_data_at` or `nan_gradient_at` images seen, the step's data or gradients are NaN.
    """

    recipe, precision, example_shape = RECIPE, "float32", (8, 8, 3)

    def __init__(self, nan_data_at=None, nan_gradient_at=None):
        super().__init__(name="small")
        self.nan_data_at, self.nan_gradient_at = nan_data_at, nan_gradient_at
        self.network, self.average = build_small(), build_small()
        self.optimizer = keras.optimizers.Adam(0.01)
        self.optimizer.build(self.network.trainable_variables)

    def schedule(self, nimg):
        return {
            "data_fault": float("nan") if nimg == self.nan_data_at else 0.0,
            "gradient_fault": float("nan") if nimg == self.nan_gradient_at else 0.0,
        }

    def train_step(self, images, seed, values):
        weights = self.network.trainable_variables
        latents = tf.random.stateless_normal([RECIPE.batch_size, RECIPE.latent_size], seed)
        with tf.GradientTape() as tape:
            error = self.network(latents) - images + values["data_fault"]
            loss = tf.reduce_mean(error**2)
        gradients = tape.gradient(loss, weights)
        self.optimizer.apply([g + values["gradient_fault"] for g in gradients], weights)
        update_average(self.average, self.network, tf.constant(0.9))
        return {"loss": loss}

    def draw_latents(self, count, seed=0):
        return draw_latents(count, RECIPE.latent_size, seed=seed)

    def sample(self, latents):
        return self.average(latents).numpy()


def build_small():
    start = keras.initializers.GlorotUniform(seed=0)
    layers = [keras.layers.Dense(8 * 8 * 3, kernel_initializer=start)]
    return keras.Sequential([keras.Input((4,)), *layers, keras.layers.Reshape((8, 8, 3))])


def make_small_trainer(directory, *extra, algorithm=None):
    saving = Checkpoints(every_seconds=0)
    callbacks = [*extra, StopOnNonFinite(), Log(), SampleGrid(4), saving]
    algorithm = algorithm or Small()
    return Trainer(algorithm, make_images(), directory, tick_kimg=0.016, callbacks=callbacks)


class Remember(Callback):
    """Keep a copy of every variable at each tick, by images seen."""

    def __init__(self):
        self.variables = {}

    def on_tick(self, trainer, record):
        self.variables[trainer.nimg] = copy_variables(trainer)


def assert_bits_of(whole, trainer):
    """Compare a trainer with a run that met no fault: its variables by images seen."""
    for found, expected in zip(copy_variables(trainer), whole[trainer.nimg], strict=True):
        np.testing.assert_array_equal(found, expected)


def assert_as_if_nothing_happened(trainer, whole):
    """The trainer has the bits of a run without faults, and its folder has all of its files."""
    assert_bits_of(whole, trainer)
    assert_files_are_complete(trainer.directory)
    ticks = list(range(16, trainer.nimg + 1, 16))
    assert [record["nimg"] for record in read_log(trainer.directory / "log.jsonl")] == ticks
    sheets = {int(path.stem) for path in (trainer.directory / "samples").iterdir()}
    assert sheets >= set(ticks[:10]), "a young run has a sheet a tick"
    kept = [int(path.name) for path in (trainer.directory / "checkpoints").iterdir()]
    assert sorted(kept) == ticks[-2:]
    expected = {"config.json", "card.json", "log.jsonl", "samples", "checkpoints"}
    (weights,) = {path.name for path in trainer.directory.iterdir()} - expected
    assert weights == load_card(trainer.directory)["weights"]["file"]


def assert_files_are_complete(directory):
    """Every file under its own name is whole: checkpoints, sheets, and the card with weights."""
    checkpoints = sorted((directory / "checkpoints").glob("[0-9]*"))
    assert checkpoints
    for checkpoint in checkpoints:
        for line in (checkpoint / "SHA256SUMS").read_text().splitlines():
            digest, name = line.split()
            assert hashlib.sha256((checkpoint / name).read_bytes()).hexdigest() == digest
    for sheet in (directory / "samples").glob("[0-9]*"):
        Image.open(sheet).load()
    weights = load_card(directory)["weights"]
    content = (directory / weights["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == weights["sha256"]


def cut(path):
    """Lose the second half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
