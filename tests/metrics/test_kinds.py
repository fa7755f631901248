import numpy as np
import pytest

from tutorial_lib.data.drawn_factors import KINDS, draw_factors, visible_kinds
from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.kinds import joint_coverage, joint_kinds, kind_shares, kinds_covered


def test_shares_count_every_kind():
    np.testing.assert_allclose(kind_shares(np.array([0, 2, 2, 2]), 4), [0.25, 0, 0.75, 0])


@pytest.mark.parametrize("judged", [[], [-1], [3]])
def test_shares_of_impossible_kinds_are_refused(judged):
    with pytest.raises(TutorialError, match="from 0 to 2"):
        kind_shares(np.array(judged, int), 3)


def test_a_kind_is_covered_from_a_third_of_its_due_on():
    due = np.array([0.6, 0.3, 0.1, 0])
    assert kinds_covered(due, due) == 3
    assert kinds_covered(np.array([0.87, 0.1, 0.03, 0]), due) == 2
    assert kinds_covered(np.array([1, 0, 0, 0]), due) == 1
    assert kinds_covered(np.array([0.4, 0.4, 0.1, 0.1]), due, part=1) == 2


def test_joint_kinds_number_the_combinations():
    values = {"a": np.array([0, 1, 1]), "b": np.array([2, 0, 2]), "c": np.array([0, 0, 9])}
    np.testing.assert_array_equal(joint_kinds(values, {"a": 2, "b": 3}), [2, 3, 5])
    with pytest.raises(TutorialError, match="no factor z; known are a, b, c"):
        joint_kinds(values, {"a": 2, "z": 3})
    with pytest.raises(TutorialError, match="from 0 to 1"):
        joint_kinds(values, {"b": 2})


def test_joint_coverage_counts_the_combinations_that_the_data_has():
    kinds = {name: KINDS[name] for name in ("coat", "eyes")}
    due = visible_kinds(draw_factors(100_000, seed=5))
    # Colour-point cats have blue eyes or closed ones; only cats with white fur have odd ones.
    existing = joint_coverage(due, due, kinds).existing
    assert 60 <= existing < 80
    real = visible_kinds(draw_factors(4000, seed=6))
    covered = joint_coverage(real, due, kinds)
    assert 0.95 * existing < covered.covered <= covered.existing == existing
    blind = {name: values[real["eyes"] != 0] for name, values in real.items()}
    assert joint_coverage(blind, due, kinds).covered <= covered.covered - 9
    assert joint_coverage(real, due, {"coat": KINDS["coat"]}) == (10, 10)
