"""Checks of the exercises of appendix B, notebooks/A2_cost_and_devices.ipynb."""

from collections.abc import Callable, Sequence

import numpy as np

from tutorial_lib.checks.verdict import check

Moments = Callable[[Sequence[int], Sequence[float], Sequence[float]], tuple[float, float]]


def exercise_1(busy_batch: Callable[[float, float, float, float], int]) -> None:
    """Check `busy_batch(flops_an_image, peak, used, launch)`, where arithmetic begins to count."""

    def right(flops: float, peak: float, used: float, launch: float) -> bool:
        batch = busy_batch(flops, peak, used, launch)
        seconds = flops / (used * peak)
        return batch % 1 == 0 and (batch - 1) * seconds < launch <= batch * seconds

    check(
        lambda: right(1e9, 1e12, 0.5, 7e-3) and right(3e9, 5e13, 0.03, 8.1e-3),
        "B F / (u P) >= t_0: solve for B.",
    )
    check(
        lambda: right(1e9, 1e12, 0.3, 8e-3) and right(2.0**30, 2.0**40, 0.5, 2.0**-6),
        "A batch is a whole number: the smallest that is large enough.",
    )


def exercise_2(whole: Moments) -> None:
    """Check `whole(counts, means, variances)`, the mean and variance over several devices."""
    random = np.random.default_rng(0)

    def right(*counts: int, apart: float = 1.0) -> tuple[bool, bool]:
        """Return whether the mean is right, and whether the variance is."""
        parts = [random.normal(place * apart, 1 + place, n) for place, n in enumerate(counts)]
        moments = [part.mean() for part in parts], [part.var() for part in parts]
        mean, variance = whole(list(counts), *moments)
        images = np.concatenate(parts)
        return bool(np.isclose(mean, images.mean())), bool(np.isclose(variance, images.var()))

    check(
        lambda: right(8, 8)[0] and right(3, 13, 5)[0],
        "A device with more images counts more: the sum over all images, by their number.",
    )
    check(
        lambda: right(8, 8)[1] and right(3, 13, 5, apart=4.0)[1],
        "The devices' means differ as well. What is the mean of the squares, over all images?",
    )
