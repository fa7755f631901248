"""Checks of the exercises of chapter 1."""

from collections.abc import Callable

from tutorial_lib.checks.verdict import check


def exercise_1(digits: Callable[..., int]) -> None:
    """Check `digits(height, width, channels, levels)`, the digits of the number of pictures."""
    small = [(1, 1, 1, 256), (2, 1, 1, 10), (1, 1, 1, 10), (3, 2, 1, 7), (1, 1, 3, 2)]

    def right(sizes: tuple) -> bool:
        height, width, channels, levels = sizes
        return digits(*sizes) == len(str(levels ** (height * width * channels)))

    check(lambda: all(map(right, small)), "256 has 3 digits, so has 10².")
    check(lambda: right((16, 16, 3, 256)), "Floor of the logarithm to base 10, plus 1.")
