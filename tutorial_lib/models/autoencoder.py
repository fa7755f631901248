"""The two networks of a variational autoencoder: encoder and decoder (chapter 3).

Images x are (batch, size, size, 3) in [-1, 1]; latents z are (batch, latent_size). The encoder
describes q(z|x), a normal distribution with a mean and a logarithm of the variance for each
latent; the decoder gives the mean of p(x|z). Both run under any Keras backend.
"""

import keras
from keras import layers

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
