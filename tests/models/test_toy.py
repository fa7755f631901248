import numpy as np
import pytest

from tutorial_lib.errors import TutorialError
from tutorial_lib.models import toy


@pytest.mark.parametrize("latent_size", [1, 7])
def test_networks_fit_each_other(latent_size):
    generator = toy.build_toy_generator(latent_size, width=8)
    points = generator(np.zeros((5, latent_size), np.float32))
    assert points.shape == (5, 2)
    assert toy.build_toy_discriminator(width=8)(points).shape == (5, 1)


def test_generator_reaches_any_place():
    generator = toy.build_toy_generator(width=8)
    far = np.abs(generator(np.full((1, 2), 1e4, np.float32))).max()
    assert far > 100


@pytest.mark.parametrize("build", [toy.build_toy_generator, toy.build_toy_discriminator])
def test_weights_depend_on_the_seed_alone(build):
    first, again, other = build(seed=3), build(seed=3), build(seed=4)
    pairs = zip(first.get_weights(), again.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])
    hidden = [weights for weights in first.get_weights() if weights.shape == (128, 128)]
    assert len(hidden) == 2
    assert not np.array_equal(*hidden)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: toy.build_toy_generator(0), "latent_size must be at least 1, not 0"),
        (lambda: toy.build_toy_generator(2, 0), "width must be at least 1, not 0"),
        (lambda: toy.build_toy_discriminator(-3), "width must be at least 1, not -3"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(TutorialError, match=message):
        call()
