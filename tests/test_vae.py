import dataclasses
import itertools
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image
from scipy import stats

from tutorial_lib import pretrained
from tutorial_lib.algorithms import elbo
from tutorial_lib.algorithms.registry import RECIPES, build_algorithm, load_recipe, recipe_from_dict
from tutorial_lib.algorithms.vae import VAE, VAERecipe
from tutorial_lib.cli import main
from tutorial_lib.errors import TutorialError
from tutorial_lib.hardware.precision import POLICIES
from tutorial_lib.models import autoencoder
from tutorial_lib.models.latents import draw_latents
from tutorial_lib.training.callbacks import Checkpoints, Log, SampleGrid, StopOnNonFinite
from tutorial_lib.training.log import read_log
from tutorial_lib.training.trainer import Trainer

TINY = VAERecipe(size=8, latent_size=4, width=4, batch_size=8, warmup_kimg=0.02)
SIGMA = 0.5
PIXELS = (2, 2, 3)


@pytest.fixture(autouse=True, scope="module")
def deterministic():
    """Compute sums in a fixed order; TensorFlow has no way back, which does no harm here."""
    tf.config.experimental.enable_op_determinism()


def make_images(count=20, size=8, seed=0):
    shape = (count, size, size, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def make_trainer(directory, recipe=TINY, *, precision="float32"):
    callbacks = [StopOnNonFinite(), Log(), SampleGrid(4), Checkpoints(every_seconds=0)]
    algorithm = build_algorithm(recipe, precision=precision)
    images = make_images(size=recipe.size)
    return Trainer(algorithm, images, directory, tick_kimg=0.016, callbacks=callbacks)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of 96 images that nothing interrupted, and its trainer."""
    directory = tmp_path_factory.mktemp("finished") / "run"
    trainer = make_trainer(directory)
    trainer.fit(kimg=0.096)
    return trainer


# --- networks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [8, 32, 128])
def test_encoder_and_decoder_fit_each_other(size):
    encoder = autoencoder.build_encoder(size, latent_size=7, width=4)
    decoder = autoencoder.build_decoder(size, latent_size=7, width=4)
    images = np.random.default_rng(0).uniform(-1, 1, (3, size, size, 3)).astype("float32")
    mean, log_variance = encoder(images)
    assert mean.shape == log_variance.shape == (3, 7)
    reconstructions = decoder(mean)
    assert reconstructions.shape == images.shape
    assert np.abs(reconstructions).max() <= 1


def test_autoencoder_decodes_the_mean():
    autoencoder = autoencoder.build_autoencoder(16, 3, 4)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype("float32")
    mean, _ = autoencoder.get_layer("encoder")(images)
    expected = autoencoder.get_layer("decoder")(mean)
    np.testing.assert_array_equal(autoencoder(images), expected)


def test_published_size_has_about_three_million_weights():
    recipe = RECIPES["vae"]
    network = autoencoder.build_autoencoder(recipe.size, recipe.latent_size, recipe.width)
    assert 2.9e6 < network.count_params() < 3.1e6


@pytest.mark.parametrize(
    "build",
    [autoencoder.build_encoder, autoencoder.build_decoder, autoencoder.build_autoencoder],
    ids=lambda b: b.__name__,
)
def test_weights_depend_on_the_seed_alone(build):
    first, again, other = (build(16, 3, 4, seed=seed).get_weights() for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_layers_start_with_different_weights():
    weights = autoencoder.build_autoencoder(32, 3, 4).get_weights()
    starts = [float(weight.flat[0]) for weight in weights if weight.ndim > 1]
    assert len(set(starts)) == len(starts) == 9


@pytest.mark.parametrize(
    "build", [autoencoder.build_encoder, autoencoder.build_decoder, autoencoder.build_autoencoder]
)
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"latent_size": 0}, "latent_size must be at least 1, not 0."),
        ({"latent_size": -3}, "latent_size must be at least 1, not -3."),
        ({"width": 0}, "width must be at least 1, not 0."),
        ({"size": 48}, "size must be a power of two of at least 8, not 48."),
        ({"size": 4}, "size must be a power of two of at least 8, not 4."),
        ({"size": 0}, "size must be a power of two of at least 8, not 0."),
    ],
)
def test_impossible_networks_are_refused_by_name(build, arguments, sentence):
    with pytest.raises(TutorialError) as caught:
        build(**arguments)
    assert str(caught.value) == sentence


def test_heads_and_pixels_are_float32_in_half_precision():
    algorithm = VAE(TINY, precision="mixed_bfloat16")
    encoder = algorithm.autoencoder.get_layer("encoder")
    images = np.zeros((2, 8, 8, 3), "float32")
    mean, log_variance = encoder(images)
    assert encoder.layers[1].compute_dtype == "bfloat16"
    assert mean.dtype == log_variance.dtype == tf.float32
    assert algorithm.autoencoder(images).dtype == tf.float32
    assert algorithm.average.get_layer("decoder").layers[0].compute_dtype == "float32"


# --- densities and divergences -------------------------------------------------------------------


def normal_parameters(count=5, size=3, seed=0):
    rng = np.random.default_rng(seed)
    mean = rng.normal(0, 2, (count, size)).astype("float32")
    log_variance = rng.normal(0, 1.5, (count, size)).astype("float32")
    return mean, log_variance


def test_gaussian_log_density_is_that_of_scipy():
    mean, log_variance = normal_parameters()
    values = np.random.default_rng(1).normal(0, 2, mean.shape).astype("float32")
    expected = stats.norm.logpdf(values, mean, np.exp(log_variance / 2)).sum(axis=1)
    density = elbo.gaussian_log_density(values, mean, log_variance)
    np.testing.assert_allclose(density, expected, rtol=1e-5)


def test_gaussian_log_density_sums_over_pixels_and_channels():
    values, mean = np.random.default_rng(0).uniform(-1, 1, (2, 4, 8, 8, 3)).astype("float32")
    density = elbo.gaussian_log_density(values, mean, 2 * np.log(0.3))
    assert density.shape == (4,) and density.dtype == tf.float32
    expected = stats.norm.logpdf(values, mean, 0.3).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(density, expected, rtol=1e-5)


def test_density_and_divergence_are_float32_whatever_comes_in():
    half = tf.ones((2, 3), tf.bfloat16)
    assert elbo.gaussian_log_density(half, half, half).dtype == tf.float32
    assert elbo.kl_divergence(half, half).dtype == tf.float32


def test_kl_is_zero_at_the_prior_and_positive_elsewhere():
    zeros = np.zeros((1, 6), "float32")
    np.testing.assert_array_equal(elbo.kl_divergence(zeros, zeros), [0])
    grid = np.array(list(itertools.product(np.linspace(-3, 3, 13), np.linspace(-8, 8, 17))))
    mean, log_variance = grid.astype("float32").T[..., None]
    divergence = elbo.kl_divergence(mean, log_variance).numpy()
    assert (divergence >= 0).all()
    assert np.flatnonzero(divergence < 1e-6).tolist() == [len(grid) // 2]


def test_kl_closed_form_agrees_with_monte_carlo():
    mean, log_variance = normal_parameters(count=4)
    noise = np.random.default_rng(2).standard_normal((200_000, *mean.shape))
    deviation = np.exp(log_variance / 2)
    latents = mean + deviation * noise
    ratios = stats.norm.logpdf(latents, mean, deviation) - stats.norm.logpdf(latents)
    samples = ratios.sum(axis=2)
    error = samples.std(axis=0) / np.sqrt(len(samples))
    np.testing.assert_array_less(
        np.abs(elbo.kl_divergence(mean, log_variance) - samples.mean(axis=0)), 5 * error
    )


def test_reparameterized_samples_have_the_mean_and_the_variance():
    mean, log_variance = normal_parameters(count=1)
    noise = np.random.default_rng(3).standard_normal((200_000, 3)).astype("float32")
    latents = elbo.reparameterize(mean, log_variance, noise).numpy()
    np.testing.assert_array_equal(elbo.reparameterize(mean, log_variance, 0 * noise[:1]), mean)
    for z, m, s in zip(latents.T, mean[0], np.exp(log_variance[0] / 2), strict=True):
        assert stats.kstest(z, "norm", (m, s)).pvalue > 1e-3


# --- the bound, where everything is known: linear networks ---------------------------------------


class Linear:
    """A linear decoder, whose p(x) and p(z|x) are normal and known (Tipping & Bishop 1999).

    The columns of the loading are orthogonal, so that the posterior's covariance is diagonal, as
    q(z|x) is. The encoder gives that posterior, or one that is off by `shift` and `stretch`.
    """

    def __init__(self, shift=0.0, stretch=0.0):
        rng = np.random.default_rng(0)
        size = int(np.prod(PIXELS))
        basis, _ = np.linalg.qr(rng.normal(size=(size, 2)))
        self.loading = basis * [2.0, 0.7]
        self.bias = rng.normal(size=size)
        self.variance = 1 / (1 + (self.loading**2).sum(axis=0) / SIGMA**2)
        covariance = self.loading @ self.loading.T + SIGMA**2 * np.eye(size)
        self.data = stats.multivariate_normal(self.bias, covariance)
        self.images = self.data.rvs(6, random_state=1).reshape(-1, *PIXELS).astype("float32")
        self.encoder, self.decoder = self._encoder(shift, stretch), self._decoder()

    def posterior_mean(self):
        centred = self.images.reshape(len(self.images), -1) - self.bias
        return centred @ self.loading / SIGMA**2 * self.variance

    def _encoder(self, shift, stretch):
        images = keras.Input(PIXELS)
        flat = keras.layers.Flatten()(images)
        heads = [keras.layers.Dense(2, name=name)(flat) for name in ("mean", "log_variance")]
        encoder = keras.Model(images, heads)
        kernel = self.loading * self.variance / SIGMA**2
        encoder.get_layer("mean").set_weights([kernel, shift - self.bias @ kernel])
        log_variance = np.log(self.variance) + stretch
        encoder.get_layer("log_variance").set_weights([np.zeros_like(kernel), log_variance])
        return encoder

    def _decoder(self):
        dense = keras.layers.Dense(self.bias.size)
        decoder = keras.Sequential([keras.Input((2,)), dense, keras.layers.Reshape(PIXELS)])
        dense.set_weights([self.loading.T, self.bias])
        return decoder

    def log_likelihood(self):
        return self.data.logpdf(self.images.reshape(len(self.images), -1))

    def elbo(self):
        """Average over four points that have the noise's mean and covariance.

        The terms are quadratic in the noise, so this is the expectation, and no estimate.
        """
        points = np.sqrt(2) * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], "float32")
        values = []
        for point in points:
            noise = np.tile(point, (len(self.images), 1))
            fit, kl = elbo.elbo(self.encoder, self.decoder, self.images, noise, SIGMA)
            values.append(fit - kl)
        return np.mean(values, axis=0)


def test_elbo_equals_the_likelihood_at_the_exact_posterior():
    linear = Linear()
    np.testing.assert_allclose(linear.elbo(), linear.log_likelihood(), rtol=1e-4)


@pytest.mark.parametrize(("shift", "stretch"), [(0.3, 0.0), (0.0, 1.0), (-0.5, -2.0)])
def test_gap_of_the_elbo_is_the_divergence_from_the_posterior(shift, stretch):
    linear = Linear(shift, stretch)
    ratio = np.exp(stretch)
    by_dimension = 0.5 * (ratio + shift**2 / linear.variance - 1 - stretch)
    gap = linear.log_likelihood() - linear.elbo()
    assert (gap > 0).all()
    np.testing.assert_allclose(gap, by_dimension.sum(), rtol=2e-3)


def test_importance_sampling_is_exact_at_the_exact_posterior():
    linear = Linear()
    noise = np.random.default_rng(4).standard_normal((2, 6, 2)).astype("float32")
    estimate = elbo.importance_log_likelihood(
        linear.encoder, linear.decoder, linear.images, noise, SIGMA
    )
    assert estimate.shape == (6,) and estimate.dtype == tf.float32
    np.testing.assert_allclose(estimate, linear.log_likelihood(), rtol=1e-4)


def test_importance_sampling_closes_the_gap_of_a_wrong_posterior():
    linear = Linear(shift=0.2, stretch=0.7)
    exact, bound = linear.log_likelihood(), linear.elbo()
    noise = np.random.default_rng(5).standard_normal((100, 6, 2)).astype("float32")
    estimate = elbo.importance_log_likelihood(
        linear.encoder, linear.decoder, linear.images, noise, SIGMA
    )
    np.testing.assert_allclose(estimate, exact, atol=0.2)
    assert (exact - bound > 0.5).all()


def test_elbo_of_a_convolutional_network_is_below_the_importance_estimate():
    network = autoencoder.build_autoencoder(8, 4, 4)
    encoder, decoder = network.get_layer("encoder"), network.get_layer("decoder")
    images = np.random.default_rng(0).uniform(-1, 1, (5, 8, 8, 3)).astype("float32")
    noise = np.random.default_rng(1).standard_normal((50, 5, 4)).astype("float32")
    terms = [elbo.elbo(encoder, decoder, images, sample, 0.3) for sample in noise]
    values = np.array([fit - kl for fit, kl in terms])
    assert values.shape == (50, 5)
    bounds = [
        np.asarray(elbo.importance_log_likelihood(encoder, decoder, images, noise[:count], 0.3))
        for count in (1, 7, 50)
    ]
    standard_error = values.std(axis=0) / np.sqrt(len(values))
    assert (values.mean(axis=0) + 4 * standard_error < bounds[-1]).all()
    assert bounds[0].mean() < bounds[1].mean() < bounds[2].mean()


@pytest.mark.parametrize("sigma", [0.0, -1.0])
def test_a_sigma_that_is_not_positive_is_refused(sigma):
    linear = Linear()
    noise = np.zeros((6, 2), "float32")
    arguments = linear.encoder, linear.decoder, linear.images
    with pytest.raises(TutorialError, match=f"sigma must be positive, not {sigma}"):
        elbo.elbo(*arguments, noise, sigma)
    with pytest.raises(TutorialError, match=f"sigma must be positive, not {sigma}"):
        elbo.importance_log_likelihood(*arguments, noise[None], sigma)


# --- gradients -----------------------------------------------------------------------------------


def gradients_of_the_fit(linear, mean, log_variance, noise):
    """Estimate the gradient of E[log p(x|z)] in both ways, one row for each row of noise."""
    image = np.repeat(linear.images[:1], len(noise), axis=0)
    mean, log_variance = (
        tf.tile(tf.constant([row]), [len(noise), 1]) for row in (mean, log_variance)
    )

    def fit(latents):
        return elbo.gaussian_log_density(image, linear.decoder(latents), 2 * np.log(SIGMA))

    with tf.GradientTape() as tape:
        tape.watch([mean, log_variance])
        value = fit(elbo.reparameterize(mean, log_variance, noise))
    pathwise = tape.gradient(value, [mean, log_variance])
    latents = elbo.reparameterize(mean, log_variance, noise)
    with tf.GradientTape() as tape:
        tape.watch([mean, log_variance])
        log_density = elbo.gaussian_log_density(latents, mean, log_variance)
    score = [fit(latents)[:, None] * g for g in tape.gradient(log_density, [mean, log_variance])]
    return [tf.concat(gradients, axis=1).numpy() for gradients in (pathwise, score)]


def test_both_reparameterisations_give_the_gradient_of_the_closed_form():
    """Pathwise and score-function estimates agree within five standard errors of the samples."""
    linear = Linear()
    mean, log_variance = np.array([0.3, -0.4], "float32"), np.array([-0.5, -1.0], "float32")
    noise = np.random.default_rng(6).standard_normal((200_000, 2)).astype("float32")
    pathwise, score = gradients_of_the_fit(linear, mean, log_variance, noise)
    residual = linear.images[0].ravel() - linear.bias - linear.loading @ mean
    by_mean = linear.loading.T @ residual / SIGMA**2
    by_log_variance = -0.5 * (linear.loading**2).sum(axis=0) / SIGMA**2 * np.exp(log_variance)
    exact = np.concatenate([by_mean, by_log_variance])
    for estimate in (pathwise, score):
        error = estimate.std(axis=0) / np.sqrt(len(noise))
        np.testing.assert_array_less(np.abs(estimate.mean(axis=0) - exact), 5 * error)
    assert (pathwise.std(axis=0) < 0.5 * score.std(axis=0)).all()


def test_gradient_of_the_divergence_is_the_closed_form():
    mean, log_variance = map(tf.constant, normal_parameters())
    with tf.GradientTape() as tape:
        tape.watch([mean, log_variance])
        divergence = elbo.kl_divergence(mean, log_variance)
    by_mean, by_log_variance = tape.gradient(divergence, [mean, log_variance])
    np.testing.assert_allclose(by_mean, mean, rtol=1e-6)
    np.testing.assert_allclose(by_log_variance, 0.5 * (np.exp(log_variance) - 1), rtol=1e-5)


# --- one step ------------------------------------------------------------------------------------


def step_arguments(algorithm, nimg=10_000):
    batch = tf.random.stateless_uniform((8, 8, 8, 3), [1, 2], -1, 1)
    values = {name: tf.constant(value) for name, value in algorithm.schedule(nimg).items()}
    return batch, tf.constant([3, 4], tf.int64), values


def test_a_step_lowers_the_loss_on_the_same_batch():
    algorithm = VAE(dataclasses.replace(TINY, learning_rate=1e-3), precision="float32")
    arguments = step_arguments(algorithm)
    losses = [algorithm.train_step(*arguments) for _ in range(5)]
    totals = [float(step["reconstruction_loss"] + step["kl_loss"]) for step in losses]
    assert all(later < earlier for earlier, later in itertools.pairwise(totals))


@pytest.mark.parametrize("weight", [0.0, 0.3])
def test_a_step_follows_the_gradient_of_the_weighted_loss(weight):
    """The update equals one by the gradients of the formulas, worked out by hand."""
    algorithm, twin = (VAE(TINY, precision="float32") for _ in range(2))
    batch, seed, values = step_arguments(algorithm)
    metrics = algorithm.train_step(batch, seed, values | {"kl_weight": tf.constant(weight)})
    noise = tf.random.stateless_normal((8, 4), seed)
    with tf.GradientTape() as tape:
        mean, log_variance = twin.autoencoder.get_layer("encoder")(batch)
        latents = mean + tf.exp(log_variance / 2) * noise
        squares = tf.square(batch - twin.autoencoder.get_layer("decoder")(latents))
        constant = 8 * 8 * 3 * np.log(TINY.sigma * np.sqrt(2 * np.pi))
        reconstruction = tf.reduce_sum(squares) / 8 / (2 * TINY.sigma**2) + constant
        kl = 0.5 * tf.reduce_sum(mean**2 + tf.exp(log_variance) - 1 - log_variance) / 8
        loss = reconstruction + weight * kl
    np.testing.assert_allclose(metrics["reconstruction_loss"], reconstruction, rtol=1e-5)
    np.testing.assert_allclose(metrics["kl_loss"], kl, rtol=1e-5)
    weights = twin.autoencoder.trainable_variables
    twin.optimizer.apply(tape.gradient(loss, weights), weights)
    for a, b in zip(algorithm.autoencoder.trainable_variables, weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=2e-5)


def test_average_follows_the_autoencoder_with_the_beta_of_the_schedule():
    algorithm = VAE(TINY, precision="float32")
    before = [weight.numpy() for weight in algorithm.average.weights]
    batch, seed, values = step_arguments(algorithm)
    algorithm.train_step(batch, seed, values | {"ema_beta": tf.constant(0.75)})
    weights = zip(before, algorithm.autoencoder.weights, algorithm.average.weights, strict=True)
    for old, current, average in weights:
        np.testing.assert_allclose(average.numpy(), 0.75 * old + 0.25 * current.numpy(), atol=1e-6)


def test_kl_weight_rises_to_beta_over_the_warmup():
    algorithm = VAE(dataclasses.replace(TINY, beta=4.0, warmup_kimg=2.0), precision="float32")
    weights = [algorithm.schedule(nimg)["kl_weight"] for nimg in (0, 500, 2000, 9000)]
    assert weights == [0.0, 1.0, 4.0, 4.0]
    at_once = VAE(dataclasses.replace(TINY, beta=4.0, warmup_kimg=0.0), precision="float32")
    assert at_once.schedule(0)["kl_weight"] == 4.0


# --- recipes, runs, commands ---------------------------------------------------------------------


def test_the_recipe_builds_a_vae():
    algorithm = build_algorithm(RECIPES["vae"], precision="float32")
    assert isinstance(algorithm, VAE)
    assert algorithm.average.output_shape == (None, 64, 64, 3)
    assert algorithm.draw_latents(2).shape == (2, 128)


def test_recipe_from_json(tmp_path):
    path = tmp_path / "small.json"
    path.write_text(json.dumps({"algorithm": "vae", "width": 8, "beta": 2, "sigma": 0.1}))
    assert load_recipe(str(path)) == VAERecipe(width=8, beta=2, sigma=0.1)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"latent_size": 0}, "latent_size must be positive, but is 0"),
        ({"sigma": 0.0}, "sigma must be positive, but is 0.0"),
        ({"beta": -1.0}, "beta must not be negative, but is -1.0"),
        ({"warmup_kimg": -1.0}, "warmup_kimg must not be negative"),
        ({"latent_size": 2.5}, "latent_size must be of type int, not 2.5"),
        ({"r1_gamma": 1.0}, "no field 'r1_gamma'"),
    ],
)
def test_bad_recipes_name_what_is_wrong(fields, named):
    with pytest.raises(TutorialError, match=named):
        recipe_from_dict(fields, "vae")


def test_a_size_that_no_network_has_is_refused():
    with pytest.raises(TutorialError, match="power of two of at least 8, not 48"):
        VAE(dataclasses.replace(TINY, size=48))


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
    assert recipe_from_dict(card["recipe"], card["algorithm"]) == TINY


@pytest.mark.slow
def test_resumed_run_ends_in_the_same_bits(tmp_path, finished):
    make_trainer(tmp_path).fit(kimg=0.032)
    resumed = make_trainer(tmp_path)
    resumed.fit(kimg=0.096, resume="must")
    variables = [trainer.state.variables() for trainer in (finished, resumed)]
    assert len(variables[0]) > 20
    for a, b in zip(*variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    losses = [
        [(r["reconstruction_loss"], r["kl_loss"]) for r in read_log(folder / "log.jsonl")]
        for folder in (finished.directory, tmp_path)
    ]
    assert losses[0] == losses[1]


def test_another_beta_is_refused_on_resume(finished):
    changed = dataclasses.replace(TINY, beta=2.0)
    with pytest.raises(TutorialError, match="beta"):
        make_trainer(finished.directory, changed).fit(kimg=0.2)


@pytest.mark.parametrize("precision", [name for name in POLICIES if name != "float32"])
@pytest.mark.slow
def test_trains_in_half_precision(tmp_path, precision):
    trainer = make_trainer(tmp_path, precision=precision)
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
    latents = draw_latents(3, TINY.latent_size)
    np.testing.assert_allclose(
        decoder(latents), finished.algorithm.sample(latents), rtol=1e-5, atol=1e-6
    )


def run(*arguments):
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.slow
def test_commands_train_and_sample(tmp_path):
    recipe, out = tmp_path / "tiny.json", tmp_path / "run"
    fields = {"algorithm": "vae", "size": 16, "latent_size": 3, "width": 4, "batch_size": 8}
    recipe.write_text(json.dumps(fields))
    printed = run("train", recipe, "--data", "drawn", "--kimg", 0.04, "--out", out)
    assert "Done: 40 images" in printed and "kl_loss" in printed
    run("sample", out, "--out", tmp_path / "sheet.png", "--count", 4)
    assert Image.open(tmp_path / "sheet.png").size == (34, 34)
    run("sample", out, "--out", tmp_path / "cats", "--count", 2)
    assert len(list(Path(tmp_path / "cats").iterdir())) == 2
