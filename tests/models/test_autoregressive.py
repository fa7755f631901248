import itertools

import keras
import numpy as np
import pytest

from tutorial_lib.errors import TutorialError
from tutorial_lib.models import autoregressive, bayes_net
from tutorial_lib.models.autoregressive import build_autoregressive


def scrambled(size, levels, width=8, blocks=2, low=-0.5):
    """Build a network whose every weight is random, biases and positions too."""
    model = build_autoregressive(size, levels, width, blocks)
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(low, 0.5, w.shape) for w in model.get_weights()])
    return model


def all_images(size, levels):
    flat = np.array(list(itertools.product(range(levels), repeat=size * size)))
    return flat.reshape(-1, size, size)


@pytest.fixture(scope="module")
def tiny():
    return scrambled(2, 3)


def influence(model, size, levels):
    """Return bool (before, after): does changing pixel `before` change the logits at `after`?"""
    pixels = size * size
    images = np.random.default_rng(1).integers(0, levels, (1, pixels)).repeat(pixels + 1, axis=0)
    images[np.arange(pixels), np.arange(pixels)] += 1  # the last image stays as it was
    images = (images % levels).reshape(-1, size, size)
    logits = model.predict(images, batch_size=len(images), verbose=0).reshape(len(images), -1)
    # Equal sums may differ in their last bits, since their order depends on the place in the batch.
    moved = np.abs(logits[:-1] - logits[-1]) > 1e-5 * np.abs(logits).max()
    return moved.reshape(pixels, pixels, levels).any(axis=-1)


def test_logits_depend_on_earlier_pixels_only():
    moved = influence(scrambled(7, 4), 7, 4)
    assert not np.tril(moved).any()  # neither on itself nor on a later pixel
    assert np.triu(moved).any(axis=0)[1:].all()


def test_every_earlier_pixel_within_reach_counts():
    """There is no blind spot: all that was read is seen, `blocks` + 1 pixels far."""
    size, blocks = 7, 2
    # With positive weights no ReLU is ever silent, so whatever can reach a pixel does.
    moved = influence(scrambled(size, 3, blocks=blocks, low=0.1), size, 3)
    rows, columns = np.divmod(np.arange(size * size), size)
    far = np.maximum(np.abs(rows[:, None] - rows), np.abs(columns[:, None] - columns))
    wanted = np.triu(far <= blocks + 1, 1)
    np.testing.assert_array_equal(moved, wanted)


def test_gradient_agrees_that_masks_look_back_only():
    tf = pytest.importorskip("tensorflow")
    for mask, reach in ((autoregressive.ABOVE_A, [0]), (autoregressive.LEFT_B, [1])):
        layer = autoregressive.MaskedConv2D(2, mask, "ones")
        x = tf.Variable(np.ones((1, 3, 3, 1), "float32"))
        with tf.GradientTape() as tape:
            middle = layer(x)[0, 1, 1, 0]
        rows = np.flatnonzero(tape.gradient(middle, x).numpy()[0, :, :, 0].any(axis=1))
        assert rows.tolist() == reach


def test_probabilities_of_all_images_sum_to_one(tiny):
    each = autoregressive.log_probabilities(tiny, all_images(2, 3))
    assert each.shape == (81, 2, 2)
    assert np.exp(each.sum(axis=(1, 2))).sum() == pytest.approx(1, abs=1e-5)


def test_log_probabilities_are_minus_the_training_loss(tiny):
    images = all_images(2, 3)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    wanted = float(loss(images, tiny.predict(images, verbose=0)))
    found = -autoregressive.log_probabilities(tiny, images).mean()
    assert found == pytest.approx(wanted, rel=1e-5)


def test_samples_follow_the_distribution(tiny):
    images = all_images(2, 3)
    exact = np.exp(autoregressive.log_probabilities(tiny, images).sum(axis=(1, 2)))
    drawn = autoregressive.sample(tiny, 20_000, seed=3).reshape(-1, 4)
    found = np.bincount(drawn @ [27, 9, 3, 1], minlength=81) / 20_000
    spread = np.sqrt(exact * (1 - exact) / 20_000)
    assert (np.abs(found - exact) <= 5 * spread + 1e-4).all()


