import numpy as np
import pytest

from tutorial_lib.data.drawn import draw_cats
from tutorial_lib.data.drawn_factors import KINDS, visible_kinds
from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.kinds import kind_shares, kinds_covered
from tutorial_lib.models.factor_classifier import FEATURES
from tutorial_lib.training.factors import fit_factor_classifier, judge_factors


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
    return fit_factor_classifier(*striped(192), epochs=4, seed=1)


@pytest.mark.slow
def test_learns_each_factor(learnt):
    images, truth = striped(90)
    judged = judge_factors(learnt, images)
    assert list(judged.factors) == ["shape", "tint"]
    for name, values in truth.items():
        assert (judged.factors[name] == values).mean() > 0.95
    assert judged.features.shape == (90, FEATURES)
    assert judged.features.dtype == np.float32 and np.isfinite(judged.features).all()


@pytest.mark.slow
def test_learns_the_same_from_the_same_seed_and_leaves_global_randomness_alone(learnt):
    before = np.random.get_state()[1].copy()
    again = fit_factor_classifier(*striped(192), epochs=4, seed=1)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    images, _ = striped(32)
    np.testing.assert_allclose(
        *(judge_factors(model, images).features for model in (learnt, again)),
        rtol=1e-3,
        atol=1e-3,
    )


@pytest.mark.slow
def test_tells_the_factors_of_drawn_cats():
    seen, held_out = draw_cats(4096, 32, seed=1), draw_cats(512, 32, seed=2)
    classifier = fit_factor_classifier(seen.images, visible_kinds(seen.factors))
    truth = visible_kinds(held_out.factors)
    for images in (held_out.images, held_out.images[:, :, ::-1]):
        judged = judge_factors(classifier, images).factors
        right = {name: (judged[name] == truth[name]).mean() for name in KINDS}
        assert min(right["coat"], right["background"]) > 0.8 and right["eyes"] > 0.4, right
    coats = kind_shares(judged["coat"], KINDS["coat"])
    assert kinds_covered(coats, coats) == KINDS["coat"]


def test_unequal_lengths_and_too_few_images_are_refused():
    images, truth = striped(66)
    with pytest.raises(TutorialError, match="66 images and {'shape': 65, 'tint': 66}"):
        fit_factor_classifier(images, truth | {"shape": truth["shape"][:65]})
    with pytest.raises(TutorialError, match="at least 64"):
        fit_factor_classifier(images[:10], {"shape": truth["shape"][:10]})
