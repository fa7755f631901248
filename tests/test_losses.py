import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tutorial_lib import losses
from tutorial_lib.errors import TutorialError

REAL = np.array([[2.0], [-1.0], [0.5]], np.float32)
FAKE = np.array([[-3.0], [0.0], [1.5]], np.float32)


def softplus(x):
    return np.logaddexp(0, x)


def sigmoid(x):
    return 0.5 * (1 + np.tanh(x / 2))


def zero(r, f):
    return np.zeros_like(r)


# For each loss and side: the mean over pairs of `value(r, f)`, and the derivatives of one term with
# respect to r and to f, all written in NumPy and independently of the library.
FORMULAS = {
    ("minimax", "discriminator"): (
        lambda r, f: softplus(-r) + softplus(f),
        lambda r, f: sigmoid(r) - 1,
        lambda r, f: sigmoid(f),
    ),
    ("minimax", "generator"): (
        lambda r, f: -softplus(f),
        zero,
        lambda r, f: -sigmoid(f),
    ),
    ("non-saturating", "generator"): (
        lambda r, f: softplus(-f),
        zero,
        lambda r, f: sigmoid(f) - 1,
    ),
    ("least-squares", "discriminator"): (
        lambda r, f: ((r - 1) ** 2 + f**2) / 2,
        lambda r, f: r - 1,
        lambda r, f: f,
    ),
    ("least-squares", "generator"): (
        lambda r, f: (f - 1) ** 2 / 2,
        zero,
        lambda r, f: f - 1,
    ),
    ("wasserstein", "discriminator"): (
        lambda r, f: f - r,
        lambda r, f: -np.ones_like(r),
        lambda r, f: np.ones_like(f),
    ),
    ("wasserstein", "generator"): (lambda r, f: -f, zero, lambda r, f: -np.ones_like(f)),
    ("hinge", "discriminator"): (
        lambda r, f: np.maximum(0, 1 - r) + np.maximum(0, 1 + f),
        lambda r, f: -1.0 * (r < 1),
        lambda r, f: 1.0 * (f > -1),
    ),
    ("relativistic", "discriminator"): (
        lambda r, f: softplus(f - r),
        lambda r, f: -sigmoid(f - r),
        lambda r, f: sigmoid(f - r),
    ),
    ("relativistic", "generator"): (
        lambda r, f: softplus(r - f),
        lambda r, f: sigmoid(r - f),
        lambda r, f: -sigmoid(r - f),
    ),
}
FORMULAS["non-saturating", "discriminator"] = FORMULAS["minimax", "discriminator"]
FORMULAS["hinge", "generator"] = FORMULAS["wasserstein", "generator"]
every_side = pytest.mark.parametrize(
    ("name", "side"), [(name, side) for name in losses.LOSSES for side in losses.LossPair._fields]
)


def value_and_gradients(loss, real, fake):
    real, fake = tf.convert_to_tensor(real), tf.convert_to_tensor(fake)
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        value = loss(real, fake)
    return value, tape.gradient(value, [real, fake], unconnected_gradients="zero")


# --- Every loss


@every_side
def test_value_and_gradient_are_the_closed_forms(name, side):
    rng = np.random.default_rng(0)
    real, fake = (3 * rng.standard_normal((64, 1)).astype(np.float32) for _ in range(2))
    value, gradients = value_and_gradients(getattr(losses.get_loss(name), side), real, fake)
    assert (name, side) in FORMULAS, f"write the formula of {name!r} into FORMULAS"
    formula, *derivatives = FORMULAS[name, side]
    np.testing.assert_allclose(value, formula(real, fake).mean(), rtol=1e-5)
    for gradient, derivative in zip(gradients, derivatives, strict=True):
        # The loss is a mean, so each logit has 1/64 of the slope.
        np.testing.assert_allclose(gradient, derivative(real, fake) / 64, rtol=1e-5, atol=1e-8)


@every_side
@pytest.mark.parametrize(("r", "f"), [*itertools.product([-500.0, 500.0], repeat=2)])
def test_extreme_logits_stay_finite_with_finite_gradients(name, side, r, f):
    loss = getattr(losses.get_loss(name), side)
    value, gradients = value_and_gradients(loss, [[r]], [[f]])
    assert np.isfinite(value) and np.isfinite(gradients).all()
    assert (name, side) in FORMULAS, f"write the formula of {name!r} into FORMULAS"
    formula, *derivatives = FORMULAS[name, side]
    real, fake = np.array([[r]]), np.array([[f]])
    np.testing.assert_allclose(value, formula(real, fake).mean(), rtol=1e-6, atol=1e-30)
    for gradient, derivative in zip(gradients, derivatives, strict=True):
        np.testing.assert_allclose(gradient, derivative(real, fake), rtol=1e-6, atol=1e-30)


