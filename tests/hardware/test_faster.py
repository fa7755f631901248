"""What the faster operations compute is what Keras' layers compute."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tutorial_lib.hardware import small_convolutions
from tutorial_lib.hardware.faster import inner_layers, speed_up
from tutorial_lib.hardware.precision import precision_scope
from tutorial_lib.models import dcgan, resnet

ROUNDING = {"float32": 1e-5, "mixed_bfloat16": 2e-2, "mixed_float16": 2e-3}
each_precision = pytest.mark.parametrize("precision", ROUNDING)
layers = keras.layers


def draw(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def twins(precision, shape, *make):
    """The same network twice, of the layers that `make` makes, the second one sped up."""
    networks = []
    for _ in range(2):
        with precision_scope(precision):
            networks.append(keras.Sequential([keras.Input(shape), *(each() for each in make)]))
    plain, fast = networks
    for weight in plain.trainable_variables:
        weight.assign(draw(*weight.shape, seed=1))
    fast.set_weights(plain.get_weights())
    speed_up(fast)
    return plain, fast


def learn(network, inputs, **options):
    """Outputs, and gradients to inputs and weights of some function of them, in a graph."""

    @tf.function
    def run(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = tf.cast(network(inputs, **options), tf.float32)
            loss = tf.reduce_sum(outputs * draw(*outputs.shape, seed=2))
        return [outputs, *tape.gradient(loss, [inputs, *network.trainable_variables])]

    return run(inputs)


def assert_close(ours, theirs, rounding):
    for our, their in zip(ours, theirs, strict=True):
        our, their = np.asarray(our), np.asarray(their)
        np.testing.assert_allclose(our, their, atol=rounding * np.abs(their).max())


def norm():
    return layers.BatchNormalization(momentum=0.9)


def operations(network, inputs, **options):
    """The types of the operations that a network consists of, with those of its gradients."""
    run = tf.function(lambda inputs: learn(network, inputs, **options))
    graph = run.get_concrete_function(inputs).graph
    functions = graph._functions.values()
    return {node.op for function in functions for node in function.cached_definition.node_def}


# --- batch norm


@each_precision
def test_fused_norm_has_keras_outputs_gradients_and_moving_statistics(precision):
    plain, fast = twins(precision, (5, 6, 7), norm)
    inputs = 3 + 2 * draw(4, 5, 6, 7)
    for _ in range(3):
        results = [learn(network, inputs, training=True) for network in (fast, plain)]
        assert_close(*results, 2 * ROUNDING[precision])
    # The statistics are in float32 in any precision.
    assert_close(fast.get_weights(), plain.get_weights(), 1e-5)
    assert np.abs(plain.layers[0].moving_mean - 3 * (1 - 0.9**3)).max() < 0.5
    results = [learn(network, inputs, training=False) for network in (fast, plain)]
    assert_close(*results, 2 * ROUNDING[precision])


def test_fused_norm_keeps_a_small_spread_around_a_large_mean():
    plain, fast = twins("float32", (8, 8, 3), norm)
    inputs = 300 + draw(16, 8, 8, 3)
    outputs = [network(inputs, training=True) for network in (fast, plain)]
    assert_close(outputs[:1], outputs[1:], 1e-3)
    assert_close(fast.get_weights(), plain.get_weights(), 1e-3)


def test_vectors_frozen_layers_and_shared_statistics_are_left_to_keras():
    plain, fast = twins("float32", (6,), norm)
    assert_close(*(learn(net, draw(8, 6), training=True) for net in (fast, plain)), 1e-5)
    _, fast = twins("float32", (4, 4, 3), norm)
    inputs = draw(2, 4, 4, 3)
    assert "FusedBatchNormV3" in operations(fast, inputs, training=True)
    assert "FusedBatchNormV3" not in operations(fast, inputs, training=False)
    fast.layers[0].synchronized = True
    assert "FusedBatchNormV3" not in operations(fast, inputs, training=True)
    fast.layers[0].synchronized, fast.trainable = False, False
    fast(inputs, training=True)
    assert np.all(fast.layers[0].moving_mean == 0)


# --- convolutions


def convolution(kernel, stride, kind=layers.Conv2D, **options):
    return lambda: kind(5, kernel, strides=stride, padding="same", **options)


each_convolution = pytest.mark.parametrize("kernel, stride", [(4, 2), (5, 2), (3, 1), (1, 1)])
each_kind = pytest.mark.parametrize("kind", [layers.Conv2D, layers.Conv2DTranspose])


@each_convolution
def test_the_gradient_to_a_kernel_is_that_of_tensorflow(kernel, stride):
    large, small = draw(3, 4 * stride, 4 * stride, 6), draw(3, 4, 4, 5)
    ours = small_convolutions.kernel_gradient(large, small, kernel, stride)
    theirs = tf.raw_ops.Conv2DBackpropFilter(
        input=large,
        filter_sizes=ours.shape,
        out_backprop=small,
        strides=[1, stride, stride, 1],
        padding="SAME",
    )
    assert_close([ours], [theirs], 1e-5)


@each_kind
@each_convolution
@pytest.mark.parametrize("more", [{}, {"use_bias": False}, {"activation": "tanh"}])
def test_small_convolutions_have_keras_outputs_and_gradients(kind, kernel, stride, more):
    plain, fast = twins("mixed_bfloat16", (8, 8, 3), convolution(kernel, stride, kind, **more))
    inputs = draw(4, 8, 8, 3)
    used = ["Conv2DBackpropFilter" in operations(network, inputs) for network in (fast, plain)]
    assert used == [False, True]
    results = [learn(network, inputs) for network in (fast, plain)]
    assert_close(*results, ROUNDING["mixed_bfloat16"])
    assert_close([fast(inputs)], results[1][:1], ROUNDING["mixed_bfloat16"])  # outside a graph


@each_kind
def test_a_penalty_on_slopes_has_keras_gradients(kind):
    plain, fast = twins("mixed_bfloat16", (8, 8, 3), convolution(4, 2, kind), layers.LeakyReLU)

    def penalise(network):
        @tf.function
        def run(inputs):
            with tf.GradientTape() as outer:
                with tf.GradientTape() as tape:
                    tape.watch(inputs)
                    outputs = tf.cast(network(inputs), tf.float32)
                slopes = tape.gradient(outputs, inputs)
                penalty = tf.reduce_sum(slopes**2)
            return outer.gradient(penalty, network.trainable_variables[:1])

        return run(draw(4, 8, 8, 3))

    assert_close(penalise(fast), penalise(plain), 2 * ROUNDING["mixed_bfloat16"])


@pytest.mark.parametrize(
    "precision, size, options",
    [
        ("float32", 8, {}),
        ("mixed_bfloat16", 18, {}),
        ("mixed_bfloat16", 7, {}),
        ("mixed_bfloat16", 8, {"padding": "valid"}),
    ],
)
def test_other_convolutions_are_left_to_keras(precision, size, options):
    inputs = draw(2, size, size, 3)
    for kind in (layers.Conv2D, layers.Conv2DTranspose):
        make = convolution(4, 2, kind) if not options else lambda k=kind: k(5, 4, 2, **options)
        _, fast = twins(precision, (size, size, 3), make)
        left = "Conv2DBackpropFilter" in operations(fast, inputs)
        # A transposed convolution makes large images from small ones of any size.
        assert left or (kind is layers.Conv2DTranspose and size == 7)


# --- whole networks


@pytest.mark.parametrize(
    "build",
    [
        lambda: dcgan.build_dcgan_generator(16, 5, 4),
        lambda: resnet.build_resnet_generator(16, 5, 4),
        lambda: dcgan.build_dcgan_discriminator(16, 4),
    ],
)
def test_a_network_keeps_its_layers_and_weights(build):
    plain, fast = build(), build()
    speed_up(fast)
    kinds = [[type(layer) for layer in inner_layers(network)] for network in (plain, fast)]
    assert kinds[0] == kinds[1]
    names = [
        [weight.path.split("/")[-1] for weight in network.weights] for network in (plain, fast)
    ]
    assert names[0] == names[1]
    fast.set_weights(plain.get_weights())
    inputs = draw(4, *plain.input_shape[1:])
    assert_close([fast(inputs)], [plain(inputs)], 1e-6)


def test_a_saved_network_is_one_of_keras_own_layers(tmp_path):
    network = dcgan.build_dcgan_generator(16, 5, 4)
    speed_up(network)
    network(draw(4, 5), training=True)
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert_close([loaded(draw(4, 5))], [network(draw(4, 5))], 1e-6)
    assert not any("call" in vars(layer) for layer in loaded.layers)


def test_on_a_gpu_nothing_is_replaced(monkeypatch):
    network = dcgan.build_dcgan_generator(16, 5, 4)
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [kind])
    speed_up(network)
    assert not any("call" in vars(layer) for layer in network.layers)
