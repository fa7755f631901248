"""The optimiser that a recipe asks for (chapter 7)."""

import keras

from tutorial_lib.training.recipes import Recipe


def build_optimizer(
    recipe: Recipe, network: keras.Model, precision: str
) -> keras.optimizers.Optimizer:
    """Return Adam for a network's weights, with loss scaling where `precision` needs it.

    Its variables exist already, so a traced step creates none.
    """
    optimizer = keras.optimizers.Adam(recipe.learning_rate, recipe.beta_1, recipe.beta_2)
    if precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(network.trainable_variables)
    return optimizer