@every_side
@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.float32])
@pytest.mark.parametrize("shape", [(6,), (6, 1), (2, 3, 1)])
def test_a_loss_is_a_float32_scalar_for_logits_of_any_type_and_shape(name, side, dtype, shape):
    real, fake = (tf.cast(tf.reshape(np.arange(6.0) - c, shape), dtype) for c in (2, 3))
    value, gradients = value_and_gradients(getattr(losses.get_loss(name), side), real, fake)
    assert value.shape == () and value.dtype == tf.float32
    assert all(gradient.dtype == dtype and gradient.shape == shape for gradient in gradients)


def test_half_precision_does_not_round_a_mean_of_many_logits():
    # 0.1 in float16 is 0.09998; a sum of 10,000 of them, kept in float16, would stop at 256.
    real = fake = tf.fill([10_000], tf.constant(0.1, tf.float16))
    np.testing.assert_allclose(losses.wasserstein_generator_loss(real, fake), -0.09998, rtol=1e-4)


def test_unknown_loss_lists_those_that_exist():
    with pytest.raises(TutorialError, match="'hing'") as caught:
        losses.get_loss("hing")
    assert all(name in str(caught.value) for name in losses.LOSSES)


@every_side
@pytest.mark.parametrize("other", [(2, 1), (3,), (3, 3), ()])
def test_unequal_shapes_are_refused(name, side, other):
    # (3, 1) and (3,) would broadcast to nine pairs without a word.
    with pytest.raises(TutorialError, match=r"not \(3, 1\) and \("):
        getattr(losses.get_loss(name), side)(REAL, np.zeros(other, np.float32))


# --- The pairs


def test_non_saturating_pair_is_the_documents_cross_entropy():
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    generator = cross_entropy(tf.ones_like(FAKE), FAKE)
    discriminator = cross_entropy(tf.ones_like(REAL), REAL) + cross_entropy(
        tf.zeros_like(FAKE), FAKE
    )
    pair = losses.get_loss("non-saturating")
    np.testing.assert_allclose(pair.generator(REAL, FAKE), generator, rtol=1e-6)
    np.testing.assert_allclose(pair.discriminator(REAL, FAKE), discriminator, rtol=1e-6)


@pytest.mark.parametrize("name", ["minimax", "wasserstein"])
def test_zero_sum_games_are_zero_sum(name):
    pair = losses.get_loss(name)
    sums = [pair.generator(REAL, fake) + pair.discriminator(REAL, fake) for fake in (FAKE, -FAKE)]
    np.testing.assert_allclose(*sums, rtol=1e-6)  # what depends on the generator cancels


def test_relativistic_sides_mirror_each_other():
    pair = losses.get_loss("relativistic")
    np.testing.assert_allclose(pair.generator(REAL, FAKE), pair.discriminator(FAKE, REAL))


@pytest.mark.parametrize(
    ("name", "answers"),
    {
        "minimax": [0],
        "non-saturating": [0],
        "least-squares": [0.5],
        "wasserstein": [-3, 0, 7],
        "hinge": [-0.9, 0, 0.9],
        "relativistic": [-3, 0, 7],
    }.items(),
)
def test_discriminator_rests_where_both_distributions_are_equal(name, answers):
    # With p = q every place is visited as often by real as by generated samples, so the same
    # logit stands on both sides; the answers listed are those that theory says are optimal.
    loss = losses.get_loss(name).discriminator
    for answer in answers:
        logits = tf.fill([8, 1], float(answer))
        _, (real, fake) = value_and_gradients(loss, logits, logits)
        np.testing.assert_allclose(real + fake, 0, atol=1e-8)
    if len(answers) == 1:  # and no other constant is
        logits = tf.fill([8, 1], float(answers[0]) + 0.3)
        _, (real, fake) = value_and_gradients(loss, logits, logits)
        assert (np.abs(real + fake) > 0.01).all()


