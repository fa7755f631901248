"""The optimiser that a recipe asks for (chapter 7), on one device or several (appendix B)."""

import keras
import tensorflow as tf

from tutorial_lib.algorithms.recipes import Recipe


def build_optimizer(
    recipe: Recipe, network: keras.Model, precision: str
) -> keras.optimizers.Optimizer:
    """Return Adam for a network's weights, with loss scaling where `precision` needs it.

    Its variables exist already, so a traced step creates none.
    """
    optimizer = MeanAdam(recipe.learning_rate, recipe.beta_1, recipe.beta_2)
    if precision == "mixed_float16":
        optimizer = GlobalLossScaleOptimizer(optimizer)
    optimizer.build(network.trainable_variables)
    return optimizer


def descend(
    optimizer: keras.optimizers.Optimizer,
    network: keras.Model,
    tape: tf.GradientTape,
    loss: tf.Tensor,
) -> None:
    """Move a network's weights one step down the gradient of a loss that a tape has recorded."""
    weights = network.trainable_variables
    scale = optimizer.scale_loss(tf.ones_like(loss))  # 1, unless float16 needs larger gradients
    optimizer.apply(tape.gradient(loss, weights, output_gradients=scale), weights)


class MeanAdam(keras.optimizers.Adam):
    """Adam on the mean of the gradients of all replicas, where Keras takes their sum.

    A loss is a mean over its replica's part of the batch, so this is the gradient of the mean
    over the whole batch.
    """

    def apply(self, grads, trainable_variables=None):
        """Update the variables with a list of gradients, one for each."""
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        if replicas > 1:
            grads = [grad if grad is None else grad / replicas for grad in grads]
        super().apply(grads, trainable_variables)


class GlobalLossScaleOptimizer(keras.optimizers.LossScaleOptimizer):
    """Loss scaling that skips a step on all replicas if the gradients of one overflow.

    Keras asks one replica only, before the gradients are summed: the overflow of another would
    get into the weights, and workers that disagree would wait for each other forever.
    """

    def check_finite(self, grads):
        """Return whether the gradients of every replica are finite, a boolean scalar."""
        finite = super().check_finite(grads)
        context = tf.distribute.get_replica_context()
        if context.num_replicas_in_sync == 1:
            return finite
        return context.all_reduce("SUM", tf.cast(finite, tf.float32)) == float(
            context.num_replicas_in_sync
        )
