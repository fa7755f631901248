"""Checks of the exercises of appendix A, games that turn."""

from collections.abc import Callable

import numpy as np

from tutorial_lib.checks.verdict import check

STEPS = (0.05, 0.3, 1.0, 3.0)


def exercise_1(gamma_range: Callable) -> None:
    """Check `gamma_range(h)`, the strengths of R1 between which descent at once converges."""

    def growth(h: float, gamma: float) -> float:
        step = [[1, h / 2], [-h / 2, 1 - h * gamma]]
        return np.abs(np.linalg.eigvals(step)).max()

    def is_border(h: float, which: int, outward: float) -> bool:
        border = gamma_range(h)[which]
        return growth(h, border * outward) > 1 > growth(h, border / outward)

    check(lambda: all(is_border(h, 0, 1 / 1.02) for h in STEPS), "The smallest: where is Δ = 1?")
    check(lambda: all(is_border(h, 1, 1.02) for h in STEPS), "The largest: where is -T = 1 + Δ?")


def exercise_2(round_matrix: Callable) -> None:
    """Check `round_matrix(h, k)`, a round of k steps of D and one of G near the end of the game."""

    def plays_right(h: float, k: int) -> bool:
        theta, psi = 0.3, -0.7
        end = np.reshape(round_matrix(h, k), (2, 2)) @ [theta, psi]
        for _ in range(k):
            psi = psi - h / 2 * theta
        return np.allclose(end, [theta + h / 2 * psi, psi])

    check(lambda: all(plays_right(h, 1) for h in STEPS), "For k = 1 it is Eq. (A.5).")
    several = "A step after another is a product of matrices, the later one on the left."
    check(lambda: all(plays_right(h, k) for h in STEPS for k in (2, 5)), several)
