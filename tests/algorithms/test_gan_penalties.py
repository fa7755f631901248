"""The gradient penalties in the training step of a GAN."""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf
from helpers.runs import TINY_GAN

from tutorial_lib import losses
from tutorial_lib.algorithms import gan as gan_module
from tutorial_lib.algorithms.gan import GAN
from tutorial_lib.algorithms.gan_recipes import GANRecipe

pytestmark = pytest.mark.usefixtures("deterministic")


def test_gradient_penalty_is_lazy_but_as_strong_on_average():
    gan = GAN(dataclasses.replace(TINY_GAN, r1_gamma=2.0, penalty_interval=4), precision="float32")
    weights = [gan.schedule(step * 8)["penalty_strength"] for step in range(8)]
    assert weights == [4.0, 0, 0, 0, 4.0, 0, 0, 0]


@pytest.mark.slow
def test_gradient_penalty_flattens_the_discriminator():
    batch = tf.random.stateless_uniform((8, 8, 8, 3), [1, 2], -1, 1)
    slopes = {}
    for gamma in (0.0, 100.0):
        recipe = dataclasses.replace(
            TINY_GAN, r1_gamma=gamma, penalty_interval=1, learning_rate=2e-3
        )
        gan = GAN(recipe, precision="float32")
        step = tf.function(gan.train_step)
        for number in range(60):
            values = {name: tf.constant(value) for name, value in gan.schedule(number * 8).items()}
            step(batch, tf.constant([0, number], tf.int64), values)
        with tf.GradientTape() as tape:
            tape.watch(batch)
            logits = gan.discriminator(batch)
        slopes[gamma] = float(tf.norm(tape.gradient(logits, batch)))
    assert slopes[100.0] < 0.5 * slopes[0.0]


def toy_gan(**fields):
    fields = {"r1_gamma": 0.0, "penalty_interval": 1} | fields
    recipe = GANRecipe(networks="toy", latent_size=2, width=4, batch_size=4, **fields)
    return GAN(recipe, precision="float32")


def take_step(gan, real):
    values = {name: tf.constant(value) for name, value in gan.schedule(0).items()}
    return gan.train_step(tf.constant(real), tf.constant([0, 0], tf.int64), values)


def test_the_training_step_interpolates_uniformly(monkeypatch):
    drawn = []

    def spy(real, fake, epsilon):
        drawn.append(np.array(epsilon))
        return losses.interpolate(real, fake, epsilon)

    monkeypatch.setattr(gan_module, "interpolate", spy)
    take_step(toy_gan(slope_weight=1.0), np.zeros((2000, 2), np.float32))
    (epsilon,) = drawn
    assert epsilon.shape == (2000,)
    # The largest gap between the two distribution functions (Kolmogorov): 1.95 / √N at 0.1 %.
    gaps = np.sort(epsilon) - np.arange(0.5, 2000) / 2000
    assert np.abs(gaps).max() < 1.95 / np.sqrt(2000)


@pytest.mark.slow
def test_each_penalty_changes_what_the_discriminator_learns_and_not_the_generator():
    real = np.random.default_rng(0).standard_normal((16, 2)).astype(np.float32)
    penalties = ({}, {"r1_gamma": 10.0}, {"r2_gamma": 10.0}, {"slope_weight": 10.0})
    gans = [toy_gan(**fields) for fields in penalties]
    for gan in gans:
        take_step(gan, real)
    learnt = [gan.discriminator.trainable_variables[0].numpy() for gan in gans]
    for first, second in itertools.combinations(learnt, 2):
        assert not np.array_equal(first, second)
    for gan in gans[1:]:
        for first, second in zip(gans[0].generator.weights, gan.generator.weights, strict=True):
            np.testing.assert_array_equal(first, second)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("name", ["wasserstein", "relativistic"])
def test_all_penalties_train_in_half_precision_in_a_graph(name, precision):
    recipe = GANRecipe(
        size=8,
        width=4,
        latent_size=4,
        batch_size=8,
        loss=name,
        r1_gamma=1.0,
        r2_gamma=1.0,
        slope_weight=10.0,
        penalty_interval=2,
    )
    gan, reference = (GAN(recipe, precision=kind) for kind in (precision, "float32"))
    before = [weight.numpy() for weight in gan.discriminator.weights]
    real = tf.random.stateless_uniform((8, 8, 8, 3), [0, 1], -1, 1)
    fake = -real
    arguments = real, fake, tf.constant([0, 0], tf.int64), tf.constant(2.0)
    np.testing.assert_allclose(gan._penalty(*arguments), reference._penalty(*arguments), rtol=0.05)
    step = tf.function(gan.train_step)
    for nimg in range(0, 8 * 6, 8):
        values = {key: tf.constant(value) for key, value in gan.schedule(nimg).items()}
        metrics = step(real, tf.constant([0, nimg], tf.int64), values)
        assert all(value.dtype == tf.float32 and np.isfinite(value) for value in metrics.values())
    after = gan.discriminator.weights
    assert all(np.isfinite(weight).all() for weight in after)
    # float16 may skip its first steps, until the loss is scaled right.
    moved = [not np.array_equal(old, new) for old, new in zip(before, after, strict=True)]
    assert all(moved[:-1])  # the last bias cancels in f - r, all that these two losses look at
