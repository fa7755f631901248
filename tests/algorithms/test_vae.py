import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from helpers.commands import run_command
from helpers.runs import TINY_VAE, assert_same_bits, make_trainer
from PIL import Image

from tutorial_lib import pretrained
from tutorial_lib.algorithms.registry import recipe_from_dict
from tutorial_lib.algorithms.vae import VAE
from tutorial_lib.errors import TutorialError
from tutorial_lib.hardware.precision import POLICIES
from tutorial_lib.models.latents import draw_latents
from tutorial_lib.training.log import read_log

pytestmark = pytest.mark.usefixtures("deterministic")


def test_heads_and_pixels_are_float32_in_half_precision():
    algorithm = VAE(TINY_VAE, precision="mixed_bfloat16")
    encoder = algorithm.autoencoder.get_layer("encoder")
    images = np.zeros((2, 8, 8, 3), "float32")
    mean, log_variance = encoder(images)
    assert encoder.layers[1].compute_dtype == "bfloat16"
    assert mean.dtype == log_variance.dtype == tf.float32
    assert algorithm.autoencoder(images).dtype == tf.float32
    assert algorithm.average.get_layer("decoder").layers[0].compute_dtype == "float32"


def test_a_size_that_no_network_has_is_refused():
    with pytest.raises(TutorialError, match="power of two of at least 8, not 48"):
        VAE(dataclasses.replace(TINY_VAE, size=48))


# --- one step ------------------------------------------------------------------------------------


def step_arguments(algorithm, nimg=10_000):
    batch = tf.random.stateless_uniform((8, 8, 8, 3), [1, 2], -1, 1)
    values = {name: tf.constant(value) for name, value in algorithm.schedule(nimg).items()}
    return batch, tf.constant([3, 4], tf.int64), values


def test_a_step_lowers_the_loss_on_the_same_batch():
    algorithm = VAE(dataclasses.replace(TINY_VAE, learning_rate=1e-3), precision="float32")
    arguments = step_arguments(algorithm)
    losses = [algorithm.train_step(*arguments) for _ in range(5)]
    totals = [float(step["reconstruction_loss"] + step["kl_loss"]) for step in losses]
    assert all(later < earlier for earlier, later in itertools.pairwise(totals))


@pytest.mark.parametrize("weight", [0.0, 0.3])
def test_a_step_follows_the_gradient_of_the_weighted_loss(weight):
    """The update equals one by the gradients of the formulas, worked out by hand."""
    algorithm, twin = (VAE(TINY_VAE, precision="float32") for _ in range(2))
    batch, seed, values = step_arguments(algorithm)
    metrics = algorithm.train_step(batch, seed, values | {"kl_weight": tf.constant(weight)})
    noise = tf.random.stateless_normal((8, 4), seed)
    with tf.GradientTape() as tape:
        mean, log_variance = twin.autoencoder.get_layer("encoder")(batch)
        latents = mean + tf.exp(log_variance / 2) * noise
        squares = tf.square(batch - twin.autoencoder.get_layer("decoder")(latents))
        constant = 8 * 8 * 3 * np.log(TINY_VAE.sigma * np.sqrt(2 * np.pi))
        reconstruction = tf.reduce_sum(squares) / 8 / (2 * TINY_VAE.sigma**2) + constant
        kl = 0.5 * tf.reduce_sum(mean**2 + tf.exp(log_variance) - 1 - log_variance) / 8
        loss = reconstruction + weight * kl
    np.testing.assert_allclose(metrics["reconstruction_loss"], reconstruction, rtol=1e-5)
    np.testing.assert_allclose(metrics["kl_loss"], kl, rtol=1e-5)
    weights = twin.autoencoder.trainable_variables
    twin.optimizer.apply(tape.gradient(loss, weights), weights)
    for a, b in zip(algorithm.autoencoder.trainable_variables, weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=2e-5)


def test_average_follows_the_autoencoder_with_the_beta_of_the_schedule():
    algorithm = VAE(TINY_VAE, precision="float32")
    before = [weight.numpy() for weight in algorithm.average.weights]
    batch, seed, values = step_arguments(algorithm)
    algorithm.train_step(batch, seed, values | {"ema_beta": tf.constant(0.75)})
    weights = zip(before, algorithm.autoencoder.weights, algorithm.average.weights, strict=True)
    for old, current, average in weights:
        np.testing.assert_allclose(average.numpy(), 0.75 * old + 0.25 * current.numpy(), atol=1e-6)


