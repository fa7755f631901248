"""Measure the fastest that this machine multiplies: a large matrix product, large convolutions.

    python benchmarks/machine_limit.py PRECISION

Prints floating-point operations a second as JSON, each the best of several tries. The convolution
is 3×3 from 128 to 128 channels at 64×64, batch 16, as friendly as one gets; its two gradients are
measured as well.
"""

import json
import sys
import time
from collections.abc import Callable

import tensorflow as tf

from tutorial_lib.hardware.memory import keep_freed_memory

SIDE = 2048  # of the matrices
BATCH, SIZE, KERNEL, CHANNELS = 16, 64, 3, 128


def main() -> None:
    """Print the limits in the precision that the command line names."""
    keep_freed_memory()
    dtype = sys.argv[1].removeprefix("mixed_")
    print(json.dumps(measure_limits(dtype)))


def measure_limits(dtype: str, tries: int = 6) -> dict[str, float]:
    """Return the best rate of each kind of work, in floating-point operations a second."""

    def random(*shape: int) -> tf.Tensor:
        return tf.cast(tf.random.stateless_normal(shape, [0, 1]), dtype)

    matrix = random(SIDE, SIDE)
    images, kernel = random(BATCH, SIZE, SIZE, CHANNELS), random(KERNEL, KERNEL, CHANNELS, CHANNELS)
    towards_kernel = {"filter_sizes": kernel.shape, "strides": [1, 1, 1, 1], "padding": "SAME"}
    convolution = 2 * images.shape.num_elements() * KERNEL**2 * CHANNELS
    work = {
        "matrix product": (2 * SIDE**3, lambda: matrix @ matrix),
        "convolution": (convolution, lambda: tf.nn.conv2d(images, kernel, 1, "SAME")),
        "convolution, gradient to its input": (
            convolution,
            lambda: tf.nn.conv2d_transpose(images, kernel, images.shape, 1, "SAME"),
        ),
        "convolution, gradient to its kernel": (
            convolution,
            lambda: tf.raw_ops.Conv2DBackpropFilter(
                input=images, out_backprop=images, **towards_kernel
            ),
        ),
    }
    return {name: flops / best_time(run, tries) for name, (flops, run) in work.items()}


def best_time(run: Callable[[], tf.Tensor], tries: int) -> float:
    """Return the shortest time of several, in seconds, after one that does not count."""
    times = []
    for _ in range(tries + 1):
        start = time.perf_counter()
        float(tf.reshape(run(), [-1])[0])  # waits for the device
        times.append(time.perf_counter() - start)
    return min(times[1:])


if __name__ == "__main__":
    main()
