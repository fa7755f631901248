"""Count the multiplications and additions that a traced function does.

Only matrix products and convolutions are counted: in a training step they are all but a fraction
of a per cent. A product and its addition count as two. A convolution with a k×k kernel from c to d
channels and an output of h×w does 2 k² c d h w an image, taps that fall on padding included; its
gradients, towards the input and towards the kernel, do as much each; and a transposed convolution
*is* the gradient of a convolution towards its input, so it does as much as that convolution.
"""

import math
from collections import Counter

import tensorflow as tf


def count_flops(function: tf.types.experimental.ConcreteFunction) -> dict[str, int]:
    """Return how many floating-point operations each type of operation does in one call.

    What no result depends on is not counted, since TensorFlow does not compute it either: the
    gradient towards the images, say, where only a discriminator's weights are asked for. Nor is
    what stands inside a condition (the penalty). Shapes must be known: trace with a fixed batch.
    """
    counts = Counter()
    for operation in needed(function):
        if operation.type in COUNTERS:
            counts[operation.type] += COUNTERS[operation.type](operation)
    return dict(counts)


def needed(function: tf.types.experimental.ConcreteFunction) -> set[tf.Operation]:
    """Return the operations on which the results and effects of a function depend."""
    graph = function.graph
    waiting = [output.op for output in graph.outputs] + list(graph.control_outputs)
    found = set()
    while waiting:
        operation = waiting.pop()
        if operation not in found:
            found.add(operation)
            waiting += [tensor.op for tensor in operation.inputs] + operation.control_inputs
    return found


def _convolution(operation: tf.Operation) -> int:
    kernel, result = operation.inputs[1], operation.outputs[0]
    return 2 * _size(result) * math.prod(kernel.shape[:3])


def _towards_input(operation: tf.Operation) -> int:
    _, kernel, gradient = operation.inputs
    return 2 * _size(gradient) * math.prod(kernel.shape[:3])


def _towards_kernel(operation: tf.Operation) -> int:
    gradient, kernel = operation.inputs[2], operation.outputs[0]
    return 2 * _size(gradient) * math.prod(kernel.shape[:3])


def _matrix_product(operation: tf.Operation) -> int:
    # Transposed or not, the product is (m, k) × (k, n), the first factor has m k numbers.
    return 2 * _size(operation.inputs[0]) * operation.outputs[0].shape[-1]


def _size(tensor: tf.Tensor) -> int:
    count = tensor.shape.num_elements()
    if count is None:
        raise ValueError(f"{tensor.name} has no fixed shape: trace with a fixed batch.")
    return count


COUNTERS = {
    "Conv2D": _convolution,
    "Conv2DBackpropInput": _towards_input,
    "Conv2DBackpropFilter": _towards_kernel,
    "MatMul": _matrix_product,
}
