"""Answers to the exercises of chapter 7."""

from types import SimpleNamespace

import numpy as np
import tensorflow as tf
from helpers.exercises import Exercise

from tutorial_lib.checks import chapter_7


def output_size(base, strides):
    return base * int(np.prod(strides))


def slope(loss, f):
    f = tf.constant(f)
    with tf.GradientTape() as tape:
        tape.watch(f)
        value = loss(f)
    return float(tape.gradient(value, f))


def minimax(f):
    return -tf.nn.softplus(f)


def roughness(images):
    return np.abs(np.diff(images, axis=2)).mean()


def small_game():
    """What exercise 3 asks of a game: two networks, the second of them smoother."""
    mix = np.random.default_rng(0).normal(size=(8, 8 * 8 * 3)).astype("float32")

    def draw(latents, training, scale):
        return np.tanh(scale * latents @ mix).reshape(-1, 8, 8, 3)

    return SimpleNamespace(
        draw_latents=lambda count, seed: np.random.default_rng(seed).normal(size=(count, 8)),
        generator=lambda latents, training: draw(latents, training, 0.4),
        average=lambda latents, training: draw(latents, training, 0.25),
    )


def measured():
    game = small_game()
    z = game.draw_latents(64, seed=2)
    return roughness(game.generator(z, training=False)), roughness(game.average(z, training=False))


def nearest(images, references):
    return by(images, references, lambda d: (d**2).sum(axis=1))


def by(images, references, measure, kind="float32"):
    """Positions of the references that have the smallest measure of the differences."""
    flat = references.reshape(len(references), -1).astype(kind)
    rows = images.reshape(len(images), -1).astype(kind)
    return np.array([measure(flat - row).argmin() for row in rows])


ROUGH, SMOOTH = measured()

EXERCISES = [
    Exercise(
        chapter_7.exercise_1,
        right=(output_size, 24),
        wrong={
            "constants": (lambda base, strides: 28, 24),
            "the base returned": (lambda base, strides: base, 96),
            "strides added": (lambda base, strides: base * sum(strides), 24),
            "the last stride only": (lambda base, strides: base * strides[-1], 24),
            "the base for 64": (output_size, 16),
            "the size itself": (output_size, 96),
        },
    ),
    Exercise(
        chapter_7.exercise_2,
        right=(slope, minimax, "non-saturating"),
        wrong={
            "the value for the slope": (lambda loss, f: loss(f), minimax, "non-saturating"),
            "a constant": (lambda loss, f: -1.0, minimax, "non-saturating"),
            "the sign turned": (lambda loss, f: -slope(loss, f), minimax, "non-saturating"),
            "softplus(f)": (slope, lambda f: tf.nn.softplus(f), "non-saturating"),
            "the other loss": (slope, lambda f: tf.nn.softplus(-f), "non-saturating"),
            "without a logarithm": (slope, lambda f: 1 - tf.sigmoid(f), "non-saturating"),
            "the silent loss chosen": (slope, minimax, "minimax"),
        },
    ),
    Exercise(
        chapter_7.exercise_3,
        right=(roughness, ROUGH, SMOOTH),
        wrong={
            "any two numbers in order": (roughness, 1, 0),
            "exchanged": (roughness, SMOOTH, ROUGH),
            "the same network twice": (roughness, SMOOTH, SMOOTH),
            "vertical": (lambda images: np.abs(np.diff(images, axis=1)).mean(), ROUGH, SMOOTH),
            "signs kept": (lambda images: np.diff(images, axis=2).mean(), ROUGH, SMOOTH),
            "squares": (lambda images: (np.diff(images, axis=2) ** 2).mean(), ROUGH, SMOOTH),
            "the spread of all pixels": (np.std, ROUGH, SMOOTH),
            "the first image only": (lambda images: roughness(images[:1]), ROUGH, SMOOTH),
            "red only": (lambda images: roughness(images[..., :1]), ROUGH, SMOOTH),
        },
        given=lambda: (small_game(),),
    ),
    Exercise(
        chapter_7.exercise_4,
        right=(nearest,),
        wrong={
            "always the first": (lambda images, references: np.zeros(len(images), int),),
            "the same position": (lambda images, references: np.arange(len(images)),),
            "in uint8": (
                lambda images, references: by(
                    images, references, lambda d: (d**2).sum(axis=1), "uint8"
                ),
            ),
            "differences that cancel": (
                lambda images, references: by(images, references, lambda d: abs(d.sum(axis=1))),
            ),
            "the farthest": (
                lambda images, references: by(images, references, lambda d: -(d**2).sum(axis=1)),
            ),
            "absolute differences": (
                lambda images, references: by(images, references, lambda d: abs(d).sum(axis=1)),
            ),
            "the largest difference": (
                lambda images, references: by(images, references, lambda d: abs(d).max(axis=1)),
            ),
            "the mean colour": (
                lambda images, references: nearest(
                    images.mean(axis=(1, 2)), references.mean(axis=(1, 2))
                ),
            ),
            "the first pixel": (
                lambda images, references: nearest(images[:, 0, 0], references[:, 0, 0]),
            ),
            "red only": (lambda images, references: nearest(images[..., 0], references[..., 0]),),
        },
    ),
]
