"""Tiny runs to train, to resume and to compare."""

import dataclasses
from pathlib import Path

import numpy as np
import tensorflow as tf

from tutorial_lib.algorithms.gan_recipes import DOCUMENT, GANRecipe
from tutorial_lib.algorithms.vae import VAERecipe
from tutorial_lib.training.callbacks import (
    Callback,
    Checkpoints,
    Log,
    SampleGrid,
    StopOnNonFinite,
)
from tutorial_lib.training.devices import build_on
from tutorial_lib.training.trainer import Trainer

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
TINY_GAN = GANRecipe(size=8, latent_size=4, width=4, batch_size=8)
# The document's discriminator drops units at random: the hardest case for an exact resume.
TINY_DOCUMENT = dataclasses.replace(DOCUMENT, size=4, latent_size=4, batch_size=8)
TINY_VAE = VAERecipe(size=8, latent_size=4, width=4, batch_size=8, warmup_kimg=0.02)


def make_images(size=8, count=20, seed=0):
    shape = (count, size, size, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def make_trainer(
    directory,
    recipe=TINY_GAN,
    *,
    images=None,
    callbacks=None,
    precision="float32",
    strategy=None,
):
    """Return a trainer of any recipe, with a tick every 16 images that saves everything."""
    if images is None:
        images = make_images(recipe.size)
    if callbacks is None:
        callbacks = [StopOnNonFinite(), Log(), SampleGrid(4), Checkpoints(every_seconds=0)]
    algorithm = build_on(strategy or tf.distribute.get_strategy(), recipe, precision=precision)
    return Trainer(
        algorithm, images, directory, strategy=strategy, tick_kimg=0.016, callbacks=callbacks
    )


def copy_variables(trainer):
    """Return every variable: weights, both moments of the optimisers, averages."""
    return [np.asarray(variable).copy() for variable in trainer.state.variables()]


def assert_same_bits(first, second):
    """Compare every variable of two trainers."""
    variables = copy_variables(first), copy_variables(second)
    assert len(variables[0]) > 20
    for a, b in zip(*variables, strict=True):
        np.testing.assert_array_equal(a, b)


class CallAt(Callback):
    """Do something at a given number of images: a crash, a Ctrl-C, a poisoned weight."""

    def __init__(self, at_nimg, action):
        self.at_nimg, self.action = at_nimg, action

    def on_step(self, trainer):
        if trainer.nimg == self.at_nimg:
            self.action()
