"""Batch norm in one operation of TensorFlow, where Keras builds it from a dozen (appendix B)."""

import keras
import tensorflow as tf


def fused_norm(
    layer: keras.layers.BatchNormalization,
    inputs: tf.Tensor,
    training: bool | None = None,
    mask: tf.Tensor | None = None,
) -> tf.Tensor:
    """Return what the layer's own `call` returns, and update its moving statistics as that does.

    One operation does it for images in training; everything else is left to Keras, statistics
    that several devices share among it.
    """
    fusible = training and layer.trainable and len(inputs.shape) == 4 and mask is None
    usual = layer.scale and layer.center and layer.axis in (-1, 3)
    if not fusible or not usual or layer.synchronized:
        return type(layer).call(layer, inputs, training=training, mask=mask)
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=layer.gamma,
        offset=layer.beta,
        mean=[],
        variance=[],
        epsilon=layer.epsilon,
        is_training=True,
    )
    # TensorFlow divides by one less than the count, to estimate; Keras by the count.
    count = tf.cast(tf.size(inputs[..., 0]), variance.dtype)
    variance *= (count - 1) / count
    follow(layer.moving_mean, mean, layer.momentum)
    follow(layer.moving_variance, variance, layer.momentum)
    return outputs


def follow(moving: keras.Variable, value: tf.Tensor, momentum: float) -> None:
    """Move a moving average towards a value."""
    moving.assign(moving * momentum + value * (1 - momentum))
