import numpy as np
import pytest

from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.neighbours import (
    find_copies,
    memorised_share,
    nearest_training_images,
)


def normals(rows, dimensions=8, seed=0):
    return np.random.default_rng(seed).normal(0, 1, (rows, dimensions))


def test_neighbours_counted_by_hand():
    training = np.array([[0.0], [4.0], [10.0]])
    found = nearest_training_images(np.array([[1.0], [11.0], [4.0]]), training)
    np.testing.assert_array_equal(found.positions, [0, 2, 1])
    np.testing.assert_allclose(found.distances, [1, 1, 0], atol=1e-12)
    np.testing.assert_allclose(found.ratios, [1 / 4, 1 / 6, 0], atol=1e-12)


def test_new_images_are_nearer_as_often_as_points_are_mutual_neighbours():
    training, new = np.random.default_rng(0).uniform(0, 1, (2, 3000, 1))
    share = memorised_share(nearest_training_images(new, training))
    assert share == pytest.approx(2 / 3, abs=0.03)


def test_noisy_copies_are_found_and_counted():
    training, new = normals(500, 1280), normals(60, 1280, seed=1)
    images = new.copy()
    images[[5, 30]] = training[[77, 8]] + 0.1 * new[[5, 30]]
    images[12] = training[400]
    found = nearest_training_images(images, training)
    copies = find_copies(found)
    assert copies[0] == 12 and set(copies) == {5, 12, 30}
    assert (np.diff(found.ratios[copies]) >= 0).all()
    np.testing.assert_array_equal(found.positions[[5, 12, 30]], [77, 400, 8])
    assert found.distances[12] == found.ratios[12] == 0
    assert memorised_share(nearest_training_images(training, training)) == 1


def test_copies_among_the_training_images_count_as_one():
    training, images = normals(200), normals(50, seed=1)
    once = nearest_training_images(images, training)
    twice = nearest_training_images(images, np.vstack([training, training]))
    np.testing.assert_array_equal(twice.positions, once.positions)
    np.testing.assert_allclose(twice.ratios, once.ratios)


def test_bad_features_are_refused():
    broken = normals(5)
    broken[3] = np.nan
    with pytest.raises(TutorialError, match="number 3"):
        nearest_training_images(broken, normals(5))
    with pytest.raises(TutorialError, match="one has 8 .* other 3"):
        nearest_training_images(normals(5), normals(5, 3))
    with pytest.raises(TutorialError, match="all the same"):
        nearest_training_images(normals(5), np.ones((4, 8)))
    with pytest.raises(TutorialError, match=r"\(1, 8\)"):
        nearest_training_images(normals(5), normals(1))
