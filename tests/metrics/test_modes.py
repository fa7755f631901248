import numpy as np
import pytest

from tutorial_lib.data.points import MODE_DEVIATION, draw_points, mode_centres
from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.modes import grid_histogram, jensen_shannon, modes_covered

CENTRES = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])


# --- Modes covered


@pytest.mark.parametrize(("name", "modes"), [("ring", 8), ("grid", 25)])
def test_real_points_cover_every_mode(name, modes):
    coverage = modes_covered(draw_points(name, 2500), mode_centres(name), 3 * MODE_DEVIATION)
    assert coverage.covered == modes
    assert coverage.near == pytest.approx(1 - np.exp(-4.5), abs=0.01)  # within three deviations


def test_a_collapsed_generator_covers_one_mode():
    points = np.tile(CENTRES[1], (100, 1))
    assert modes_covered(points, CENTRES, 0.1) == (1, 1.0)


def test_points_far_from_every_mode_cover_none():
    assert modes_covered(np.full((10, 2), 5.0), CENTRES, 0.1) == (0, 0.0)


def test_a_few_stray_points_do_not_cover_a_mode():
    """Of 300 points and 3 modes, a fifth of the fair part is 20."""
    points = np.concatenate([np.tile(CENTRES[0], (281, 1)), np.tile(CENTRES[1], (19, 1))])
    assert modes_covered(points, CENTRES, 0.1).covered == 1
    points[0] = CENTRES[1]
    assert modes_covered(points, CENTRES, 0.1).covered == 2
    assert modes_covered(points, CENTRES, 0.1, share=1.0).covered == 1


def test_a_point_counts_for_the_closest_mode_only():
    """Where the circles around two modes overlap, no point covers both."""
    assert modes_covered(np.array([[0.4, 0.0]]), CENTRES, 10.0, share=1.0) == (1, 1.0)


def test_coverage_agrees_with_counting_one_by_one():
    points = np.random.default_rng(0).normal(0, 1, (200, 2))
    visits, near = [0] * len(CENTRES), 0
    for point in points:
        distances = [np.hypot(*(point - centre)) for centre in CENTRES]
        if min(distances) <= 0.5:
            near += 1
            visits[distances.index(min(distances))] += 1
    expected = sum(count >= 0.5 * 200 / 3 for count in visits)
    assert modes_covered(points, CENTRES, 0.5, share=0.5) == (expected, near / 200)


# --- Histograms


def test_histogram_is_numpys_inside_the_square():
    points = np.random.default_rng(1).uniform(-1, 1, (5000, 2)).astype(np.float32)
    counts = np.histogram2d(*points.T, bins=7, range=[[-1, 1]] * 2)[0]
    np.testing.assert_allclose(grid_histogram(points, 7, 1.0), counts / 5000)


def test_points_outside_count_at_the_border():
    points = [[9.0, 0.1], [-9.0, 9.0], [1.0, -1.0], [1e300, -1e300]]
    histogram = grid_histogram(np.array(points), 2, 1.0)
    np.testing.assert_array_equal(histogram, [[0, 0.25], [0.5, 0.25]])
    assert histogram.dtype == np.float64


# --- Jensen-Shannon divergence


def test_divergence_agrees_with_scipy():
    distance = pytest.importorskip("scipy.spatial.distance", reason="SciPy is not installed")
    generator = np.random.default_rng(2)
    for _ in range(20):
        p, q = generator.dirichlet([0.3] * 12, 2)
        p[generator.integers(12)] = 0  # 0 log 0
        p /= p.sum()
        assert jensen_shannon(p, q) == pytest.approx(distance.jensenshannon(p, q) ** 2, abs=1e-12)


def test_divergence_has_its_known_values():
    p, q = np.array([[0.5, 0.5], [0, 0]]), np.array([[0, 0], [0.25, 0.75]])
    assert jensen_shannon(p, p) == 0
    assert jensen_shannon(p, q) == pytest.approx(np.log(2), abs=1e-15)
    half = np.array([0.5, 0.5])
    whole = np.array([1.0, 0.0])
    # The middle is (¾, ¼), so the two divergences from it are log 4/3 and half of that.
    assert jensen_shannon(whole, half) == pytest.approx(0.75 * np.log(4 / 3), abs=1e-15)
    assert jensen_shannon(half, whole) == jensen_shannon(whole, half)


def test_histograms_of_more_points_come_closer():
    def divergence(count):
        first, second = (grid_histogram(draw_points("ring", count, seed=s)) for s in (0, 1))
        return jensen_shannon(first, second)

    assert 0 < divergence(10_000) < divergence(100) < np.log(2)


# --- Bad input

P = np.array([0.5, 0.5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: modes_covered(np.zeros((3, 3)), CENTRES, 0.1), r"points must have .*\(3, 3\)"),
        (lambda: modes_covered(np.zeros((0, 2)), CENTRES, 0.1), r"points must have .*\(0, 2\)"),
        (lambda: modes_covered(CENTRES, np.zeros(2), 0.1), r"centres must have .*\(2,\)"),
        (lambda: modes_covered(CENTRES, CENTRES, 0), "radius must be a positive number, not 0"),
        (lambda: modes_covered(CENTRES, CENTRES, 0.1, share=2), "share must be above 0 .* not 2"),
        (lambda: grid_histogram([[0, 0], [np.nan, 1]]), r"number 1 is \[nan, 1.0\].*diverged"),
        (lambda: grid_histogram(CENTRES, 0), "bins must be at least 1, not 0"),
        (lambda: grid_histogram(CENTRES, extent=-1), "extent must be a positive number, not -1"),
        (lambda: jensen_shannon(P, np.array([1.0])), r"one shape, not \(2,\) and \(1,\)"),
        (lambda: jensen_shannon(P, 2 * P), "q must hold probabilities .* sums to 2"),
        (lambda: jensen_shannon(np.array([1.5, -0.5]), P), "smallest entry is -0.5"),
        (lambda: jensen_shannon(P, P * np.nan), "q must hold probabilities"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(TutorialError, match=message):
        call()
