"""Answers to the exercises of chapter 3."""

from functools import cache

import numpy as np
from helpers.exercises import Exercise

from tutorial_lib.algorithms.elbo import importance_log_likelihood
from tutorial_lib.checks import chapter_3
from tutorial_lib.data.drawn import draw_cats
from tutorial_lib.data.pixels import to_float
from tutorial_lib.models.autoencoder import build_decoder
from tutorial_lib.models.latents import draw_latents

SIGMA, IMAGES = 0.3, to_float(draw_cats(64, 16).images)
MEANS = draw_latents(40, 8, seed=1) * np.array([1, 1, 1, 0.5, 0.5, 0.2, 0.05, 0], "float32")


def active(means):
    return int(np.sum(np.var(means, axis=0) > 0.01))


ACTIVE = active(MEANS)


def arc(first, last, t):
    theta = np.arccos(first @ last / np.linalg.norm(first) / np.linalg.norm(last))
    return (np.sin((1 - t) * theta) * first + np.sin(t * theta) * last) / np.sin(theta)


def straight(first, last, t):
    return (1 - t) * first + t * last


def stretched(first, last, t):
    """Straight, and then made as long as the first: the right middle, but unequal angles."""
    points = straight(first, last, t)
    return points / np.linalg.norm(points, axis=1, keepdims=True) * np.linalg.norm(first)


def undivided(first, last, t):
    theta = np.arccos(first @ last / np.linalg.norm(first) / np.linalg.norm(last))
    return np.sin((1 - t) * theta) * first + np.sin(t * theta) * last


@cache
def decoder():
    return build_decoder(16, 8, 4)


def contrast(latents):
    return np.asarray(decoder()(latents.astype("float32"))).std(axis=(1, 2, 3)).mean()


def contrast_of_middles(path):
    half = np.array([[0.5]], "float32")
    middles = [path(a, b, half)[0] for a, b in zip(MEANS[0::2], MEANS[1::2], strict=True)]
    return contrast(np.array(middles))


def one_angle(first, last, t):
    """Always turn by the 60 degrees of an example."""
    return (np.sin((1 - t) * np.pi / 3) * first + np.sin(t * np.pi / 3) * last) / np.sin(np.pi / 3)


def one_length(first, last, t):
    theta = np.arccos(np.clip(first @ last / np.linalg.norm(first) ** 2, -1, 1))
    return (np.sin((1 - t) * theta) * first + np.sin(t * theta) * last) / np.sin(theta)


ON_ARC = contrast_of_middles(arc)


def bits(log_density, values):
    return (-log_density / values + np.log(127.5)) / np.log(2)


class Linear:
    """Stand in for an autoencoder, faster than one of Keras: matrices instead of networks."""

    to_pixels = draw_latents(3, IMAGES[0].size, seed=2) / 30

    def get_layer(self, name):
        return {"encoder": self.encode, "decoder": self.decode}[name]

    def encode(self, images, training=False):
        mean = images.reshape(len(images), -1) @ self.to_pixels.T
        return mean, np.zeros_like(mean)

    def decode(self, latents, training=False):
        return np.tanh(np.asarray(latents) @ self.to_pixels).reshape(-1, 16, 16, 3)


def measured(samples, sigma=SIGMA):
    network, count = Linear(), len(IMAGES)
    noise = draw_latents(samples * count, 3, seed=4).reshape(samples, count, 3)
    parts = network.get_layer("encoder"), network.get_layer("decoder")
    densities = importance_log_likelihood(*parts, IMAGES, noise, sigma)
    return bits(np.mean(densities), IMAGES[0].size)


ONE, TWENTY = measured(1), measured(20)

EXERCISES = [
    Exercise(
        chapter_3.exercise_1,
        right=(active, ACTIVE),
        wrong={
            "a constant": (lambda means: 3, 3),
            "deviations for variances": (lambda means: int(np.sum(means.std(0) > 0.01)), ACTIVE),
            "over latents": (lambda means: int(np.sum(np.var(means, axis=1) > 0.01)), ACTIVE),
            "the silent ones": (lambda means: int(np.sum(np.var(means, 0) <= 0.01)), 8 - ACTIVE),
            "squares, not variances": (lambda means: int(np.sum((means**2).mean(0) > 0.01)), 8),
            "a share": (lambda means: np.mean(np.var(means, axis=0) > 0.01), ACTIVE / 8),
            "all of them in the network": (active, 8),
            "not applied to the network": (active, None),
        },
        given=lambda: (MEANS,),
    ),
    Exercise(
        chapter_3.exercise_2,
        right=(arc, ON_ARC),
        wrong={
            "the straight line": (straight, contrast_of_middles(straight)),
            "the straight line, stretched": (stretched, ON_ARC),
            "not divided by the sine": (undivided, contrast_of_middles(undivided)),
            "from last to first": (lambda a, b, t: arc(b, a, t), ON_ARC),
            "one angle for all": (one_angle, ON_ARC),
            "both lengths taken for the first's": (one_length, ON_ARC),
            "always the first": (lambda a, b, t: a + 0 * t, contrast(MEANS)),
            "any larger contrast": (arc, 1.0),
            "the contrast of the ends": (arc, contrast(MEANS)),
            "the contrast of straight middles": (arc, contrast_of_middles(straight)),
        },
        given=lambda: (decoder(), MEANS),
    ),
    Exercise(
        chapter_3.exercise_3,
        right=(bits, ONE, TWENTY),
        wrong={
            "typed numbers in order": (bits, 1.0, 0.0),
            "nats": (lambda d, n: -d / n + np.log(127.5), ONE * np.log(2), TWENTY * np.log(2)),
            "the sign turned": (lambda d, n: bits(-d, n), ONE, TWENTY),
            "bits of a whole image": (lambda d, n: bits(d, n) * n, ONE * 768, TWENTY * 768),
            "no change of scale": (lambda d, n: -d / n / np.log(2), ONE - 7, TWENTY - 7),
            "the scale once, not for each value": (
                lambda d, n: (-d + np.log(127.5)) / n / np.log(2),
                ONE,
                TWENTY,
            ),
            "one sample twice": (bits, ONE, ONE),
            "twenty samples twice": (bits, TWENTY, TWENTY),
            "exchanged": (bits, TWENTY, ONE),
            "the sigma of training": (bits, measured(1, 1.0), measured(20, 1.0)),
        },
        given=lambda: (Linear(), IMAGES, SIGMA),
    ),
]
