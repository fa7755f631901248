import keras
import numpy as np
import pytest

from tutorial_lib.errors import TutorialError
from tutorial_lib.models.factor_classifier import FEATURES, build_factor_classifier


def test_starts_differently_for_another_seed():
    first, again, other = (
        build_factor_classifier(16, {"coat": 3}, seed=seed) for seed in (0, 0, 1)
    )
    pairs = [zip(first.weights, model.weights, strict=True) for model in (again, other)]
    same, different = ([np.array_equal(a, b) for a, b in pair] for pair in pairs)
    assert all(same) and not all(different)


def test_a_second_factor_leaves_the_start_of_the_first_alone():
    # The stored comparison of chapter 6 knows of one factor only.
    one = build_factor_classifier(16, {"coat": 3})
    two = build_factor_classifier(16, {"coat": 3, "eyes": 2})
    for a, b in zip(one.get_weights(), two.get_weights(), strict=False):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("size", "kinds"), [(0, {"a": 3}), (12, {"a": 3}), (16, {"a": 1}), (16, {})]
)
def test_impossible_classifiers_are_refused(size, kinds):
    with pytest.raises(TutorialError, match=f"size {size} and"):
        build_factor_classifier(size, kinds)


def test_the_classifier_takes_pixels_and_is_a_plain_model():
    classifier = build_factor_classifier(16, {"a": 3, "b": 2})
    assert isinstance(classifier, keras.Model)
    shapes = [tuple(output.shape) for output in classifier(np.zeros((2, 16, 16, 3), np.uint8))]
    assert shapes == [(2, FEATURES), (2, 3), (2, 2)]
