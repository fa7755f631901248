import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.runs import TINY_DOCUMENT, TINY_GAN, make_trainer

from tutorial_lib.algorithms.base import step_values
from tutorial_lib.algorithms.gan import GAN, reseed
from tutorial_lib.errors import TutorialError
from tutorial_lib.hardware.precision import POLICIES

pytestmark = pytest.mark.usefixtures("deterministic")


# --- one step ------------------------------------------------------------------------------------


def test_a_step_lowers_the_discriminators_loss_on_the_same_batch():
    gan = GAN(dataclasses.replace(TINY_GAN, learning_rate=1e-3), precision="float32")
    batch = tf.random.stateless_uniform((8, 8, 8, 3), [1, 2], -1, 1)
    values = {name: tf.constant(value) for name, value in gan.schedule(8).items()}
    seed = tf.constant([0, 0], tf.int64)
    losses = [float(gan.train_step(batch, seed, values)["discriminator_loss"]) for _ in range(5)]
    assert losses[-1] < losses[0]


def test_both_networks_are_updated_from_one_forward_pass():
    """The update equals gradients worked out by hand at the weights before the step."""
    recipe = dataclasses.replace(TINY_GAN, networks="document", size=4, r1_gamma=0.0)
    gan, twin = (GAN(recipe, precision="float32") for _ in range(2))
    batch = tf.random.stateless_uniform((4, 4, 4, 3), [1, 2], -1, 1)
    seed = tf.constant([5, 6], tf.int64)
    values = {name: tf.constant(value) for name, value in gan.schedule(4).items()}
    gan.train_step(batch, seed, values)

    latent_seed, dropout_seed = tf.unstack(tf.random.split(seed, 2))
    reseed(twin.discriminator, dropout_seed)
    latents = tf.random.stateless_normal((4, 4), latent_seed)
    with tf.GradientTape(persistent=True) as tape:
        fake_images = twin.generator(latents, training=True)
        real, fake = (twin.discriminator(x, training=True) for x in (batch, fake_images))
        generator_loss = tf.reduce_mean(tf.nn.softplus(-fake))
        discriminator_loss = tf.reduce_mean(tf.nn.softplus(-real) + tf.nn.softplus(fake))
    for model, optimizer, loss in (
        (twin.generator, twin.generator_optimizer, generator_loss),
        (twin.discriminator, twin.discriminator_optimizer, discriminator_loss),
    ):
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    for model, expected in (
        (gan.generator, twin.generator),
        (gan.discriminator, twin.discriminator),
    ):
        for a, b in zip(model.trainable_variables, expected.trainable_variables, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-6)


def test_average_follows_the_generator_with_the_beta_of_the_schedule():
    gan = GAN(TINY_GAN, precision="float32")
    before = [weight.numpy() for weight in gan.average.weights]
    batch = tf.random.stateless_uniform((8, 8, 8, 3), [1, 2], -1, 1)
    seed, values = step_values(gan, 0)
    gan.train_step(batch, seed, values | {"ema_beta": tf.constant(0.75)})
    for old, current, average in zip(
        before, gan.generator.weights, gan.average.weights, strict=True
    ):
        np.testing.assert_allclose(average.numpy(), 0.75 * old + 0.25 * current.numpy(), atol=1e-6)


def test_a_step_takes_its_learning_rate_from_the_schedule():
    recipe = dataclasses.replace(TINY_GAN, learning_rate=2e-3, decay_kimg=1.0)
    gan = GAN(recipe, precision="float32")
    before = gan.discriminator.get_weights()
    seed, values = step_values(gan, 1000)  # at the end of the schedule the rate is 0
    gan.train_step(tf.convert_to_tensor(np.zeros((8, 8, 8, 3), "float32")), seed, values)
    for old, new in zip(before, gan.discriminator.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    seed, values = step_values(gan, 0)
    gan.train_step(tf.convert_to_tensor(np.zeros((8, 8, 8, 3), "float32")), seed, values)
    assert any((a != b).any() for a, b in zip(before, gan.discriminator.get_weights(), strict=True))


def test_real_and_generated_images_are_seen_through_the_same_transforms(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "tutorial_lib.algorithms.gan.augment",
        lambda images, policy, numbers: seen.append((policy, numbers.numpy().tolist())) or images,
    )
    gan = GAN(dataclasses.replace(TINY_GAN, augment="colour, cutout"), precision="float32")
    gan.train_step(tf.zeros((8, 8, 8, 3)), *step_values(gan, 8))
    assert len(seen) == 2 and seen[0] == seen[1] and seen[0][0] == "colour, cutout"


@pytest.mark.slow
@pytest.mark.parametrize("precision", POLICIES)
def test_trains_in_every_precision(tmp_path, precision):
    recipe = dataclasses.replace(TINY_GAN, r1_gamma=1.0)
    trainer = make_trainer(tmp_path, recipe, precision=precision)
    trainer.fit(kimg=0.032)
    assert trainer.state.is_finite()
    assert all(variable.dtype == "float32" for variable in trainer.algorithm.generator.weights)


# --- what cannot be built ------------------------------------------------------------------------


def test_unknown_names_list_those_that_exist():
    with pytest.raises(TutorialError, match="'resnext'.*document, dcgan"):
        GAN(dataclasses.replace(TINY_GAN, networks="resnext"))
    with pytest.raises(TutorialError, match="'hing'.*non-saturating"):
        GAN(dataclasses.replace(TINY_GAN, loss="hing"))


def test_a_batch_holds_whole_groups_of_the_images_that_are_compared():
    with pytest.raises(TutorialError, match="compares 4 images.*multiple of 4, not 6"):
        GAN(dataclasses.replace(TINY_GAN, networks="resnet", batch_size=6))


def test_training_refuses_another_backend(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(TutorialError, match="KERAS_BACKEND=tensorflow"):
        GAN(TINY_GAN)


# --- dropout -------------------------------------------------------------------------------------


def test_reseeding_reaches_nested_layers():
    inner = keras.Sequential([keras.Input((50,)), keras.layers.Dropout(0.5)])
    model = keras.Sequential([keras.Input((50,)), inner])
    outputs = []
    for _ in range(2):
        reseed(model, tf.constant([1, 2], tf.int64))
        outputs.append(model(tf.ones((1, 50)), training=True).numpy())
    np.testing.assert_array_equal(outputs[0], outputs[1])


def test_reseeding_repeats_the_dropout():
    gan = GAN(TINY_DOCUMENT, precision="float32")
    images = tf.random.stateless_uniform((4, 4, 4, 3), [1, 2], -1, 1)
    outputs = []
    for seed in ([1, 2], [1, 2], [1, 3]):
        reseed(gan.discriminator, tf.constant(seed, tf.int64))
        outputs.append(gan.discriminator(images, training=True).numpy())
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert not np.array_equal(outputs[0], outputs[2])
