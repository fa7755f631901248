"""Which algorithm trains with which recipe: the one place that knows them all (chapter 7)."""

import dataclasses

import tensorflow as tf

from tutorial_lib.training.gan import GAN
from tutorial_lib.training.recipes import GANRecipe, Recipe, VAERecipe
from tutorial_lib.training.vae import VAE
from tutorial_lib.training.workers import Workers

ALGORITHMS = {GANRecipe: GAN, VAERecipe: VAE}


def build_algorithm(
    recipe: Recipe, *, precision: str = "auto", strategy: tf.distribute.Strategy | None = None
) -> GAN | VAE:
    """Return the algorithm that a recipe is for, with untrained networks.

    A `strategy` from `make_strategy` puts it on several devices; `Trainer` takes the same one.
    Raises `TutorialError` for names in the recipe, or a precision, that do not exist, and for
    workers that have ended or were given another recipe.
    """
    strategy = strategy or tf.distribute.get_strategy()
    workers = Workers(strategy)
    algorithm = ALGORITHMS[type(recipe)]
    settings = {"algorithm": algorithm.__name__, "recipe": dataclasses.asdict(recipe)}
    with workers.losses_named():
        workers.check_agreement(settings | {"precision": precision})
        with strategy.scope():
            return algorithm(recipe, precision=precision)