def test_kl_weight_rises_to_beta_over_the_warmup():
    algorithm = VAE(dataclasses.replace(TINY_VAE, beta=4.0, warmup_kimg=2.0), precision="float32")
    weights = [algorithm.schedule(nimg)["kl_weight"] for nimg in (0, 500, 2000, 9000)]
    assert weights == [0.0, 1.0, 4.0, 4.0]
    at_once = VAE(dataclasses.replace(TINY_VAE, beta=4.0, warmup_kimg=0.0), precision="float32")
    assert at_once.schedule(0)["kl_weight"] == 4.0


# --- runs ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory, deterministic):
    """A run of 96 images that nothing interrupted, and its trainer."""
    directory = tmp_path_factory.mktemp("finished") / "run"
    trainer = make_trainer(directory, TINY_VAE)
    trainer.fit(kimg=0.096)
    return trainer


@pytest.mark.slow
def test_run_directory_holds_log_sheets_and_card(finished):
    records = read_log(finished.directory / "log.jsonl")
    assert [record["nimg"] for record in records] == [16, 32, 48, 64, 80, 96]
    clock = {"nimg", "seconds", "images_per_second"}
    assert set(records[0]) == clock | {"reconstruction_loss", "kl_loss"}
    sheets = sorted(path.name for path in (finished.directory / "samples").iterdir())
    assert sheets[0] == "0000000000.png" and sheets[-1] == "0000000096.png"
    card = pretrained.load_card(finished.directory)
    assert card["algorithm"].lower() == "vae" and card["nimg"] == 96
    assert recipe_from_dict(card["recipe"], card["algorithm"]) == TINY_VAE


@pytest.mark.slow
def test_resumed_run_ends_in_the_same_bits(tmp_path, finished):
    make_trainer(tmp_path, TINY_VAE).fit(kimg=0.032)
    resumed = make_trainer(tmp_path, TINY_VAE)
    resumed.fit(kimg=0.096, resume="must")
    assert_same_bits(finished, resumed)
    losses = [
        [(r["reconstruction_loss"], r["kl_loss"]) for r in read_log(folder / "log.jsonl")]
        for folder in (finished.directory, tmp_path)
    ]
    assert losses[0] == losses[1]


def test_another_beta_is_refused_on_resume(finished):
    changed = dataclasses.replace(TINY_VAE, beta=2.0)
    with pytest.raises(TutorialError, match="beta"):
        make_trainer(finished.directory, changed).fit(kimg=0.2)


@pytest.mark.parametrize("precision", [name for name in POLICIES if name != "float32"])
@pytest.mark.slow
def test_trains_in_half_precision(tmp_path, precision):
    trainer = make_trainer(tmp_path, TINY_VAE, precision=precision)
    trainer.fit(kimg=0.032)
    assert trainer.state.is_finite()
    assert all(weight.dtype == "float32" for weight in trainer.algorithm.autoencoder.weights)


def test_trained_network_and_its_decoder_come_back(finished):
    network = pretrained.load_network(finished.directory)
    assert {"encoder", "decoder"} <= {layer.name for layer in network.layers}
    for loaded, trained in zip(
        network.get_weights(), finished.algorithm.average.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(loaded, trained)
    decoder = pretrained.load_generator(finished.directory)
    latents = draw_latents(3, TINY_VAE.latent_size)
    np.testing.assert_allclose(
        decoder(latents), finished.algorithm.sample(latents), rtol=1e-5, atol=1e-6
    )


@pytest.mark.slow
def test_commands_train_and_sample(tmp_path):
    recipe, out = tmp_path / "tiny.json", tmp_path / "run"
    fields = {"algorithm": "vae", "size": 16, "latent_size": 3, "width": 4, "batch_size": 8}
    recipe.write_text(json.dumps(fields))
    printed = run_command("train", recipe, "--data", "drawn", "--kimg", 0.04, "--out", out)
    assert "Done: 40 images" in printed and "kl_loss" in printed
    run_command("sample", out, "--out", tmp_path / "sheet.png", "--count", 4)
    assert Image.open(tmp_path / "sheet.png").size == (34, 34)
    run_command("sample", out, "--out", tmp_path / "cats", "--count", 2)
    assert len(list(Path(tmp_path / "cats").iterdir())) == 2
