"""Checks of the exercises of chapter 7."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tutorial_lib.checks.verdict import check


def exercise_1(output_size: Callable, base_for_96: int) -> None:
    """Check `output_size(base, strides)`, and the base from which strides 1, 2, 2 lead to 96."""
    stacks = [(7, [1, 2, 2]), (4, [2, 2, 2, 2]), (5, [3, 2]), (6, [1])]

    def product(base: int, strides: list[int]) -> bool:
        grown = base
        for stride in strides:
            grown *= stride
        return output_size(base, strides) == grown

    check(
        lambda: all(product(*stack) for stack in stacks),
        "Eq. (7.2) multiplies the base by every stride.",
    )
    check(lambda: base_for_96 * 1 * 2 * 2 == 96, "Solve Eq. (7.2) for the base.")


def exercise_2(slope: Callable, minimax: Callable, which: str) -> None:
    """Check `slope(loss, f)`, the minimax loss of a logit, and which loss still teaches."""

    def close(answer: Any, truth: float) -> bool:
        return abs(float(answer) - truth) < 1e-3 * max(1, abs(truth))

    def cube(f: tf.Tensor) -> tf.Tensor:
        return f * f * f

    check(
        lambda: close(slope(cube, 2.0), 12) and close(slope(tf.nn.softplus, -1.0), 0.26894),
        "Watch a constant made of f, then ask the tape for the gradient.",
    )
    logits = tf.constant([-10.0, -1.0, 0.0, 2.0])
    values = [-4.54e-5, -0.313262, -0.693147, -2.126928]
    check(
        lambda: np.allclose(np.array([minimax(f) for f in logits], float), values, atol=1e-5),
        "Mind the sign of the softplus.",
    )
    check(lambda: which == "non-saturating", "Which slope is not nearly zero?")


def exercise_3(
    roughness: Callable, rough_generator: float, rough_average: float, game: Any
) -> None:
    """Check `roughness(images)`, and what it gave for a game's generator and for its average.

    The check draws latents of its own, so the learner's numbers must only come near to its own.
    """
    images = np.random.default_rng(0).uniform(-1, 1, (2, 4, 5, 3))
    stripes = images[:, :, :1].repeat(5, axis=2)  # each row of one colour
    expected = np.abs(np.diff(images, axis=2)).mean()
    check(lambda: np.isclose(roughness(images), expected), "np.diff along axis 2.")
    check(
        lambda: np.isclose(roughness(stripes), 0),
        "Only horizontal neighbours count: axis 1 is vertical.",
    )
    latents = game.draw_latents(64, seed=5)
    measured = [
        float(np.abs(np.diff(np.asarray(network(latents, training=False)), axis=2)).mean())
        for network in (game.generator, game.average)
    ]
    check(
        lambda: (
            np.allclose([rough_generator, rough_average], measured, rtol=0.25)
            and (rough_generator > rough_average) == (measured[0] > measured[1])
        ),
        "Same latents for both, images in [-1, 1], training=False.",
    )


def exercise_4(nearest: Callable) -> None:
    """Check `nearest(images, references)`, the position of the reference nearest to each image."""
    rng = np.random.default_rng(0)
    references = rng.integers(0, 256, (20, 4, 4, 3), np.uint8)
    order = rng.permutation(20)[:6]
    noise = rng.integers(-9, 10, (6, 4, 4, 3))
    images = (references[order].astype(int) + noise).clip(0, 255).astype(np.uint8)

    def right(answer: Any, positions: list[int]) -> bool:
        return list(answer) == list(positions)

    check(
        lambda: right(nearest(images, references), order),
        "Flatten, subtract, square, sum, argmin.",
    )
    dark = np.full((1, 1, 1, 3), 10, np.uint8)
    others = np.array([[[[250] * 3]], [[[40] * 3]]], np.uint8)
    check(lambda: right(nearest(dark, others), [1]), "In uint8, 10 - 250 is 16.")
    grey = np.array([[[[100, 100, 100]]]], np.uint8)
    even = [[[120, 120, 120]]]
    others = np.array([[[[160, 100, 40]]], even], np.uint8)
    check(lambda: right(nearest(grey, others), [1]), "Differences of both signs must not cancel.")
    near_sum = np.array([[[[135, 100, 100]]], even], np.uint8)  # a smaller sum, a larger square
    far_step = np.array([[[[130, 100, 100]]], even], np.uint8)  # a larger step, a smaller square
    check(
        lambda: right(nearest(grey, near_sum), [1]) and right(nearest(grey, far_step), [0]),
        "Square each difference, then add.",
    )
    blue = np.array([[[[90, 90, 90], [90, 90, 200], [90, 90, 20]]]], np.uint8)
    others = np.concatenate([blue[:, :, [0, 2, 1]], blue])  # only the layout differs, in blue
    check(lambda: right(nearest(blue, others), [1]), "Every pixel and every channel counts.")
