"""Answers to the exercises of chapter 4."""

from functools import cache

import numpy as np
from helpers.exercises import Exercise

from tutorial_lib.checks import chapter_4
from tutorial_lib.data.points import MODE_DEVIATION, draw_points, mode_centres
from tutorial_lib.metrics.modes import grid_histogram, jensen_shannon, modes_covered


def discriminator(points):
    """Say real outside the circle of radius ½, and fake inside."""
    return 8 * (np.linalg.norm(points, axis=1, keepdims=True) - 0.5)


def measure(points):
    covered = modes_covered(points, mode_centres("ring"), 3 * MODE_DEVIATION).covered
    return covered, None


def on_circle(radius):
    return lambda latents: radius * latents / np.linalg.norm(latents, axis=1, keepdims=True)


def half_and_half(latents):
    """Make half of the points certainly real and half certainly fake: ½ on average."""
    points = on_circle(1.0)(latents)
    points[::2] *= 0.01
    return points


LATENTS = np.random.default_rng(0).standard_normal((400, 2))


@cache
def reference():
    return grid_histogram(draw_points("ring", 100_000, seed=1))


def floor(count, seeds=10, against=reference):
    return np.mean(
        [
            jensen_shannon(grid_histogram(draw_points("ring", count, seed=100 + seed)), against())
            for seed in range(seeds)
        ]
    )


def other_sample(count):
    return floor(count, against=lambda: grid_histogram(draw_points("ring", count, seed=7)))


def one_sample(count):
    return jensen_shannon(grid_histogram(draw_points("ring", count)), reference())


FACTOR = floor(1000) / floor(10_000)

EXERCISES = [
    Exercise(
        chapter_4.exercise_1,
        right=(1 / 3, 1.0),
        wrong={
            "what D says when the game is over": (0.5, 0.5),
            "p and q exchanged": (2 / 3, 0.0),
            "the part of the modes": (0.5, 1.0),
            "the logits": (np.log(0.5), np.inf),
            "nothing real is rewarded": (1 / 3, 0.0),
        },
    ),
    Exercise(
        chapter_4.exercise_2,
        right=(on_circle(0.5), 0),
        wrong={
            "untrained": (lambda latents: 0.1 * latents, 0),
            "as real as can be": (on_circle(1.0), measure(on_circle(1.0)(LATENTS))[0]),
            "one half on average": (half_and_half, measure(half_and_half(LATENTS))[0]),
            "all modes, it is hoped": (on_circle(0.5), 8),
            "the pair of numbers": (on_circle(0.5), (0, None)),
        },
        given=lambda: (discriminator, LATENTS, measure),
    ),
    Exercise(
        chapter_4.exercise_3,
        right=(floor, FACTOR),
        wrong={
            "a constant": (lambda count: 0.009, 1.0),
            "the rule, not measured": (floor, 10.0),
            "the other way round": (floor, 1 / FACTOR),
            "a sum of ten": (lambda count: 10 * floor(count), FACTOR),
            "two samples of this size": (other_sample, other_sample(1000) / other_sample(10_000)),
            "one seed for all, the reference's": (
                lambda count: jensen_shannon(
                    grid_histogram(draw_points("ring", 100_000, seed=1)), reference()
                ),
                FACTOR,
            ),
            "one sample, not an average": (
                lambda count: floor(count, seeds=1),
                floor(1000, seeds=1) / floor(10_000, seeds=1),
            ),
            "one seed ten times": (
                lambda count: np.mean([one_sample(count) for _ in range(10)]),
                one_sample(1000) / one_sample(10_000),
            ),
            "the square root of the rule": (floor, np.sqrt(10)),
        },
        given=lambda: (reference(),),
    ),
]
