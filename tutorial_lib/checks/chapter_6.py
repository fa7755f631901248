"""Checks of the exercises of chapter 6."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from scipy.stats import nct
from scipy.stats import t as student

from tutorial_lib.checks.verdict import check
from tutorial_lib.losses import LossPair, discriminator_loss, get_loss


def exercise_1(smoothed_loss: Callable[..., tf.Tensor], c: float) -> None:
    """Check `smoothed_loss(r, f)`, cross-entropy with soft labels, and where its D rests."""
    logits = ([[3.0], [-1.0], [0.5]], [[-3.0], [0.5], [2.0]])
    several = [logits, logits[::-1], (np.zeros((4, 1)), np.ones((4, 1)))]

    def right(real: Sequence, fake: Sequence) -> bool:
        r, f = (tf.constant(part, tf.float32) for part in (real, fake))
        # softplus(r) is softplus(-r) + r
        wanted = discriminator_loss(r, f) + 0.1 * tf.reduce_mean(r)
        return abs(float(smoothed_loss(r, f)) - float(wanted)) < 1e-4

    check(lambda: all(right(*pair) for pair in several), "Three softplus, two weights, two means.")
    check(
        lambda: abs(1 / (1 + np.exp(-float(c))) - 0.45) < 1e-3,
        "Set the sum of the three slopes at c to zero, solve for sigma(c), then for c.",
    )


def exercise_2(power: Callable[[float, float, int], float], enough: int) -> None:
    """Check `power(gap, spread, n)`, how often Eq. (6.8) finds a gap, and the n for 80 %."""
    close = 0.04  # a simulation may be that far off
    gaps = [(1, 1, 9), (1, 1, 17), (2, 1, 5), (3, 3, 9), (1, 2, 30), (-2, 1, 5)]
    check(
        lambda: all(abs(power(*gap) - _power(*gap)) < close for gap in gaps),
        "Draw many such rows of runs: in which share of them does the gap exceed the margin?",
    )
    check(
        lambda: all(abs(power(0, 1, n) - 0.05) < close for n in (2, 5, 20)),
        "Where there is no gap, Eq. (6.8) still finds one in 5 % of cases.",
    )
    check(lambda: abs(int(enough) - 17) <= 1, "The smallest n whose power reaches 0.8.")


def exercise_3(
    hinge_d: LossPair,
    hinge_g: LossPair,
    modes_d: Sequence[int],
    modes_g: Sequence[int],
    to_blame: str,
    steps: int,
) -> None:
    """Check the two mixed pairs, the modes that they covered, and which half keeps modes away.

    After a handful of `steps` neither game has found its modes, and both may have as many.
    """
    hinge, usual = get_loss("hinge"), get_loss("non-saturating")
    check(
        lambda: (
            tuple(hinge_d) == (usual.generator, hinge.discriminator)
            and tuple(hinge_g) == (hinge.generator, usual.discriminator)
        ),
        "losses.LossPair(generator=..., discriminator=...)",
    )
    check(
        lambda: (
            len(modes_d) == len(modes_g) >= 3
            and all(0 <= modes <= 25 for modes in (*modes_d, *modes_g))
        ),
        "Play each pair with three seeds, and keep the number of modes of each game.",
    )
    check(
        lambda: (
            to_blame == "discriminator"
            and (sum(modes_d) < sum(modes_g) or (steps < 100 and sum(modes_d) == sum(modes_g)))
        ),
        "Which half is in both games that miss modes: hinge with hinge, and the worse of yours?",
    )


def _power(gap: float, spread: float, n: int) -> float:
    """Return how often Student's test with n runs of each finds a gap, from its distribution."""
    freedom, shift = 2 * n - 2, gap / (spread * np.sqrt(2 / n))
    border = student.ppf(0.975, freedom)
    return nct.sf(border, freedom, shift) + nct.cdf(-border, freedom, shift)