def test_completions_follow_the_conditional_distribution(tiny):
    images = all_images(2, 3)
    joint = np.exp(autoregressive.log_probabilities(tiny, images).sum(axis=(1, 2)))
    start = np.array([[2, 0], [1, 1]])
    fits = (images[:, 0] == start[0]).all(axis=1)
    exact = joint[fits] / joint[fits].sum()
    drawn = autoregressive.complete(tiny, np.tile(start, (20_000, 1, 1)), 2, seed=3)
    assert (drawn[:, 0] == start[0]).all()
    found = np.bincount(drawn[:, 1] @ [3, 1], minlength=9) / 20_000
    spread = np.sqrt(exact * (1 - exact) / 20_000)
    assert (np.abs(found - exact) <= 5 * spread + 1e-4).all()


def test_hidden_pixels_are_not_looked_at(tiny):
    start = np.tile([[2, 0], [1, 1]], (50, 1, 1))
    other = np.tile([[2, 0], [0, 2]], (50, 1, 1))
    drawn = [autoregressive.complete(tiny, values, 2) for values in (start, other)]
    np.testing.assert_array_equal(*drawn)
    np.testing.assert_array_equal(start[0], [[2, 0], [1, 1]])  # the input is left alone
    np.testing.assert_array_equal(autoregressive.complete(tiny, start, 4), start)


def test_the_same_seed_draws_the_same_images(tiny):
    drawn = [autoregressive.sample(tiny, 100, seed=seed) for seed in (5, 5, 6)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()
    assert drawn[0].shape == (100, 2, 2)


def test_weights_depend_on_the_seed_alone():
    first, again, other = (build_autoregressive(4, 2, 4, 1, seed=s) for s in (1, 1, 2))
    pairs = zip(first.get_weights(), again.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


@pytest.mark.slow
def test_training_finds_what_independent_pixels_cannot():
    """Learn pictures of one grey each: only the first pixel is worth any bits."""
    values = np.random.default_rng(0).integers(0, 4, (256, 1, 1)).repeat(3, 1).repeat(3, 2)
    model = build_autoregressive(3, 4, 16, 1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss)
    model.fit(values, values, batch_size=32, epochs=8, shuffle=False, verbose=0)
    each = autoregressive.log_probabilities(model, values)
    bits = bayes_net.bits_per_pixel(each.sum(axis=(1, 2)), 9).mean()
    assert 2 / 9 - 0.01 < bits < 2 / 9 + 0.1
    independent = bayes_net.learn_independent(values.reshape(256, 9), 4)
    found = independent.log_likelihood(values.reshape(256, 9))
    assert bayes_net.bits_per_pixel(found, 9).mean() > 1.9


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_pixels_may_be_any_integers(tiny, dtype):
    found = autoregressive.log_probabilities(tiny, np.ones((1, 2, 2), dtype))
    wanted = autoregressive.log_probabilities(tiny, np.ones((1, 2, 2), np.int32))
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"size": 0}, "size must be at least 1, not 0"),
        ({"levels": 1}, "levels must be at least 2, not 1"),
        ({"width": 0}, "width"),
        ({"blocks": -1}, "-1"),
    ],
)
def test_impossible_networks_are_refused_by_name(arguments, named):
    with pytest.raises(TutorialError, match=named):
        build_autoregressive(**arguments)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda m: autoregressive.sample(m, 0), "count must be at least 1, not 0"),
        (lambda m: autoregressive.complete(m, np.zeros((1, 2, 2), int), 5), "0 to 4, not 5"),
        (lambda m: autoregressive.complete(m, np.zeros((1, 2, 3), int), 1), r"\(N, 2, 2\)"),
        (lambda m: autoregressive.log_probabilities(m, np.zeros((0, 2, 2), int)), r"\(0, 2, 2\)"),
        (lambda m: autoregressive.log_probabilities(m, np.full((1, 2, 2), 3)), "0 to 2, not 3"),
        (lambda m: autoregressive.log_probabilities(m, np.zeros((1, 2, 2))), "integers"),
    ],
)
def test_bad_images_are_named(tiny, call, named):
    with pytest.raises(TutorialError, match=named):
        call(tiny)
