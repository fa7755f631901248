"""Variational autoencoders: encoder, decoder and the terms of the ELBO (chapter 3).

Images x are (batch, size, size, 3) in [-1, 1]; latents z are (batch, latent_size). The encoder
describes q(z|x), a normal distribution with a mean and a logarithm of the variance for each
latent; the decoder gives the mean of p(x|z), a normal distribution with the standard deviation
sigma for each pixel and channel. The prior p(z) is N(0, I). Densities and divergences are in
nats, one for each image. Everything here runs under any Keras backend.
"""

import math

import keras
from keras import layers, ops

from tutorial_lib.models.blocks import doubling_widths, down, require, seeded_initializer, up


def build_encoder(
    size: int = 64, latent_size: int = 128, width: int = 32, *, seed: int = 0
) -> keras.Model:
    """Build a network from images to the mean and the log variance of q(z|x) (chapter 3).

    Both are (batch, latent_size). It halves down to 4×4, with `width` channels first and up to
    8 × `width` at the end. Raises `TutorialError` if `size` is not 8, 16, 32, …, or `width` or
    `latent_size` is not positive.
    """
    widths = doubling_widths(size, width)
    require(latent_size > 0, f"latent_size must be at least 1, not {latent_size}.")
    start = seeded_initializer(seed)
    images = keras.Input((size, size, 3))
    features = images
    for channels in widths:
        features = layers.LeakyReLU(negative_slope=0.2)(down(channels, 4, start)(features))
    features = layers.Flatten()(features)

    def head(name: str) -> keras.KerasTensor:
        dense = layers.Dense(latent_size, kernel_initializer=start, dtype="float32", name=name)
        return dense(features)

    return keras.Model(images, [head("mean"), head("log_variance")], name="encoder")


def build_decoder(
    size: int = 64, latent_size: int = 128, width: int = 32, *, seed: int = 1
) -> keras.Model:
    """Build a network from latents to the mean of p(x|z), the encoder's mirror image (chapter 3).

    Raises `TutorialError` if `size` is not 8, 16, 32, …, or `width` or `latent_size` is not
    positive.
    """
    widths = doubling_widths(size, width)
    require(latent_size > 0, f"latent_size must be at least 1, not {latent_size}.")
    start = seeded_initializer(seed)
    model = keras.Sequential([keras.Input((latent_size,))], name="decoder")
    model.add(layers.Dense(4 * 4 * widths[-1], kernel_initializer=start))
    model.add(layers.Reshape((4, 4, widths[-1])))
    model.add(layers.LeakyReLU(negative_slope=0.2))
    for channels in reversed(widths[:-1]):
        model.add(up(channels, 4, 2, start, use_bias=True))
        model.add(layers.LeakyReLU(negative_slope=0.2))
    model.add(up(3, 4, 2, start, use_bias=True))
    model.add(layers.Activation("tanh", dtype="float32"))
    return model


def build_autoencoder(
    size: int = 64, latent_size: int = 128, width: int = 32, *, seed: int = 0
) -> keras.Model:
    """Join encoder and decoder: images to reconstructions from the mean of q(z|x) (chapter 3).

    The two are its layers "encoder" and "decoder". Raises `TutorialError` as they do.
    """
    encoder = build_encoder(size, latent_size, width, seed=seed)
    decoder = build_decoder(size, latent_size, width, seed=seed + 1)
    images = keras.Input((size, size, 3))
    mean, _ = encoder(images)
    return keras.Model(images, decoder(mean), name="autoencoder")


def reparameterize(mean, log_variance, noise):
    """Return a sample of q(z|x) as a smooth function of its parameters (Kingma & Welling 2013).

    `noise` is standard normal and has the shape of the others: z = mean + exp(½ log_variance)
    noise.
    """
    return mean + ops.exp(0.5 * log_variance) * noise


def kl_divergence(mean, log_variance):
    """Return KL(q(z|x) ‖ N(0, I)) of each image, in nats, float32 (batch,)."""
    mean, log_variance = ops.cast(mean, "float32"), ops.cast(log_variance, "float32")
    terms = ops.exp(log_variance) + ops.square(mean) - 1.0 - log_variance
    return 0.5 * ops.sum(terms, axis=-1)


def gaussian_log_density(values, mean, log_variance):
    """Return log N(values; mean, exp(log_variance)) of each image, in nats, float32 (batch,).

    The sum runs over all axes but the first; `log_variance` may be one number.
    """
    values, mean = ops.cast(values, "float32"), ops.cast(mean, "float32")
    log_variance = ops.cast(log_variance, "float32")
    squares = ops.square(values - mean) * ops.exp(-log_variance)
    terms = -0.5 * (squares + log_variance + math.log(2 * math.pi))
    return ops.sum(terms, axis=tuple(range(1, len(values.shape))))


def elbo(encoder, decoder, images, noise, sigma: float):
    """Return the two terms of the evidence lower bound, each float32 (batch,) (chapter 3).

    The first is log p(x|z) for one z drawn from q(z|x) with `noise`, the second KL(q(z|x) ‖ p(z)).
    Their difference is, on average over the noise, at most log p(x). Raises `TutorialError` if
    `sigma` is not positive.
    """
    require(sigma > 0, f"sigma must be positive, not {sigma}.")
    mean, log_variance = encoder(images, training=True)
    reconstruction = decoder(reparameterize(mean, log_variance, noise), training=True)
    fit = gaussian_log_density(images, reconstruction, 2 * math.log(sigma))
    return fit, kl_divergence(mean, log_variance)


def importance_log_likelihood(encoder, decoder, images, noise, sigma: float):
    """Return an estimate of log p(x) of each image, float32 (batch,) (Burda 2015).

    `noise` is (samples, batch, latent_size), standard normal. On average the estimate is a lower
    bound that rises with the samples; with one sample it is the ELBO with a sampled KL. Raises
    `TutorialError` if `sigma` is not positive.
    """
    require(sigma > 0, f"sigma must be positive, not {sigma}.")
    mean, log_variance = encoder(images, training=False)
    log_weights = []
    for noise_of_sample in noise:
        latents = reparameterize(mean, log_variance, noise_of_sample)
        reconstruction = decoder(latents, training=False)
        log_joint = gaussian_log_density(images, reconstruction, 2 * math.log(sigma))
        log_joint += gaussian_log_density(latents, ops.zeros_like(latents), 0.0)
        log_weights.append(log_joint - gaussian_log_density(latents, mean, log_variance))
    return ops.logsumexp(ops.stack(log_weights), axis=0) - math.log(len(log_weights))
