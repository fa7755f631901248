import numpy as np
import pytest

from tutorial_lib.errors import TutorialError
from tutorial_lib.models import toy


@pytest.mark.parametrize("name", toy.POINT_SETS)
def test_points_have_shape_type_and_range(name):
    points = toy.draw_points(name, 5000)
    assert points.shape == (5000, 2)
    assert points.dtype == np.float32
    assert np.abs(points).max() < 1.3
    assert toy.draw_points(name, 0).shape == (0, 2)


@pytest.mark.parametrize("name", toy.POINT_SETS)
def test_points_depend_on_the_seed_alone(name):
    first, again, other = (toy.draw_points(name, 64, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("name", "modes"), [("ring", 8), ("grid", 25)])
def test_mixtures_are_balanced_gaussians_around_their_centres(name, modes):
    centres = toy.mode_centres(name)
    assert centres.shape == (modes, 2)
    points = toy.draw_points(name, 1000 * modes)
    offsets = points[:, None] - centres
    mode = np.linalg.norm(offsets, axis=-1).argmin(axis=1)
    visits = np.bincount(mode, minlength=modes)
    assert np.abs(visits - 1000).max() < 5 * np.sqrt(1000)
    offsets = offsets[np.arange(len(points)), mode]
    np.testing.assert_allclose(offsets.std(axis=0), toy.MODE_DEVIATION, rtol=0.03)
    # In two dimensions a share 1 - exp(-k²/2) of a Gaussian lies within k deviations.
    within = np.linalg.norm(offsets, axis=1) < 2 * toy.MODE_DEVIATION
    assert within.mean() == pytest.approx(1 - np.exp(-2), abs=0.02)


def test_ring_has_radius_1_and_grid_reaches_the_corners():
    np.testing.assert_allclose(np.linalg.norm(toy.mode_centres("ring"), axis=1), 1)
    grid = toy.mode_centres("grid")
    assert {tuple(centre) for centre in grid} == {
        (x, y) for x in (-1, -0.5, 0, 0.5, 1) for y in (-1, -0.5, 0, 0.5, 1)
    }


def test_centres_cannot_be_changed_from_outside():
    toy.mode_centres("ring")[:] = 0
    assert np.abs(toy.mode_centres("ring")).max() == 1


def test_cat_is_symmetric_and_has_ears_eyes_and_whiskers():
    points = toy.draw_points("cat", 20_000)
    cells = np.histogram2d(*points.T, bins=30, range=[[-1.2, 1.2]] * 2)[0] / len(points)
    assert np.abs(cells - cells[::-1]).sum() < 0.2  # mirrored: only chance differs

    def count(x, y):
        inside = (np.abs(points - (x, y)) < 0.06).all(axis=1)
        return inside.sum()

    drawn = {"ear": (0.64, 0.93), "eye": (0.3, 0.19), "pupil": (0.3, 0.05), "whisker": (0.9, -0.36)}
    assert {part: count(*place) > 40 for part, place in drawn.items()} == dict.fromkeys(drawn, True)
    for empty in [(0, 0.3), (0, 0.9), (0.95, 0.5), (0.55, 0.3)]:  # forehead, over it, beside, cheek
        assert count(*empty) < 5


def test_cat_is_drawn_evenly_along_its_lines():
    """A piece of a whisker as long as a piece of the nose's line gets as many points."""
    points = toy.draw_points("cat", 200_000, seed=1)
    tolerance = 3 * toy.CAT_NOISE
    bridge = (np.abs(points[:, 0]) < tolerance) & (np.abs(points[:, 1] + 0.34) < 0.01)
    whisker = (np.abs(points[:, 0] - 0.9) < 0.01) & (np.abs(points[:, 1] + 0.358) < tolerance)
    assert bridge.sum() == pytest.approx(whisker.sum(), rel=0.15)


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
        (lambda: toy.draw_points("dog", 4), "named 'dog'. Choose from: ring, grid, cat"),
        (lambda: toy.draw_points("ring", -1), "count must be at least 0, not -1"),
        (lambda: toy.mode_centres("cat"), "'cat' has no modes. Choose from: ring, grid"),
        (lambda: toy.build_toy_generator(0), "latent_size must be at least 1, not 0"),
        (lambda: toy.build_toy_generator(2, 0), "width must be at least 1, not 0"),
        (lambda: toy.build_toy_discriminator(-3), "width must be at least 1, not -3"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(TutorialError, match=message):
        call()
