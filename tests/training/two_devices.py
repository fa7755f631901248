"""Training on two logical CPUs, which TensorFlow must know of before it computes anything.

So `test_devices.py` runs this file, in a process of its own.
"""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from helpers.runs import copy_variables, make_images, make_trainer

from tutorial_lib.algorithms.base import step_values
from tutorial_lib.algorithms.gan import reseed
from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.algorithms.networks import get_networks
from tutorial_lib.algorithms.vae import VAERecipe
from tutorial_lib.errors import TutorialError
from tutorial_lib.training.devices import Devices, build_on, make_strategy
from tutorial_lib.training.log import read_log
from tutorial_lib.training.trainer import Trainer

CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(CPU, [tf.config.LogicalDeviceConfiguration()] * 2)
tf.config.experimental.enable_op_determinism()

TINY = {"size": 8, "latent_size": 4, "width": 4, "batch_size": 8, "ema_halflife_kimg": 0.02}
VAE = VAERecipe(**TINY)
# All that draws numbers or takes means: batch norm, pairs of logits, three penalties.
GAN = GANRecipe(
    **TINY, loss="relativistic", r1_gamma=1.0, r2_gamma=1.0, slope_weight=1.0, penalty_interval=2
)
GAN_16 = dataclasses.replace(GAN, r1_gamma=0.0, r2_gamma=0.0, slope_weight=0.0)
# Groups of images, transforms of each image, and a learning rate that falls.
MODERN = GANRecipe(
    **TINY,
    networks="resnet",
    generator_blocks=1,
    discriminator_blocks=1,
    augment="colour, translation, cutout",
    decay_kimg=0.05,
)


@pytest.fixture(scope="module")
def two_devices():
    strategy = make_strategy("mirrored")
    assert strategy.num_replicas_in_sync == 2
    return strategy


def losses(trainer):
    records = read_log(trainer.directory / "log.jsonl")
    return [[value for name, value in r.items() if name.endswith("loss")] for r in records]


@pytest.mark.parametrize(
    ("recipe", "precision", "tolerance"),
    [
        pytest.param(GAN, "float32", 1e-5, id="gan"),
        pytest.param(MODERN, "float32", 1e-5, id="modern gan"),
        pytest.param(VAE, "float32", 1e-5, id="vae"),
        pytest.param(GAN_16, "mixed_float16", 1e-2, id="gan in float16"),
    ],
)
def test_two_devices_compute_what_one_does(tmp_path, two_devices, recipe, precision, tolerance):
    one = make_trainer(tmp_path / "one", recipe, precision=precision)
    two = make_trainer(tmp_path / "two", recipe, strategy=two_devices, precision=precision)
    for trainer in (one, two):
        trainer.fit(kimg=0.032)
    np.testing.assert_allclose(losses(two), losses(one), rtol=tolerance)
    for a, b in zip(copy_variables(one), copy_variables(two), strict=True):
        np.testing.assert_allclose(b, a, atol=tolerance * np.abs(a).max(initial=0.0))
    latents = one.algorithm.draw_latents(5)
    np.testing.assert_allclose(
        two.algorithm.sample(latents), one.algorithm.sample(latents), atol=tolerance
    )


def test_a_run_goes_on_in_the_same_bits_and_on_other_devices(tmp_path, two_devices):
    whole = make_trainer(tmp_path / "whole", VAE, strategy=two_devices)
    whole.fit(kimg=0.032)
    make_trainer(tmp_path / "parts", VAE, strategy=two_devices).fit(kimg=0.016)
    resumed = make_trainer(tmp_path / "parts", VAE, strategy=two_devices)
    resumed.fit(kimg=0.032, resume="must")
    for a, b in zip(copy_variables(whole), copy_variables(resumed), strict=True):
        np.testing.assert_array_equal(b, a)
    on_one = make_trainer(tmp_path / "parts", VAE)
    for trainer in (whole, on_one):
        trainer.fit(kimg=0.048, resume="must")
    np.testing.assert_allclose(losses(on_one)[-1], losses(whole)[-1], rtol=1e-4)


def test_an_overflow_on_one_replica_skips_the_step_on_both(two_devices):
    gan = build_on(two_devices, GAN_16, precision="mixed_float16")
    weights = [gan.generator.trainable_variables[0], gan.discriminator.trainable_variables[0]]
    before = [weight.numpy() for weight in weights]
    halves = [tf.zeros((4, 8, 8, 3)), tf.fill((4, 8, 8, 3), float("inf"))]
    batch = two_devices.experimental_distribute_values_from_function(
        lambda context: halves[context.replica_id_in_sync_group]
    )
    scale = gan.discriminator_optimizer.dynamic_scale.numpy()
    Devices(two_devices).compile(gan.train_step)(batch, *step_values(gan, 0))
    assert gan.discriminator_optimizer.dynamic_scale.numpy() == scale / 2
    for weight, old in zip(weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), old)


def test_dropout_differs_between_replicas_and_repeats(two_devices):
    recipe = dataclasses.replace(GAN, networks="document")
    with two_devices.scope():
        discriminator = get_networks("document").discriminator(recipe)

    @tf.function
    def logits(seed):
        reseed(discriminator, seed)
        return discriminator(tf.ones((4, 8, 8, 3)), training=True)

    def run(seed):
        per_replica = two_devices.run(logits, args=(tf.constant(seed, tf.int64),))
        return [np.asarray(value) for value in two_devices.experimental_local_results(per_replica)]

    first, second, other = run([1, 2]), run([1, 2]), run([1, 3])
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[1], other[1])


def test_devices_that_cannot_share_a_batch_are_refused(tmp_path, two_devices):
    trainer = make_trainer(
        tmp_path / "run", dataclasses.replace(VAE, batch_size=7), strategy=two_devices
    )
    with pytest.raises(TutorialError, match="2 devices cannot share a batch of 7"):
        trainer.fit(kimg=1)
    assert not (tmp_path / "run").exists()


def test_each_device_takes_whole_groups_of_the_images_that_are_compared(two_devices):
    with pytest.raises(TutorialError, match="4 images at a time on each of 2.*multiple of 8"):
        build_on(two_devices, dataclasses.replace(MODERN, batch_size=12))


def test_an_algorithm_for_other_devices_is_refused(tmp_path, two_devices):
    one_device = make_strategy("none")
    for built, given in ((one_device, two_devices), (two_devices, None)):
        algorithm = build_on(built, VAE)
        with pytest.raises(TutorialError, match="built for another strategy"):
            Trainer(algorithm, make_images(), tmp_path, strategy=given)
