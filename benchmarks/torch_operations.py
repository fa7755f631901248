"""Measure the operations that a training step consists of in PyTorch.

    python benchmarks/torch_operations.py CONVOLUTIONS BATCH CALLS PRECISION FORMAT

operations.py calls it, and says what is measured. CONVOLUTIONS is a JSON list of [pixels a side,
channels before, channels after], PRECISION is a Keras policy, FORMAT is contiguous or
channels_last. Prints milliseconds by operation as JSON. Needs PyTorch and nothing of this project
but turns.py, so it can run in an environment of its own.
"""

import json
import sys
from collections.abc import Callable

import torch
from torch.nn import functional
from turns import call_times


def main() -> None:
    """Measure what the command line names, and print the result."""
    sizes, batch, calls, precision, form = sys.argv[1:]
    memory = torch.channels_last if form == "channels_last" else torch.contiguous_format
    dtype = getattr(torch, precision.removeprefix("mixed_"))
    made = {}

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape).to(dtype, memory_format=memory)

    for size, before, after in json.loads(sizes):
        made |= convolution(random, int(batch), size, before, after)
        made |= elementwise(random, int(batch), size // 2, after)
    times = call_times(made, int(calls))
    milliseconds = {name: 1e3 * time for name, time in times.items()}
    print(json.dumps({"milliseconds": milliseconds, "version": torch.__version__}))


def convolution(random: Callable, batch: int, size: int, before: int, after: int) -> dict:
    """Return a convolution and its two gradients, each as a function without arguments.

    `random` draws a tensor of the shape that it is given.
    """
    images, kernel = random(batch, before, size, size), random(after, before, 4, 4)
    upstream = random(batch, after, size // 2, size // 2)

    def gradient(*wanted: bool) -> Callable[[], object]:
        return lambda: torch.ops.aten.convolution_backward(
            upstream, images, kernel, None, (2, 2), (1, 1), (1, 1), False, (0, 0), 1, wanted
        )

    name = f"convolution {size}×{size}, {before}→{after}"
    return {
        f"{name}: forward": lambda: functional.conv2d(images, kernel, stride=2, padding=1),
        f"{name}: to input": gradient(True, False, False),
        f"{name}: to kernel": gradient(False, True, False),
    }


def elementwise(random: Callable, batch: int, size: int, channels: int) -> dict:
    """Return batch norm and leaky ReLU, forward and backward, as functions without arguments."""
    images, upstream = (random(batch, channels, size, size) for _ in range(2))
    images.requires_grad_()
    mean, variance = torch.zeros(channels), torch.ones(channels)
    scale, offset = (torch.ones(channels, requires_grad=True) for _ in range(2))

    def norm():
        outputs = functional.batch_norm(images, mean, variance, scale, offset, training=True)
        return torch.autograd.grad(outputs, (images, scale, offset), upstream)

    def leaky():
        return torch.autograd.grad(functional.leaky_relu(images, 0.2), images, upstream)

    where = f"{size}×{size}, {channels}"
    return {f"batch norm {where}": norm, f"leaky ReLU {where}": leaky}


if __name__ == "__main__":
    main()
