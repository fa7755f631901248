import numpy as np
import pytest

from tutorial_lib.algorithms.registry import RECIPES
from tutorial_lib.errors import TutorialError
from tutorial_lib.models import autoencoder


@pytest.mark.parametrize("size", [8, 32, 128])
def test_encoder_and_decoder_fit_each_other(size):
    encoder = autoencoder.build_encoder(size, latent_size=7, width=4)
    decoder = autoencoder.build_decoder(size, latent_size=7, width=4)
    images = np.random.default_rng(0).uniform(-1, 1, (3, size, size, 3)).astype("float32")
    mean, log_variance = encoder(images)
    assert mean.shape == log_variance.shape == (3, 7)
    reconstructions = decoder(mean)
    assert reconstructions.shape == images.shape
    assert np.abs(reconstructions).max() <= 1


def test_autoencoder_decodes_the_mean():
    network = autoencoder.build_autoencoder(16, 3, 4)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype("float32")
    mean, _ = network.get_layer("encoder")(images)
    expected = network.get_layer("decoder")(mean)
    np.testing.assert_array_equal(network(images), expected)


def test_published_size_has_about_three_million_weights():
    recipe = RECIPES["vae"]
    network = autoencoder.build_autoencoder(recipe.size, recipe.latent_size, recipe.width)
    assert 2.9e6 < network.count_params() < 3.1e6


@pytest.mark.parametrize(
    "build",
    [autoencoder.build_encoder, autoencoder.build_decoder, autoencoder.build_autoencoder],
    ids=lambda b: b.__name__,
)
def test_weights_depend_on_the_seed_alone(build):
    first, again, other = (build(16, 3, 4, seed=seed).get_weights() for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_layers_start_with_different_weights():
    weights = autoencoder.build_autoencoder(32, 3, 4).get_weights()
    starts = [float(weight.flat[0]) for weight in weights if weight.ndim > 1]
    assert len(set(starts)) == len(starts) == 9


@pytest.mark.parametrize(
    "build", [autoencoder.build_encoder, autoencoder.build_decoder, autoencoder.build_autoencoder]
)
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"latent_size": 0}, "latent_size must be at least 1, not 0."),
        ({"latent_size": -3}, "latent_size must be at least 1, not -3."),
        ({"width": 0}, "width must be at least 1, not 0."),
        ({"size": 48}, "size must be a power of two of at least 8, not 48."),
        ({"size": 4}, "size must be a power of two of at least 8, not 4."),
        ({"size": 0}, "size must be a power of two of at least 8, not 0."),
    ],
)
def test_impossible_networks_are_refused_by_name(build, arguments, sentence):
    with pytest.raises(TutorialError) as caught:
        build(**arguments)
    assert str(caught.value) == sentence
