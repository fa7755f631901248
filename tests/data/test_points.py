import numpy as np
import pytest

from tutorial_lib.data.points import (
    CAT_NOISE,
    MODE_DEVIATION,
    POINT_SETS,
    draw_points,
    mode_centres,
)
from tutorial_lib.errors import TutorialError


@pytest.mark.parametrize("name", POINT_SETS)
def test_points_have_shape_type_and_range(name):
    points = draw_points(name, 5000)
    assert points.shape == (5000, 2)
    assert points.dtype == np.float32
    assert np.abs(points).max() < 1.3
    assert draw_points(name, 0).shape == (0, 2)


@pytest.mark.parametrize("name", POINT_SETS)
def test_points_depend_on_the_seed_alone(name):
    first, again, other = (draw_points(name, 64, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("name", "modes"), [("ring", 8), ("grid", 25)])
def test_mixtures_are_balanced_gaussians_around_their_centres(name, modes):
    centres = mode_centres(name)
    assert centres.shape == (modes, 2)
    points = draw_points(name, 1000 * modes)
    offsets = points[:, None] - centres
    mode = np.linalg.norm(offsets, axis=-1).argmin(axis=1)
    visits = np.bincount(mode, minlength=modes)
    assert np.abs(visits - 1000).max() < 5 * np.sqrt(1000)
    offsets = offsets[np.arange(len(points)), mode]
    np.testing.assert_allclose(offsets.std(axis=0), MODE_DEVIATION, rtol=0.03)
    # In two dimensions a share 1 - exp(-k²/2) of a Gaussian lies within k deviations.
    within = np.linalg.norm(offsets, axis=1) < 2 * MODE_DEVIATION
    assert within.mean() == pytest.approx(1 - np.exp(-2), abs=0.02)


def test_ring_has_radius_1_and_grid_reaches_the_corners():
    np.testing.assert_allclose(np.linalg.norm(mode_centres("ring"), axis=1), 1)
    grid = mode_centres("grid")
    assert {tuple(centre) for centre in grid} == {
        (x, y) for x in (-1, -0.5, 0, 0.5, 1) for y in (-1, -0.5, 0, 0.5, 1)
    }


def test_centres_cannot_be_changed_from_outside():
    mode_centres("ring")[:] = 0
    assert np.abs(mode_centres("ring")).max() == 1


def test_cat_is_symmetric_and_has_ears_eyes_and_whiskers():
    points = draw_points("cat", 20_000)
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
    points = draw_points("cat", 200_000, seed=1)
    tolerance = 3 * CAT_NOISE
    bridge = (np.abs(points[:, 0]) < tolerance) & (np.abs(points[:, 1] + 0.34) < 0.01)
    whisker = (np.abs(points[:, 0] - 0.9) < 0.01) & (np.abs(points[:, 1] + 0.358) < tolerance)
    assert bridge.sum() == pytest.approx(whisker.sum(), rel=0.15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: draw_points("dog", 4), "named 'dog'. Choose from: ring, grid, cat"),
        (lambda: draw_points("ring", -1), "count must be at least 0, not -1"),
        (lambda: mode_centres("cat"), "no mixture of points named 'cat'. Choose from: ring, grid"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(TutorialError, match=message):
        call()
