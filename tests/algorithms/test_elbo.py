import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tutorial_lib.algorithms import elbo
from tutorial_lib.errors import TutorialError
from tutorial_lib.models import autoencoder

SIGMA = 0.5


PIXELS = (2, 2, 3)


pytestmark = pytest.mark.usefixtures("deterministic")


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
