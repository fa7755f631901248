import numpy as np
import pytest
from scipy import linalg

from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.frechet import Gaussian, fit_gaussian, frechet_distance


def random_gaussian(rng, dimensions):
    root = rng.standard_normal((dimensions, dimensions))
    return Gaussian(rng.standard_normal(dimensions), root @ root.T)


def test_mean_and_covariance_are_numpys():
    features = np.random.default_rng(0).normal(3, 2, (50, 4)).astype(np.float32)
    fitted = fit_gaussian(features)
    assert fitted.mean.dtype == fitted.covariance.dtype == np.float64
    np.testing.assert_allclose(fitted.mean, features.mean(axis=0, dtype=np.float64))
    np.testing.assert_allclose(fitted.covariance, np.cov(features.T.astype(np.float64)))


def test_a_large_offset_costs_no_digits():
    features = np.random.default_rng(0).standard_normal((1000, 3))
    near, far = fit_gaussian(features), fit_gaussian(features + 1e6)
    np.testing.assert_allclose(near.covariance, far.covariance, atol=1e-8)


def test_diagonal_gaussians_have_a_closed_form():
    rng = np.random.default_rng(1)
    means, deviations = rng.standard_normal((2, 6)), rng.uniform(0.1, 3, (2, 6))
    first, second = (
        Gaussian(mean, np.diag(deviation**2))
        for mean, deviation in zip(means, deviations, strict=True)
    )
    expected = np.sum((means[0] - means[1]) ** 2) + np.sum((deviations[0] - deviations[1]) ** 2)
    np.testing.assert_allclose(frechet_distance(first, second), expected)


@pytest.mark.parametrize("dimensions", [1, 2, 5, 64])
def test_agrees_with_scipys_matrix_root(dimensions):
    rng = np.random.default_rng(dimensions)
    first, second = random_gaussian(rng, dimensions), random_gaussian(rng, dimensions)
    root = linalg.sqrtm(first.covariance @ second.covariance)
    expected = np.sum((first.mean - second.mean) ** 2) + np.trace(
        first.covariance + second.covariance - 2 * root.real
    )
    np.testing.assert_allclose(frechet_distance(first, second), expected, rtol=1e-8)


def test_is_symmetric_and_ignores_rotations():
    rng = np.random.default_rng(2)
    first, second = random_gaussian(rng, 5), random_gaussian(rng, 5)
    distance = frechet_distance(first, second)
    np.testing.assert_allclose(frechet_distance(second, first), distance)
    turn = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    turned = (Gaussian(turn @ g.mean, turn @ g.covariance @ turn.T) for g in (first, second))
    np.testing.assert_allclose(frechet_distance(*turned), distance)


@pytest.mark.parametrize("rows", [3, 10, 500])
def test_a_set_has_no_distance_from_itself_even_with_fewer_rows_than_features(rows):
    fitted = fit_gaussian(np.random.default_rng(3).standard_normal((rows, 20)))
    assert 0 <= frechet_distance(fitted, fitted) < 1e-6


def test_fewer_rows_than_features_agree_with_the_singular_closed_form():
    # Two lines at right angles: (AB)^½ = 0, so the traces and the shift remain.
    first, second = np.zeros((2, 8)), np.ones((2, 8))
    first[:, 0], second[:, 1] = (-1, 1), (-2, 4)
    fitted = fit_gaussian(first), fit_gaussian(second)
    traces = 2 + 18
    np.testing.assert_allclose(frechet_distance(*fitted), 8 + traces)


def test_a_collapsed_generator_is_far_even_at_the_right_mean():
    features = np.random.default_rng(4).standard_normal((4000, 8))
    real, collapsed = fit_gaussian(features), fit_gaussian(np.tile(features.mean(axis=0), (50, 1)))
    np.testing.assert_allclose(frechet_distance(real, collapsed), np.trace(real.covariance))


def test_bias_falls_with_the_number_of_rows():
    rng = np.random.default_rng(5)
    floors = [
        frechet_distance(*(fit_gaussian(rng.standard_normal((rows, 32))) for _ in range(2)))
        for rows in (64, 256, 1024)
    ]
    assert floors[0] > 2 * floors[1] > 4 * floors[2] > 0


@pytest.mark.parametrize("shape", [(1, 3), (0, 3), (5,), (5, 2, 2), (5, 0)])
def test_other_shapes_and_too_few_rows_are_refused(shape):
    with pytest.raises(TutorialError, match=r"\(N, D\)"):
        fit_gaussian(np.zeros(shape))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(value):
    features = np.zeros((5, 2))
    features[3, 1] = value
    with pytest.raises(TutorialError, match="number 3"):
        fit_gaussian(features)


def test_unequal_dimensions_are_refused():
    first, second = (fit_gaussian(np.eye(size)) for size in (3, 4))
    with pytest.raises(TutorialError, match=r"one has 3 .* other 4"):
        frechet_distance(first, second)
