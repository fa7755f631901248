"""Checks of the exercises of chapter 4."""

from collections.abc import Callable

import numpy as np

from tutorial_lib.checks.verdict import check
from tutorial_lib.data.points import draw_points
from tutorial_lib.metrics.modes import grid_histogram, jensen_shannon


def exercise_1(at_generated: float, at_missed: float) -> None:
    """Check the best verdict at a mode that is generated, and at one that is missed."""
    check(
        lambda: abs(at_generated - 1 / 3) < 0.01,
        "p has an eighth of its points there. How many of its points has q?",
    )
    check(lambda: abs(at_missed - 1) < 0.01, "What is q there?")


def exercise_2(
    student: Callable, covered: int, discriminator: Callable, latents: np.ndarray, measure: Callable
) -> None:
    """Check a generator that aims at a verdict of one half, and its modes as `measure` counts."""

    def undecided() -> bool:
        logits = np.asarray(discriminator(student(latents)), np.float64)
        verdicts = 1 / (1 + np.exp(-logits))
        return np.abs(verdicts - 0.5).mean() < 0.15

    check(undecided, "D should say about one half of each point, and not only of their mean.")
    check(
        lambda: covered == measure(student(latents))[0],
        "measure(student(latents)) gives the modes covered, and the JSD.",
    )


def exercise_3(floor: Callable[[int], float], factor: float, reference: np.ndarray) -> None:
    """Check `floor(count)`, the mean divergence of real points from `reference`, and a ratio."""

    def expected(count: int) -> float:
        divergences = [
            jensen_shannon(grid_histogram(draw_points("ring", count, seed=1000 + seed)), reference)
            for seed in range(100)
        ]
        return np.mean(divergences)

    def near(value: float, true: float) -> bool:
        return abs(value - true) < 0.2 * true

    counts = (100, 200, 400, 800, 1600)  # one seed alone is seldom near at all of them
    check(
        lambda: all(near(floor(count), expected(count)) for count in counts),
        "Draw real points with a seed of their own, take the histogram, compare, and average.",
    )
    check(
        lambda: abs(factor - floor(1000) / floor(10_000)) < 0.05 * factor,
        "Divide one floor by the other; it is not quite what the rule says.",
    )
