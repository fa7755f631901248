import keras
import numpy as np
import pytest

from tutorial_lib.errors import TutorialError
from tutorial_lib.models import dcgan
from tutorial_lib.models.latents import draw_latents


@pytest.mark.parametrize("size", [8, 20, 64])
def test_document_networks_fit_each_other(size):
    generator, discriminator = dcgan.build_generator(size), dcgan.build_discriminator(size)
    images = generator(draw_latents(2, 100))
    assert images.shape == (2, size, size, 3)
    assert np.abs(images).max() <= 1
    assert discriminator(images).shape == (2, 1)


@pytest.mark.parametrize("size", [8, 32, 128])
def test_dcgan_networks_fit_each_other(size):
    generator = dcgan.build_dcgan_generator(size, latent_size=7, width=4)
    discriminator = dcgan.build_dcgan_discriminator(size, width=4)
    images = generator(draw_latents(3, 7))
    assert images.shape == (3, size, size, 3)
    assert np.abs(images).max() <= 1
    assert discriminator(images).shape == (3, 1)


def test_dcgan_grows_from_4x4_with_doubling_widths():
    generator = dcgan.build_dcgan_generator(64, width=16)
    shapes = [layer.output.shape[1:] for layer in generator.layers if "transpose" in layer.name]
    assert shapes == [(8, 8, 64), (16, 16, 32), (32, 32, 16), (64, 64, 3)]


def test_dcgan_discriminator_judges_each_image_alone():
    discriminator = dcgan.build_dcgan_discriminator(16, width=4)
    images = np.random.default_rng(0).uniform(-1, 1, (4, 16, 16, 3)).astype("float32")
    together = np.asarray(discriminator(images, training=True))
    alone = np.asarray(discriminator(images[:1], training=True))
    np.testing.assert_allclose(together[:1], alone, rtol=1e-4, atol=1e-5)
    assert not any("normalization" in layer.name for layer in discriminator.layers)


@pytest.mark.parametrize(
    "build", [dcgan.build_generator, dcgan.build_dcgan_generator, dcgan.build_dcgan_discriminator]
)
def test_weights_depend_on_the_seed_alone(build):
    first, again, other = build(16, seed=3), build(16, seed=3), build(16, seed=4)
    pairs = zip(first.get_weights(), again.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_layers_start_with_different_weights():
    kernels = [w for w in dcgan.build_dcgan_generator(32, width=4).get_weights() if w.ndim == 4]
    starts = {float(kernel.flat[0]) for kernel in kernels}
    assert len(starts) == len(kernels)


@pytest.mark.parametrize(
    ("build", "arguments", "named"),
    [
        (dcgan.build_generator, {"size": 30}, "30"),
        (dcgan.build_generator, {"latent_size": 0}, "latent_size"),
        (dcgan.build_discriminator, {"size": 0}, "size"),
        (dcgan.build_dcgan_generator, {"size": 48}, "48"),
        (dcgan.build_dcgan_generator, {"size": 4}, "4"),
        (dcgan.build_dcgan_generator, {"latent_size": -1}, "-1"),
        (dcgan.build_dcgan_discriminator, {"width": 0}, "width"),
    ],
)
def test_impossible_networks_are_refused_by_name(build, arguments, named):
    with pytest.raises(TutorialError, match=named):
        build(**arguments)


def test_half_precision_ends_in_float32():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        generator, discriminator = (
            dcgan.build_dcgan_generator(8),
            dcgan.build_dcgan_discriminator(8),
        )
    finally:
        keras.config.set_dtype_policy(before)
    assert generator.outputs[0].dtype == discriminator.outputs[0].dtype == "float32"
    assert generator.layers[0].compute_dtype == "bfloat16"
