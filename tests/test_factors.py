import keras
import numpy as np
import pytest

from tutorial_lib.data.drawn import KINDS, draw_cats, draw_factors, visible_kinds
from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics import factors


def striped(count, size=16):
    """Return noise with a dark half or middle (three shapes), and blue or red (two tints)."""
    rng = np.random.default_rng(0)
    shapes, tints = np.arange(count) % 3, np.arange(count) // 3 % 2
    images = rng.integers(120, 256, (count, size, size, 3)).astype(np.uint8)
    half = size // 2
    images[shapes == 0, half:] //= 4
    images[shapes == 1, :half] //= 4
    images[shapes == 2, 4:-4, 4:-4] //= 4
    images[tints == 0, ..., 0] //= 2
    images[tints == 1, ..., 2] //= 2
    return images, {"shape": shapes, "tint": tints}


@pytest.fixture(scope="module")
def learnt():
    return factors.fit_factor_classifier(*striped(192), epochs=4, seed=1)


@pytest.mark.slow
def test_learns_each_factor(learnt):
    images, truth = striped(90)
    judged = factors.judge_factors(learnt, images)
    assert list(judged.factors) == ["shape", "tint"]
    for name, values in truth.items():
        assert (judged.factors[name] == values).mean() > 0.95
    assert judged.features.shape == (90, factors.FEATURES)
    assert judged.features.dtype == np.float32 and np.isfinite(judged.features).all()


@pytest.mark.slow
def test_learns_the_same_from_the_same_seed_and_leaves_global_randomness_alone(learnt):
    before = np.random.get_state()[1].copy()
    again = factors.fit_factor_classifier(*striped(192), epochs=4, seed=1)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    images, _ = striped(32)
    np.testing.assert_allclose(
        *(factors.judge_factors(model, images).features for model in (learnt, again)),
        rtol=1e-3,
        atol=1e-3,
    )


def test_starts_differently_for_another_seed():
    first, again, other = (
        factors.build_factor_classifier(16, {"coat": 3}, seed=seed) for seed in (0, 0, 1)
    )
    pairs = [zip(first.weights, model.weights, strict=True) for model in (again, other)]
    same, different = ([np.array_equal(a, b) for a, b in pair] for pair in pairs)
    assert all(same) and not all(different)


def test_a_second_factor_leaves_the_start_of_the_first_alone():
    # The stored comparison of chapter 6 knows of one factor only.
    one = factors.build_factor_classifier(16, {"coat": 3})
    two = factors.build_factor_classifier(16, {"coat": 3, "eyes": 2})
    for a, b in zip(one.get_weights(), two.get_weights(), strict=False):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_tells_the_factors_of_drawn_cats():
    seen, held_out = draw_cats(4096, 32, seed=1), draw_cats(512, 32, seed=2)
    classifier = factors.fit_factor_classifier(seen.images, visible_kinds(seen.factors))
    truth = visible_kinds(held_out.factors)
    for images in (held_out.images, held_out.images[:, :, ::-1]):
        judged = factors.judge_factors(classifier, images).factors
        right = {name: (judged[name] == truth[name]).mean() for name in KINDS}
        assert min(right["coat"], right["background"]) > 0.8 and right["eyes"] > 0.4, right
    coats = factors.kind_shares(judged["coat"], KINDS["coat"])
    assert factors.kinds_covered(coats, coats) == KINDS["coat"]


def test_shares_count_every_kind():
    np.testing.assert_allclose(factors.kind_shares(np.array([0, 2, 2, 2]), 4), [0.25, 0, 0.75, 0])


@pytest.mark.parametrize("judged", [[], [-1], [3]])
def test_shares_of_impossible_kinds_are_refused(judged):
    with pytest.raises(TutorialError, match="from 0 to 2"):
        factors.kind_shares(np.array(judged, int), 3)


def test_a_kind_is_covered_from_a_third_of_its_due_on():
    due = np.array([0.6, 0.3, 0.1, 0])
    assert factors.kinds_covered(due, due) == 3
    assert factors.kinds_covered(np.array([0.87, 0.1, 0.03, 0]), due) == 2
    assert factors.kinds_covered(np.array([1, 0, 0, 0]), due) == 1
    assert factors.kinds_covered(np.array([0.4, 0.4, 0.1, 0.1]), due, part=1) == 2


def test_joint_kinds_number_the_combinations():
    values = {"a": np.array([0, 1, 1]), "b": np.array([2, 0, 2]), "c": np.array([0, 0, 9])}
    np.testing.assert_array_equal(factors.joint_kinds(values, {"a": 2, "b": 3}), [2, 3, 5])
    with pytest.raises(TutorialError, match="no factor z; known are a, b, c"):
        factors.joint_kinds(values, {"a": 2, "z": 3})
    with pytest.raises(TutorialError, match="from 0 to 1"):
        factors.joint_kinds(values, {"b": 2})


def test_joint_coverage_counts_the_combinations_that_the_data_has():
    kinds = {name: KINDS[name] for name in ("coat", "eyes")}
    due = visible_kinds(draw_factors(100_000, seed=5))
    # Colour-point cats have blue eyes or closed ones; only cats with white fur have odd ones.
    existing = factors.joint_coverage(due, due, kinds).existing
    assert 60 <= existing < 80
    real = visible_kinds(draw_factors(4000, seed=6))
    covered = factors.joint_coverage(real, due, kinds)
    assert 0.95 * existing < covered.covered <= covered.existing == existing
    blind = {name: values[real["eyes"] != 0] for name, values in real.items()}
    assert factors.joint_coverage(blind, due, kinds).covered <= covered.covered - 9
    assert factors.joint_coverage(real, due, {"coat": KINDS["coat"]}) == (10, 10)


@pytest.mark.parametrize(
    ("size", "kinds"), [(0, {"a": 3}), (12, {"a": 3}), (16, {"a": 1}), (16, {})]
)
def test_impossible_classifiers_are_refused(size, kinds):
    with pytest.raises(TutorialError, match=f"size {size} and"):
        factors.build_factor_classifier(size, kinds)


def test_unequal_lengths_and_too_few_images_are_refused():
    images, truth = striped(66)
    with pytest.raises(TutorialError, match="66 images and {'shape': 65, 'tint': 66}"):
        factors.fit_factor_classifier(images, truth | {"shape": truth["shape"][:65]})
    with pytest.raises(TutorialError, match="at least 64"):
        factors.fit_factor_classifier(images[:10], {"shape": truth["shape"][:10]})


def test_the_classifier_takes_pixels_and_is_a_plain_model():
    classifier = factors.build_factor_classifier(16, {"a": 3, "b": 2})
    assert isinstance(classifier, keras.Model)
    shapes = [tuple(output.shape) for output in classifier(np.zeros((2, 16, 16, 3), np.uint8))]
    assert shapes == [(2, factors.FEATURES), (2, 3), (2, 2)]
