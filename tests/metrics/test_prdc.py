import numpy as np
import pytest

from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics import distances
from tutorial_lib.metrics.prdc import density_coverage, precision_recall

MEASURES = (precision_recall, density_coverage)
each_measure = pytest.mark.parametrize("measure", MEASURES)


def normals(rows, dimensions=8, shift=0.0, seed=0):
    return np.random.default_rng(seed).normal(shift, 1, (rows, dimensions))


def on_a_line(*places):
    return np.array(places, np.float64)[:, None]


def test_precision_and_recall_counted_by_hand():
    # With one neighbour the balls of the reals are [-1, 1], [0, 2] and [9, 15], edges included.
    real, fake = on_a_line(0, 1, 12 - 0), on_a_line(-1, 2.5, 3)
    real = np.vstack([real, on_a_line(15)])
    found = precision_recall(real, fake, neighbours=1)
    # -1 lies on an edge; 2.5 and 3 in no ball.
    assert found.precision == pytest.approx(1 / 3)
    # The balls of the fakes are [-4.5, 2.5], [2, 3] and [2.5, 3.5].
    assert found.recall == pytest.approx(2 / 4)


def test_density_and_coverage_counted_by_hand():
    # With one neighbour, edges excluded, the balls are (-1, 1), (0, 2), (9, 15) and (12, 18).
    real, fake = on_a_line(0, 1, 12, 15), on_a_line(0.5, 0.6, 1, 13, -1)
    found = density_coverage(real, fake, neighbours=1)
    assert found.density == pytest.approx((2 + 2 + 1 + 2 + 0) / 5)
    assert found.coverage == pytest.approx(1)
    assert density_coverage(real, fake[:3], neighbours=1).coverage == pytest.approx(2 / 4)


def test_equal_distributions_are_precise_dense_and_covered():
    real, fake = normals(1500), normals(1500, seed=1)
    near = precision_recall(real, fake)
    assert near.precision > 0.7 and near.precision == pytest.approx(near.recall, abs=0.05)
    shares = density_coverage(real, fake)
    assert shares.density == pytest.approx(1, abs=0.1) and shares.coverage > 0.9


def test_far_away_nothing_is_found():
    real, fake = normals(50), normals(60, shift=100, seed=1)
    assert precision_recall(real, fake) == (0, 0)
    assert density_coverage(real, fake) == (0, 0)


def test_a_dropped_half_costs_recall_and_coverage_alone():
    real = np.vstack([normals(300), normals(300, shift=20, seed=1)])
    fake = normals(600, seed=2)
    near, shares = precision_recall(real, fake), density_coverage(real, fake)
    assert near.precision > 0.7 and near.recall < 0.5
    assert shares.density > 1 and shares.coverage <= 0.5


def test_a_collapsed_generator_is_precise_and_covers_nothing():
    real = normals(400)
    fake = np.tile(real[7], (400, 1))
    near = precision_recall(real, fake)
    assert near.precision == 1 and near.recall == pytest.approx(1 / 400)
    assert density_coverage(real, fake).coverage < 0.05


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_what_is_equal_does_not_depend_on_rounding(scale):
    # Copies of reals, in another order and far from the origin, where products of matrices
    # round differently from row to row.
    rng = np.random.default_rng(0)
    real = scale * (normals(700, 1280) + 1)
    fake = real[rng.permutation(700)]
    assert precision_recall(real, fake) == (1, 1)
    # Each image lies in its own ball, and in those of four images whose fifth it is not yet.
    assert density_coverage(real, fake) == (pytest.approx(1), 1)


def test_reals_in_triplicate_have_no_ball_to_cover():
    real = np.tile(normals(20), (6, 1))
    assert precision_recall(real, real) == (1, 1)
    assert density_coverage(real, real) == (0, 0)


@each_measure
def test_blocks_change_nothing(measure, monkeypatch):
    real, fake = normals(130), normals(70, shift=0.3, seed=1)
    whole = measure(real, fake)
    monkeypatch.setattr(distances, "BLOCK", 17)
    assert measure(real, fake) == whole


def test_distances_are_those_of_the_definition():
    first, second = normals(30), normals(20, shift=50, seed=1)
    found = np.vstack([block for _, block in distances.squared_distances(first, second)])
    expected = np.square(first[:, None] - second[None]).sum(axis=-1)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@each_measure
def test_bad_features_are_refused(measure):
    broken = normals(9)
    broken[2, 1] = np.inf
    with pytest.raises(TutorialError, match="number 2"):
        measure(normals(9), broken)
    with pytest.raises(TutorialError, match="one has 8 .* other 9"):
        measure(normals(9), normals(9, 9))
    with pytest.raises(TutorialError, match=r"at least \d, not \(1, 8\)"):
        measure(normals(9), normals(1))
    with pytest.raises(TutorialError, match="neighbours must be at least 1"):
        measure(normals(9), normals(9), neighbours=0)
