"""How TensorFlow rewrites the graph of a training step."""

import tensorflow as tf


def leave_out_remapper() -> None:
    """Switch off a pass that fails on every training step with leaky ReLUs in bfloat16.

    It would fuse convolutions with what follows them. In a step it complains of missing nodes and
    changes nothing; without it, a step of the recipe dcgan is as fast.
    """
    tf.config.optimizer.set_experimental_options({"remapping": False})
