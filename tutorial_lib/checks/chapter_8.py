"""Checks of the exercises of chapter 8."""

from collections.abc import Callable

import numpy as np

from tutorial_lib.algorithms.schedules import ema_beta
from tutorial_lib.checks.verdict import check


def exercise_1(uneven: Callable[[int, int], bool], smooth: list[int]) -> None:
    """Check `uneven(kernel, stride)`, and the list of kernels that suit stride 3."""

    def right(stride: int) -> bool:
        safe = [kernel for kernel in range(2, 13) if not uneven(kernel, stride)]
        return safe == [kernel for kernel in range(2, 13) if _even(kernel, stride)]

    check(lambda: right(2), "Eq. (8.1) for stride 2: are the numbers for r = 0 and 1 equal?")
    check(lambda: right(3) and right(4), "Other strides have more values of r: 0 to stride - 1.")
    check(lambda: list(smooth) == [3, 6, 9], "Ask uneven(kernel, 3) for each kernel.")


def _even(kernel: int, stride: int) -> bool:
    """Return whether all pixels inside are reached by as many taps, by counting these."""
    counts = np.bincount(np.arange(kernel) % stride, minlength=stride)
    return counts.min() == counts.max()


def exercise_2(images_until: Callable[[float, float, int], float]) -> None:
    """Check `images_until(share, beta, batch)`, the images until a share of the weights is left."""

    def right(share: float, steps: int, batch: int) -> bool:
        found = images_until(share, share ** (1 / steps), batch)
        return abs(found - steps * batch) <= 0.01 * steps * batch

    beta = ema_beta(10**6, 16, halflife_kimg=10)
    check(
        lambda: abs(images_until(0.5, beta, 16) - 10_000) <= 16,
        "After some steps, beta ** steps == share: solve for the steps.",
    )
    check(lambda: right(0.01, 900, 64) and right(0.3, 50, 8), "A step is `batch` images.")


def exercise_3(
    laziest: Callable[[float, float, float], int], strength: Callable[[float, int], float]
) -> None:
    """Check the smallest interval of a penalty that costs little, and the strength it needs."""

    def right(plain: float, penalised: float, extra: float) -> bool:
        interval = laziest(plain, penalised, extra)

        def cost(every: float) -> float:
            return plain + (penalised - plain) / every

        most = (1 + extra) * plain * (1 + 1e-9)  # rounding
        return cost(interval) <= most and (interval == 1 or cost(interval - 1) > most)

    cases = [(1.0, 1.5, 0.25), (2.0, 3.0, 0.125), (0.02, 0.05, 0.07), (3.0, 4.0, 0.5)]
    check(
        lambda: all(laziest(*case) % 1 == 0 and right(*case) for case in cases),
        "(penalised - plain) / I may be at most extra * plain; I is a whole number.",
    )
    check(
        lambda: [strength(0.3, 8) / 8, strength(2.0, 5)] == [0.3, 10.0],
        "Its mean over I steps, I - 1 of which have none, must be gamma: Eq. (8.4).",
    )


def exercise_4(negative: Callable, forbidden: float) -> None:
    """Check the transform `negative(images, seed, probability)`, and where it can't be undone."""
    import tensorflow as tf

    images = tf.random.stateless_uniform((1000, 2, 2, 3), [1, 2], 0.1, 1.0)
    seeds = tf.constant([[0, 5], [7, 1]])

    def signs(seed: object, probability: float = 0.3) -> np.ndarray:
        """Return what became of each value: 1 as it was, -1 its negative."""
        return np.asarray(negative(images, seed, probability)) / images.numpy()

    def is_whole() -> bool:
        found = signs(seeds[0])
        return np.allclose(np.abs(found), 1) and np.allclose(found, found[:, :1, :1, :1])

    def are_shares_right() -> bool:
        shares = [np.mean(signs(seeds[0], wanted) < 0) for wanted in (0.1, 0.3, 0.8)]
        return bool(np.allclose(shares, (0.1, 0.3, 0.8), atol=0.06))

    def is_from_the_seed() -> bool:
        first, again, other = signs(seeds[0]), signs(seeds[0]), signs(seeds[1])
        return np.array_equal(first, again) and not np.allclose(first, other)

    def is_each_by_itself() -> bool:
        changed = [int(np.sum(signs(tf.constant([number, 5])) < 0)) for number in range(5)]
        return len(set(changed)) > 1

    def is_differentiable() -> bool:
        with tf.GradientTape() as tape:
            tape.watch(images)
            total = tf.reduce_sum(negative(images, seeds[0], 0.3))
        return np.allclose(np.abs(tape.gradient(total, images)), 1)

    check(is_whole, "A whole image keeps its sign or changes it: one number an image, not a pixel.")
    check(are_shares_right, "Compare the numbers, uniform in [0, 1), with `probability`.")
    check(is_from_the_seed, "tf.random.stateless_uniform gives the same numbers for the same seed.")
    check(is_each_by_itself, "Toss for each image: how many change differs from seed to seed.")
    check(is_differentiable, "Multiply by 1 or -1, in TensorFlow.")
    check(
        lambda: forbidden == 0.5,
        "The pair p(x), p(-x) goes through a 2x2 matrix. When is its determinant 0?",
    )
