"""How TensorFlow rewrites the graph of a training step."""

import tensorflow as tf


def leave_out_remapper() -> None:
    """Switch off, on a CPU, a pass that fails on every training step in bfloat16.

    It would fuse convolutions with what follows them. In a step with leaky ReLUs it complains of
    missing nodes and changes nothing; without it, steps of the recipe dcgan were as fast.
    """
    if tf.config.get_visible_devices("GPU"):  # nothing was measured there
        return
    tf.config.optimizer.set_experimental_options({"remapping": False})
