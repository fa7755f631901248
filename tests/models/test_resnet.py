import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from tutorial_lib.errors import TutorialError
from tutorial_lib.models.dcgan import build_dcgan_discriminator
from tutorial_lib.models.resnet import (
    GROUP,
    Gain,
    MinibatchDeviation,
    build_resnet_discriminator,
    build_resnet_generator,
)


@pytest.mark.parametrize("size", [8, 32])
def test_networks_fit_each_other(size):
    generator = build_resnet_generator(size, latent_size=6, width=4)
    images = generator(np.ones((GROUP, 6), "float32"))
    assert images.shape == (GROUP, size, size, 3) and ops.max(ops.abs(images)) <= 1
    assert build_resnet_discriminator(size, width=4)(images).shape == (GROUP, 1)


def test_blocks_start_as_the_identity():
    network = build_resnet_discriminator(16, width=4, seed=7)
    plain = build_dcgan_discriminator(16, width=4, seed=7)
    ladder = [layer for layer in network.layers if getattr(layer, "strides", None) == (2, 2)]
    rungs = [layer for layer in plain.layers if getattr(layer, "strides", None) == (2, 2)]
    assert len(ladder) == len(rungs) == 2
    images = np.random.default_rng(0).standard_normal((GROUP, 16, 16, 3)).astype("float32")
    for step, rung in zip(ladder, rungs, strict=True):
        rung.set_weights(step.get_weights())
    x = images
    for layer in plain.layers[:-2]:
        x = layer(x)
    deviation = next(layer for layer in network.layers if isinstance(layer, MinibatchDeviation))
    found = keras.Model(network.inputs[0], deviation.input)(images)
    np.testing.assert_allclose(found, x, atol=1e-5)


@pytest.mark.parametrize(
    "build, shape", [(build_resnet_generator, (5,)), (build_resnet_discriminator, (16, 16, 3))]
)
def test_blocks_count_for_nothing_at_first(build, shape):
    sizes = {"latent_size": 5} if build is build_resnet_generator else {}
    plain, deeper = (build(16, width=4, blocks=count, **sizes) for count in (0, 2))
    x = np.random.default_rng(0).standard_normal((GROUP, *shape)).astype("float32")
    np.testing.assert_array_equal(deeper(x), plain(x))
    for layer in deeper.layers:
        if isinstance(layer, Gain):
            layer.set_weights([np.float32(0.1)])
    assert not np.allclose(deeper(x), plain(x), atol=1e-3)


def test_generator_ends_in_a_convolution_at_the_full_size():
    network = build_resnet_generator(16, 5, width=4, blocks=1)
    last = [layer for layer in network.layers if layer.weights][-1]
    assert isinstance(last, keras.layers.Conv2D) and last.kernel.shape == (3, 3, 2, 3)
    assert last.strides == (1, 1) and last.input.shape[1:3] == (16, 16)


def test_same_seed_same_weights():
    first, second, other = (build_resnet_generator(8, 4, 4, seed=seed) for seed in (1, 1, 2))
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_deviation_is_that_of_the_group():
    x = np.random.default_rng(0).standard_normal((2 * GROUP, 3, 3, 5)).astype("float32")
    x[GROUP:] = x[GROUP]  # a collapsed group
    shown = np.asarray(MinibatchDeviation()(x))
    np.testing.assert_array_equal(shown[..., :5], x)
    np.testing.assert_allclose(shown[:GROUP, ..., 5], x[:GROUP].std(axis=0).mean(), rtol=1e-4)
    np.testing.assert_allclose(shown[GROUP:, ..., 5], 1e-4, rtol=1e-2)


def test_slopes_are_finite_where_a_group_is_collapsed():
    x = tf.ones((GROUP, 2, 2, 3))
    layer = MinibatchDeviation()
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(layer(x))
    assert np.isfinite(tape.gradient(total, x)).all()


@pytest.mark.parametrize("build", [build_resnet_generator, build_resnet_discriminator])
@pytest.mark.parametrize("size", [0, 4, 48])
def test_wrong_sizes_are_named(build, size):
    with pytest.raises(TutorialError, match=f"not {size}"):
        build(size)
