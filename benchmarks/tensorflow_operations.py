"""Measure the operations that a training step consists of in TensorFlow.

    python benchmarks/tensorflow_operations.py CONVOLUTIONS BATCH CALLS PRECISION

operations.py calls it, and says what is measured. CONVOLUTIONS is a JSON list of [pixels a side,
channels before, channels after]. Prints milliseconds by operation as JSON, the library's own way
under a name of its own, and what else of this machine operations.py needs to know.
"""

import json
import platform
import sys
from collections.abc import Callable
from functools import partial

import keras
import tensorflow as tf
from turns import call_times

from tutorial_lib.hardware.fused_norm import fused_norm
from tutorial_lib.hardware.memory import keep_freed_memory
from tutorial_lib.hardware.precision import choose_precision, device_name, precision_scope
from tutorial_lib.hardware.small_convolutions import EDGE, kernel_gradient


def main() -> None:
    """Measure what the command line names, and print the result."""
    sizes, batch, calls, precision = sys.argv[1:]
    keep_freed_memory()
    made = {}
    with precision_scope(precision):
        random = partial(random_tensor, precision.removeprefix("mixed_"), int(batch))
        for size, before, after in json.loads(sizes):
            made |= convolution(random, size, before, after) | elementwise(random, size // 2, after)
    times = call_times({name: tf.function(run) for name, run in made.items()}, int(calls))
    versions = {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
    facts = {"device": device_name(), "versions": versions, "precision": choose_precision()}
    print(json.dumps(facts | {"milliseconds": {name: 1e3 * time for name, time in times.items()}}))


def random_tensor(dtype: str, *shape: int) -> tf.Tensor:
    """Return random numbers; their values do not matter for speed."""
    return tf.cast(tf.random.stateless_normal(shape, [0, 1]), dtype)


def convolution(random: Callable, size: int, before: int, after: int) -> dict[str, Callable]:
    """Return a convolution and its two gradients, each as a function without arguments.

    `random` draws a batch of the shape that it is given.
    """
    images, upstream = random(size, size, before), random(size // 2, size // 2, after)
    kernel = tf.cast(tf.random.stateless_normal((4, 4, before, after), [0, 1]), images.dtype)
    towards_kernel = {"filter_sizes": kernel.shape, "strides": [1, 2, 2, 1], "padding": "SAME"}
    work = {
        "forward": lambda: tf.nn.conv2d(images, kernel, 2, "SAME"),
        "to input": lambda: tf.nn.conv2d_transpose(upstream, kernel, images.shape, 2, "SAME"),
        "to kernel": lambda: tf.raw_ops.Conv2DBackpropFilter(
            input=images, out_backprop=upstream, **towards_kernel
        ),
    }
    if images.dtype == tf.bfloat16 and size // 2 <= EDGE:
        work["to kernel, library"] = lambda: kernel_gradient(images, upstream, 4, 2)
    return {f"convolution {size}×{size}, {before}→{after}: {name}": work[name] for name in work}


def elementwise(random: Callable, size: int, channels: int) -> dict[str, Callable]:
    """Return batch norm and leaky ReLU, forward and backward, as functions without arguments."""
    images, upstream = random(size, size, channels), random(size, size, channels)
    norm = keras.layers.BatchNormalization()
    norm.build(images.shape)

    def both_ways(function: Callable, weights: list) -> Callable:
        def run():
            with tf.GradientTape() as tape:
                tape.watch(images)
                outputs = function(images)
            return outputs, tape.gradient(outputs, [images, *weights], upstream)

        return run

    where, weights = f"{size}×{size}, {channels}", norm.trainable_variables
    leaky = keras.layers.LeakyReLU(negative_slope=0.2)
    return {
        f"batch norm {where}": both_ways(partial(norm, training=True), weights),
        f"batch norm {where}, library": both_ways(
            partial(fused_norm, norm, training=True), weights
        ),
        f"leaky ReLU {where}": both_ways(leaky, []),
    }


if __name__ == "__main__":
    main()
