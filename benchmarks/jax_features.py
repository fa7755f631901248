"""The features of EfficientNet-Lite0 under JAX, where there is no TensorFlow to measure with.

They are those of metrics/features.py up to rounding (tests/benchmarks/test_jax_loop.py).
"""

import os

os.environ["KERAS_BACKEND"] = "jax"  # read by Keras' first import

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import tutorial_lib
from tutorial_lib.models.lite0 import LITE0, SIZE, build_lite0
from tutorial_lib.store import read_weights

BATCH_SIZE = 100


def lite0_features(images: np.ndarray) -> np.ndarray:
    """Return the features of uint8 images (N, height, width, 3), float32 (N, 1280)."""
    network = build_lite0()
    network.set_weights(read_weights(Path(tutorial_lib.__file__).parent / "pretrained" / LITE0))
    variables = [
        [variable.value for variable in some]
        for some in (network.trainable_variables, network.non_trainable_variables)
    ]

    @jax.jit
    def features(batch):
        shape = (len(batch), SIZE, SIZE, 3)
        resized = jax.image.resize(batch.astype(jnp.float32), shape, "cubic", antialias=True)
        return network.stateless_call(*variables, jnp.clip(resized, 0, 255), training=False)[0]

    # GPUs would round the products to ten bits.
    with jax.default_matmul_precision("highest"):
        starts = range(0, len(images), BATCH_SIZE)
        pieces = [features(images[start : start + BATCH_SIZE]) for start in starts]
    return np.concatenate([np.asarray(piece) for piece in pieces])
