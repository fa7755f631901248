"""Measure the training step under JAX (jax_gan.py), for training_speed.py.

    python benchmarks/jax_speed.py RECIPE BATCH SECONDS PRECISION

Trains the networks of a recipe, plainly, on one batch of random images. Prints images a second,
peak memory, the sizes of the networks and the version of JAX as JSON. On an accelerator several
steps are one compiled call; on a CPU, where that is slow, each is a call of its own.
"""

from jax_gan import GAN  # isort: skip, since it chooses Keras' backend

import json
import sys

import jax
import numpy as np
from common import plain
from turns import StopWatch, peak_memory_mb

STEPS = 1 if jax.default_backend() == "cpu" else 16  # in one compiled call


def main() -> None:
    """Measure what the command line names, and print the result."""
    recipe, batch, seconds, precision = sys.argv[1:]
    gan = GAN(plain(recipe, int(batch)), precision=precision)
    watch = StopWatch(float(seconds))
    run(gan, watch)
    networks = (gan.generator, gan.discriminator)
    result = {
        "images_per_second": STEPS * int(batch) / watch.median(),
        "peak_mb": peak_memory_mb(),
        "weights": [count_weights(network) for network in networks],
        "version": jax.__version__,
    }
    print(json.dumps(result))


def run(gan: GAN, watch: StopWatch) -> None:
    """Take steps until the watch has seen enough; `train` waits for the device."""
    recipe = gan.recipe
    shape = (recipe.batch_size, recipe.size, recipe.size, 3)
    images = jax.device_put(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    everything = np.tile(np.arange(recipe.batch_size, dtype=np.int32), (STEPS, 1))
    order = {"chosen": everything, "mirrored": np.zeros(everything.shape, bool)}
    while watch.tick():
        gan.train(images, order, nimg=10**6, progress=0.0)


def count_weights(network) -> int:
    """Return how many numbers are trained."""
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_variables)


if __name__ == "__main__":
    main()
