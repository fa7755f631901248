"""Checks of the exercises of chapter 3."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.checks.verdict import check
from tutorial_lib.models.latents import draw_latents

if TYPE_CHECKING:
    import keras

Bits = Callable[[float, int], float]


def exercise_1(active: Callable[[np.ndarray], int], active_64: int, means: np.ndarray) -> None:
    """Check `active`, and how many of the latents with these `means` (images, latents) are so."""
    spread = np.array([1.0, 0.05, 0.5, 0.0, 0.12, 0.08])  # as variances, three are above 0.01
    few = draw_latents(1000, 6) * spread + np.arange(6)

    check(lambda: active(few) == 3, "The variance over pictures is np.var along axis 0.")
    check(lambda: active(few[:, 1:4]) == 1, "It counts for any number of latents.")
    expected = np.sum(np.var(means, axis=0) > 0.01)
    check(lambda: active_64 == expected, "Apply your function to mean_64.")


def exercise_2(
    arc: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    contrast_on_arc: float,
    decoder: "keras.Model",
    means: np.ndarray,
) -> None:
    """Check `arc(first, last, t)`, and the contrast of what its middles decode to.

    The pairs are neighbours in `means` (images, latents), as in section 3.6.
    """
    first, last = np.array([3.0, 0.0]), np.array([1.5, 1.5 * 3**0.5])  # 60 degrees apart
    t = np.linspace(0, 1, 5)[:, None]
    angles = np.radians(60) * t
    circle = 3 * np.concatenate([np.cos(angles), np.sin(angles)], axis=1)

    check(lambda: np.allclose(arc(first, last, t)[[0, -1]], [first, last]), "Both ends stay.")
    lengths = "Divide by sin θ: every point has the length of the ends."
    check(lambda: np.allclose(np.linalg.norm(arc(first, last, t), axis=1), 3), lengths)
    check(lambda: np.allclose(arc(first, last, t), circle), "Equal steps of t, equal angles.")
    longer = np.array([0.0, -5.0])  # 90 degrees from the first, and of another length
    halfway = np.array([[3.0, -5.0]]) / 2**0.5
    half = np.array([[0.5]])
    check(
        lambda: np.allclose(arc(first, longer, half), halfway),
        "θ is the angle of these two: divide a · b by both lengths.",
    )
    unequal = np.array([2.0, 2.0 * 3**0.5])  # 60 degrees from the first, of length 4
    between = (first + unequal) / 3**0.5
    check(lambda: np.allclose(arc(first, unequal, half), between), "Their lengths may differ.")
    middles = np.concatenate(
        [arc_middle(*pair) for pair in zip(means[0::2], means[1::2], strict=True)]
    )
    expected = np.asarray(decoder(middles)).std(axis=(1, 2, 3)).mean()
    check(
        lambda: np.isclose(contrast_on_arc, expected, rtol=1e-3),
        "Decode the point at t = 0.5 of each pair; then the mean of std over axes 1, 2, 3.",
    )


def arc_middle(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return the point (1, latents) in the middle of the arc between two latents."""
    cosine = first @ last / np.linalg.norm(first) / np.linalg.norm(last)
    return ((first + last) / (2 * np.cos(np.arccos(cosine) / 2)))[None].astype("float32")


def exercise_3(
    bits: Bits,
    bits_1: float,
    bits_20: float,
    network: "keras.Model",
    images: np.ndarray,
    sigma: float,
) -> None:
    """Check `bits`, and the bits a value of `images` that a network needs with 1 and 20 samples.

    The learner's noise is not known: an answer counts if it is nearer to what other noise gives
    than half of the way from one number of samples to the other.
    """
    uniform = -np.log(2) * 3072  # the density of a uniform distribution on [-1, 1] for each value
    check(lambda: np.isclose(bits(uniform, 3072), np.log2(255)), "Nats over log 2 are bits.")
    check(lambda: np.isclose(bits(0.0, 1), np.log2(127.5)), "127.5 is for each value.")
    check(lambda: np.isclose(bits(2 * uniform, 6144), np.log2(255)), "Divide by the values.")
    one, twenty = (_bits(network, images, sigma, samples) for samples in (1, 20))
    near = (one - twenty) / 2
    hint = "noise has the shape (samples, 64, latent_size), and sigma is best."
    check(lambda: abs(bits_1 - one) < near, f"With one sample: {hint}")
    check(lambda: abs(bits_20 - twenty) < near, f"With twenty: {hint}")


def _bits(network: "keras.Model", images: np.ndarray, sigma: float, samples: int) -> float:
    """Return the bits a value with `samples` samples, the mean of three draws of noise."""
    from tutorial_lib.algorithms.elbo import importance_log_likelihood

    encoder, decoder = network.get_layer("encoder"), network.get_layer("decoder")
    shape = (samples, *encoder(images)[0].shape)
    results = []
    for seed in (101, 102, 103):
        noise = draw_latents(samples * shape[1], shape[2], seed=seed).reshape(shape)
        density = importance_log_likelihood(encoder, decoder, images, noise, sigma)
        results.append(np.mean(density) / images[0].size)
    return (np.log(127.5) - np.mean(results)) / np.log(2)
