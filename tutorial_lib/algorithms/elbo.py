"""What a variational autoencoder maximises: the evidence lower bound, and its parts (chapter 3).

The encoder describes q(z|x), the decoder gives the mean of p(x|z), a normal distribution with the
standard deviation sigma for each pixel and channel. The prior p(z) is N(0, I). Densities and
divergences are in nats, one for each image. Everything here runs under any Keras backend.
"""

import math

from keras import ops

from tutorial_lib.models.blocks import require


def reparameterize(mean, log_variance, noise):
    """Return a sample of q(z|x) as a smooth function of its parameters (Kingma & Welling 2013).

    `noise` is standard normal and has the shape of the others: z = mean + exp(½ log_variance)
    noise.
    """
    return mean + ops.exp(0.5 * log_variance) * noise


def kl_divergence(mean, log_variance):
    """Return KL(q(z|x) ‖ N(0, I)) of each image, in nats, float32 (batch,).

    >>> float(kl_divergence(np.array([[1.0, 2.0]]), np.zeros((1, 2)))[0])  # half of 1² + 2²
    2.5
    """
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