@pytest.mark.parametrize(
    ("name", "optimum"),
    {
        "minimax": lambda p, q: np.log(p / q),
        "non-saturating": lambda p, q: np.log(p / q),
        "least-squares": lambda p, q: p / (p + q),
        "hinge": lambda p, q: np.sign(p - q),
        "relativistic": lambda p, q: np.log(p / q),
    }.items(),
)
def test_no_discriminator_does_better_than_the_optimum_of_theory(name, optimum):
    # Three places; p and q are visited by 10 samples each, in all 100 pairings.
    visits_p, visits_q = np.array([6, 3, 1]), np.array([1, 2, 7])
    pairs = list(
        itertools.product(np.repeat(np.arange(3), visits_p), np.repeat(np.arange(3), visits_q))
    )
    at_real, at_fake = np.array(pairs).T

    def loss(logits):
        logits = logits.astype(np.float32)
        return float(losses.get_loss(name).discriminator(logits[at_real], logits[at_fake]))

    best = optimum(visits_p / 10, visits_q / 10)
    rng = np.random.default_rng(0)
    for scale in (0.01, 0.1, 1):
        for _ in range(20):
            assert loss(best + scale * rng.standard_normal(3)) >= loss(best) - 1e-6


# --- Penalties


def slopes_of(critic, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = critic(x)
    return tape.gradient(logits, x)


SHAPES = [(16, 2), (5, 4, 4, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_penalties_of_a_linear_critic_follow_from_its_slope(shape):
    slope = np.random.default_rng(0).normal(size=shape[1:]).astype(np.float32)
    x = tf.random.stateless_normal(shape, [1, 2])
    axes = tuple(range(1, len(shape)))
    slopes = slopes_of(lambda x: tf.reduce_sum(x * slope, axis=axes), x)
    steepness = np.sqrt(np.sum(slope**2))
    np.testing.assert_allclose(losses.gradient_penalty(slopes), steepness**2 / 2, rtol=1e-5)
    np.testing.assert_allclose(losses.wasserstein_penalty(slopes), (steepness - 1) ** 2, rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_penalties_of_a_quadratic_critic_are_means_over_the_batch(shape):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((shape[0], int(np.prod(shape[1:])))).astype(np.float32)
    matrix = rng.standard_normal((x.shape[1], x.shape[1])).astype(np.float32)
    matrix = matrix + matrix.T  # ½ xᵀAx has the gradient Ax
    steepness = np.linalg.norm(x @ matrix, axis=1)

    def critic(x):
        flat = tf.reshape(x, (len(x), -1))
        return tf.reduce_sum(flat * (flat @ matrix), axis=1) / 2

    slopes = slopes_of(critic, tf.reshape(x, shape))
    assert slopes.shape == shape
    np.testing.assert_allclose(
        losses.gradient_penalty(slopes), (steepness**2).mean() / 2, rtol=1e-4
    )
    np.testing.assert_allclose(
        losses.wasserstein_penalty(slopes), ((steepness - 1) ** 2).mean(), rtol=1e-4
    )


def test_a_flat_critic_has_a_finite_penalty_with_a_finite_gradient():
    weight = tf.Variable(tf.zeros((2, 1)))
    x = tf.random.stateless_normal((8, 2), [0, 0])
    with tf.GradientTape() as tape:
        penalty = losses.wasserstein_penalty(slopes_of(lambda x: x @ weight, x))
    np.testing.assert_allclose(penalty, 1, rtol=1e-5)
    assert np.isfinite(tape.gradient(penalty, weight)).all()


def test_penalties_of_half_precision_slopes_are_float32():
    slopes = tf.fill((2, 300), tf.constant(30.0, tf.float16))  # the squares sum to 270,000
    for penalty, expected in (
        (losses.gradient_penalty, 135_000),
        (losses.wasserstein_penalty, (np.sqrt(270_000) - 1) ** 2),
    ):
        value = penalty(slopes)  # beyond the 65,504 of float16
        assert value.dtype == tf.float32
        np.testing.assert_allclose(value, expected, rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_interpolation_runs_from_fake_to_real_with_one_place_for_each_pair(shape):
    real, fake = (tf.random.stateless_normal(shape, [0, seed]) for seed in (1, 2))
    zeros, ones = np.zeros(shape[0], np.float32), np.ones(shape[0], np.float32)
    np.testing.assert_allclose(losses.interpolate(real, fake, zeros), fake)
    np.testing.assert_allclose(losses.interpolate(real, fake, ones), real)
    epsilon = np.linspace(0, 1, shape[0], dtype=np.float32)
    between = losses.interpolate(tf.ones(shape), tf.zeros(shape), epsilon)
    np.testing.assert_allclose(
        tf.reshape(between, (shape[0], -1)).numpy().T, [epsilon] * (int(np.prod(shape[1:])))
    )
