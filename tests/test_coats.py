import numpy as np
import pytest

from tutorial_lib.data.drawn import COATS, draw_cats
from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics import coats


def striped(count, size=16):
    """Return images of three kinds, in noise: dark left half, dark right half, dark top half."""
    rng = np.random.default_rng(0)
    kinds = np.arange(count) % 3
    images = rng.integers(120, 256, (count, size, size, 3)).astype(np.uint8)
    half = size // 2
    images[kinds == 0, half:] //= 4
    images[kinds == 1, :half] //= 4
    images[kinds == 2, 4:-4, 4:-4] //= 4
    return images, kinds


@pytest.fixture(scope="module")
def learnt():
    images, kinds = striped(192)
    return coats.fit_coat_classifier(images, kinds, epochs=4, seed=1)


@pytest.mark.slow
def test_learns_what_tells_the_kinds_apart(learnt):
    images, kinds = striped(90)
    judged = coats.judge_coats(learnt, images)
    assert (judged.coats == kinds).mean() > 0.95
    assert judged.features.shape == (90, coats.FEATURES)
    assert judged.features.dtype == np.float32 and np.isfinite(judged.features).all()


@pytest.mark.slow
def test_learns_the_same_from_the_same_seed_and_leaves_global_randomness_alone(learnt):
    images, kinds = striped(192)
    before = np.random.get_state()[1].copy()
    again = coats.fit_coat_classifier(images, kinds, epochs=4, seed=1)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    np.testing.assert_allclose(
        *(coats.judge_coats(model, images[:32]).features for model in (learnt, again)),
        rtol=1e-3,
        atol=1e-3,
    )


def test_starts_differently_for_another_seed():
    first, again, other = (coats.build_coat_classifier(16, 3, seed=seed) for seed in (0, 0, 1))
    pairs = [zip(first.weights, model.weights, strict=True) for model in (again, other)]
    same, different = ([np.array_equal(a, b) for a, b in pair] for pair in pairs)
    assert all(same) and not all(different)


@pytest.mark.slow
def test_tells_the_coats_of_drawn_cats():
    seen, held_out = draw_cats(4096, 32, seed=1), draw_cats(512, 32, seed=2)
    classifier = coats.fit_coat_classifier(seen.images, seen.factors["coat"])
    judged = coats.judge_coats(classifier, held_out.images)
    assert (judged.coats == held_out.factors["coat"]).mean() > 0.8
    mirrored = coats.judge_coats(classifier, held_out.images[:, :, ::-1])
    assert (mirrored.coats == held_out.factors["coat"]).mean() > 0.8
    assert coats.coats_covered(*[coats.coat_shares(judged.coats, len(COATS))] * 2) == len(COATS)


def test_shares_count_every_coat():
    np.testing.assert_allclose(coats.coat_shares(np.array([0, 2, 2, 2]), 4), [0.25, 0, 0.75, 0])


@pytest.mark.parametrize("judged", [[], [-1], [3]])
def test_shares_of_impossible_coats_are_refused(judged):
    with pytest.raises(TutorialError, match="from 0 to 2"):
        coats.coat_shares(np.array(judged, int), 3)


def test_a_coat_is_covered_from_a_third_of_its_due_on():
    due = np.array([0.6, 0.3, 0.1])
    assert coats.coats_covered(due, due) == 3
    assert coats.coats_covered(np.array([0.87, 0.1, 0.03]), due) == 2
    assert coats.coats_covered(np.array([1, 0, 0]), due) == 1
    assert coats.coats_covered(np.array([0.4, 0.4, 0.2]), due, part=1) == 2


@pytest.mark.parametrize(("size", "kinds"), [(0, 3), (12, 3), (16, 1)])
def test_impossible_classifiers_are_refused(size, kinds):
    with pytest.raises(TutorialError, match=f"size {size} and {kinds} coats"):
        coats.build_coat_classifier(size, kinds)


def test_unequal_lengths_and_too_few_images_are_refused():
    images, kinds = striped(66)
    with pytest.raises(TutorialError, match="66 images and 65 coats"):
        coats.fit_coat_classifier(images, kinds[:65])
    with pytest.raises(TutorialError, match="at least 64"):
        coats.fit_coat_classifier(images[:10], kinds[:10])
