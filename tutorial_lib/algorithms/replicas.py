"""A training step that several devices share: each takes its part of the batch (appendix B).

A replica is the copy of the networks on one device. It sees its rows of the global batch, and
should draw for them the numbers that one device would draw. All of this changes nothing where
there is one device.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tutorial_lib.errors import TutorialError


def stateless_normal(shape: list, seed: tf.Tensor) -> tf.Tensor:
    """Return `tf.random.stateless_normal` for this replica's rows; `shape` begins with them."""
    return _own_rows(tf.random.stateless_normal, shape, seed)


def stateless_uniform(shape: list, seed: tf.Tensor) -> tf.Tensor:
    """Return `tf.random.stateless_uniform` for this replica's rows; `shape` begins with them."""
    return _own_rows(tf.random.stateless_uniform, shape, seed)


def require_whole_groups(batch_size: int, group: int) -> None:
    """Raise `TutorialError` unless each replica's part of a batch is whole groups of images."""
    devices = tf.distribute.get_strategy().num_replicas_in_sync
    if batch_size % (group * devices):
        shared = f" on each of {devices} devices" if devices > 1 else ""
        raise TutorialError(
            f"The discriminator compares {group} images at a time{shared}: choose a batch_size "
            f"that is a multiple of {group * devices}, not {batch_size}."
        )


def own_seed(seed: tf.Tensor) -> tf.Tensor:
    """Return a seed of this replica's own, for what is drawn without the functions above."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return seed
    return tf.random.fold_in(seed, context.replica_id_in_sync_group)


def predict(network: keras.Model, inputs: np.ndarray) -> np.ndarray:
    """Return what `network.predict` does, (N, …), computed by this process alone.

    Keras' own method has several workers wait for each other, but only one of them samples.
    """
    if network.distribute_strategy.num_replicas_in_sync == 1:
        return network.predict(inputs, verbose=0)
    parts = [
        network(inputs[first : first + 32], training=False) for first in range(0, len(inputs), 32)
    ]
    return np.concatenate(parts)


def _own_rows(draw: Callable, shape: list, seed: tf.Tensor) -> tf.Tensor:
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return draw(shape, seed)
    # Numbers fill an array row after row, so these rows are those of the whole batch.
    whole = draw([context.num_replicas_in_sync, *shape], seed)
    return whole[context.replica_id_in_sync_group]
