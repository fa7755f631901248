"""Checks of the exercises of chapter 5."""

from collections.abc import Callable

import numpy as np

from tutorial_lib.checks.verdict import check

GRID = np.linspace(-8, 9, 500)
SPACING = GRID[1] - GRID[0]


def exercise_1(best_logit: Callable) -> None:
    """Check `best_logit(p, q, k)`, where D's loss has no slope if real cats count k times."""
    p, q = np.random.default_rng(0).uniform(0.1, 2, size=(2, 50))

    def has_no_slope(k: float) -> bool:
        logit = np.asarray(best_logit(p, q, k), float)
        return np.allclose(k * p / (1 + np.exp(logit)), q / (1 + np.exp(-logit)))

    check(lambda: has_no_slope(1), "With k = 1 it is Eq. (5.5).")
    check(lambda: all(map(has_no_slope, (0.5, 3, 20))), "p becomes kp, and nothing else changes.")


def exercise_2(best_output: Callable, best_cost: Callable) -> None:
    """Check `best_output(p, q)` and `best_cost(p, q, dx)` of the quadratic cost."""
    pairs = [(_gaussian(0), _gaussian(mean)) for mean in (0, 0.5, 2)]

    def is_least(p: np.ndarray, q: np.ndarray) -> bool:
        return np.allclose(p * (best_output(p, q) - 1) + q * best_output(p, q), 0)

    def is_cost(p: np.ndarray, q: np.ndarray) -> bool:
        outputs = np.linspace(0, 1, 1001)[:, None]
        costs = p * (outputs - 1) ** 2 / 2 + q * outputs**2 / 2
        return np.isclose(best_cost(p, q, SPACING), costs.min(axis=0).sum() * SPACING, rtol=1e-4)

    check(lambda: all(is_least(*pair) for pair in pairs), "Set the derivative of the cost to zero.")
    check(
        lambda: all(is_cost(*pair) for pair in pairs),
        "Put best_output back into the integrand; an integral is a sum, times dx.",
    )


def exercise_3(kl_value: Callable) -> None:
    """Check `kl_value(real_logits, fake_logits)`, what a discriminator maximises to measure KL."""
    noise = np.random.default_rng(0).normal(size=20_000)
    real, shift = noise, 0.5
    fake = noise + shift
    best = shift**2 / 2 - shift * real, shift**2 / 2 - shift * fake
    check(
        lambda: np.isclose(kl_value(np.zeros(5), np.zeros(5)), 0),
        "At D = 0, c is 1 everywhere: what are φ(1) and φ'(1)?",
    )
    check(
        lambda: np.isclose(kl_value(*best), shift**2 / 2, atol=0.02),
        "At the best logit, log p/q, it is the KL divergence.",
    )
    check(
        lambda: np.isclose(kl_value(real, fake), real.mean() + 1 - np.exp(fake).mean()),
        "For other logits it is a lower bound: derive φ'(c) and c φ'(c) - φ(c) for φ(u) = u log u.",
    )


def _gaussian(mean: float) -> np.ndarray:
    return np.exp(-((GRID - mean) ** 2) / 2) / np.sqrt(2 * np.pi)
