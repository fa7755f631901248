import numpy as np
import pytest

from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.kernel import kernel_distance, unbiased_discrepancy


def normals(rows, dimensions=8, shift=0.0, seed=0):
    return np.random.default_rng(seed).normal(shift, 1, (rows, dimensions))


def test_is_the_sum_over_pairs_of_different_images():
    first, second = normals(4, 3), normals(5, 3, seed=1)

    def kernel(x, y):
        return (x @ y / 3 + 1) ** 3

    def within(rows):
        pairs = [kernel(x, y) for i, x in enumerate(rows) for j, y in enumerate(rows) if i != j]
        return np.mean(pairs)

    between = np.mean([kernel(x, y) for x in first for y in second])
    expected = within(first) + within(second) - 2 * between
    np.testing.assert_allclose(unbiased_discrepancy(first, second), expected)


def test_has_no_bias_however_few_the_images():
    pairs = [(normals(10, seed=2 * i), normals(10, seed=2 * i + 1)) for i in range(400)]
    estimates = np.array([unbiased_discrepancy(*pair) for pair in pairs])
    assert abs(estimates.mean()) < 3 * estimates.std() / np.sqrt(len(estimates))
    assert estimates.min() < 0


def test_grows_with_the_shift_and_is_symmetric():
    real = normals(300)
    near, far = (
        unbiased_discrepancy(real, normals(300, shift=shift, seed=1)) for shift in (0.3, 0.6)
    )
    assert 0 < near < far
    assert unbiased_discrepancy(normals(300, shift=0.6, seed=1), real) == pytest.approx(far)


def test_subsets_are_those_of_the_seed_and_scatter_around_the_whole():
    real, fake = normals(400), normals(300, shift=0.5, seed=1)
    options = {"subsets": 30, "subset_size": 100}
    distance = kernel_distance(real, fake, **options)
    assert distance == kernel_distance(real, fake, **options)
    assert distance != kernel_distance(real, fake, **options, seed=1)
    whole = unbiased_discrepancy(real, fake)
    assert abs(distance.mean - whole) < distance.spread < whole


def test_float32_features_are_measured_in_float64():
    real, fake = normals(50, shift=1e3).astype(np.float32), normals(50, seed=1).astype(np.float32)
    exact = unbiased_discrepancy(real.astype(np.float64), fake.astype(np.float64))
    assert unbiased_discrepancy(real, fake) == exact


@pytest.mark.parametrize("options", [{"subsets": 0}, {"subset_size": 1}])
def test_impossible_subsets_are_refused(options):
    with pytest.raises(TutorialError, match="at least one subset"):
        kernel_distance(normals(20), normals(20), **options)


def test_fewer_images_than_a_subset_are_refused():
    with pytest.raises(TutorialError, match="1000 images or more"):
        kernel_distance(normals(20), normals(1000))


def test_bad_features_are_refused():
    broken = normals(5)
    broken[2, 1] = np.nan
    with pytest.raises(TutorialError, match="number 2"):
        unbiased_discrepancy(normals(5), broken)
    with pytest.raises(TutorialError, match="one has 8 .* other 9"):
        unbiased_discrepancy(normals(5), normals(5, 9))
    with pytest.raises(TutorialError, match=r"\(1, 8\)"):
        unbiased_discrepancy(normals(1), normals(5))
