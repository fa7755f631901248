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


def test_non_saturating_pair_is_the_documents_cross_entropy():
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    generator = cross_entropy(tf.ones_like(FAKE), FAKE)
    discriminator = cross_entropy(tf.ones_like(REAL), REAL) + cross_entropy(
        tf.zeros_like(FAKE), FAKE
    )
    pair = losses.get_loss("non-saturating")
    np.testing.assert_allclose(pair.generator(REAL, FAKE), generator, rtol=1e-6)
    np.testing.assert_allclose(pair.discriminator(REAL, FAKE), discriminator, rtol=1e-6)


def test_values_at_known_logits():
    np.testing.assert_allclose(losses.generator_loss(REAL, FAKE), softplus(-FAKE).mean(), rtol=1e-6)
    expected = softplus(-REAL).mean() + softplus(FAKE).mean()
    np.testing.assert_allclose(losses.discriminator_loss(REAL, FAKE), expected, rtol=1e-6)
    difference = softplus(REAL - FAKE).mean()
    np.testing.assert_allclose(
        losses.relativistic_generator_loss(REAL, FAKE), difference, rtol=1e-6
    )
    difference = softplus(FAKE - REAL).mean()
    np.testing.assert_allclose(
        losses.relativistic_discriminator_loss(REAL, FAKE), difference, rtol=1e-6
    )


def test_gradient_of_the_generator_does_not_vanish():
    fake = tf.constant(FAKE)
    with tf.GradientTape() as tape:
        tape.watch(fake)
        loss = losses.generator_loss(REAL, fake)
    # d softplus(-f) / df = -sigmoid(-f) = sigmoid(f) - 1
    expected = (1 / (1 + np.exp(-FAKE)) - 1) / len(FAKE)
    np.testing.assert_allclose(tape.gradient(loss, fake), expected, rtol=1e-5)


@pytest.mark.parametrize("name", losses.LOSSES)
@pytest.mark.parametrize("extreme", [500.0, -500.0])
def test_extreme_logits_stay_finite_with_finite_gradients(name, extreme):
    real, fake = tf.constant([[extreme]]), tf.constant([[-extreme]])
    for side in losses.get_loss(name):
        with tf.GradientTape() as tape:
            tape.watch([real, fake])
            loss = side(real, fake)
        assert loss.shape == () and loss.dtype == tf.float32
        gradients = tape.gradient(loss, [real, fake], unconnected_gradients="zero")
        assert np.isfinite(loss) and np.isfinite(gradients).all()


@pytest.mark.parametrize("name", losses.LOSSES)
def test_half_precision_logits_give_float32_losses(name):
    real, fake = tf.cast(REAL, tf.bfloat16), tf.cast(FAKE, tf.bfloat16)
    assert all(side(real, fake).dtype == tf.float32 for side in losses.get_loss(name))


def test_gradient_penalty_of_a_linear_critic_is_half_its_squared_slope():
    slope = np.random.default_rng(0).normal(size=(4, 4, 3)).astype(np.float32)
    images = tf.random.stateless_normal((5, 4, 4, 3), [1, 2])
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = tf.reduce_sum(images * slope, axis=(1, 2, 3))
    penalty = losses.gradient_penalty(tape.gradient(logits, images))
    np.testing.assert_allclose(penalty, 0.5 * np.sum(slope**2), rtol=1e-5)


def test_unknown_loss_lists_those_that_exist():
    with pytest.raises(TutorialError, match=r"'hing'.*non-saturating"):
        losses.get_loss("hing")


@pytest.mark.parametrize("name", losses.LOSSES)
def test_unequal_shapes_are_refused(name):
    for side in losses.get_loss(name):
        with pytest.raises(TutorialError, match=r"\(3, 1\) and \(2, 1\)"):
            side(REAL, FAKE[:2])
