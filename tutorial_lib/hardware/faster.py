"""Let networks compute with faster operations than Keras chooses: the same numbers (appendix B)."""

from collections.abc import Iterator
from functools import partial

import keras
import tensorflow as tf

from tutorial_lib.hardware.fused_norm import fused_norm
from tutorial_lib.hardware.small_convolutions import (
    small_convolution,
    small_transposed_convolution,
)

# By type of layer: which of its methods is replaced, and by what
FASTER = {
    keras.layers.BatchNormalization: ("call", fused_norm),
    keras.layers.Conv2D: ("convolution_op", small_convolution),
    keras.layers.Conv2DTranspose: ("call", small_transposed_convolution),
}


def speed_up(network: keras.Model) -> None:
    """Let the layers of a network compute with faster operations, wherever there are any.

    The layers stay what they are, with their weights, and compute the same up to rounding. On a
    GPU nothing is replaced: there, none of it was measured.
    """
    if tf.config.get_visible_devices("GPU"):
        return
    for layer in inner_layers(network):
        if type(layer) in FASTER:
            method, faster = FASTER[type(layer)]
            setattr(layer, method, partial(faster, layer))


def inner_layers(layer: keras.Layer) -> Iterator[keras.Layer]:
    """Yield every layer inside a model, those of nested models included, in a fixed order."""
    for inner in getattr(layer, "layers", []):
        yield inner
        yield from inner_layers(inner)
