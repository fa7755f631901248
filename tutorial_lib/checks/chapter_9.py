"""Checks of the exercises of chapter 9."""

from collections.abc import Callable, Sequence

import numpy as np

from tutorial_lib.checks.verdict import check
from tutorial_lib.metrics.neighbours import find_copies, nearest_training_images
from tutorial_lib.metrics.prdc import density_coverage

CHEATS = 60


def exercise_1(
    transport: Callable[[Sequence, Sequence], float],
    gaussian: Callable[[Sequence, Sequence], float],
) -> None:
    """Check the cost of moving x to y, two lists of one length, and that of their Gaussians."""
    rng = np.random.default_rng(0)
    coins = rng.permutation(np.tile([-1.0, 1.0], 5000))
    normals = rng.normal(size=10_000)
    x, y = [3.0, 1.0, 2.0], [1.0, 2.0, 4.0]
    least = 2 - 2 * np.sqrt(2 / np.pi)
    check(lambda: np.isclose(transport(x, y), 1 / 3), "Which number moves to which?")
    check(lambda: np.isclose(transport([0, 0], [2, 4]), 10), "Which mean does the plan need?")
    check(lambda: abs(transport(coins, normals) - least) < 0.05, "The coin must move.")
    check(lambda: abs(gaussian(coins, normals)) < 0.01, "Which means and deviations are there?")
    check(lambda: np.isclose(gaussian([0, 2], [10, 16]), 148), "Both terms of Eq. (9.2).")


def exercise_2(unbiased_shift: Callable[[np.ndarray, np.ndarray], float]) -> None:
    """Check the squared distance of two means, less what chance adds: features (N, D), (M, D)."""
    rng = np.random.default_rng(0)
    # Features that differ in scale and mean, and hang together, on unequal numbers of images
    mixing = rng.normal(size=(4, 4)) + np.diag([1.0, 2.0, 3.0, 4.0])
    due = np.square(mixing).sum() * (1 / 12 + 4 / 6)  # y has twice the deviation

    def error(gap: float) -> float:
        """Return by how much the mean correction misses the one that is due."""
        errors = []
        for _ in range(1000):
            x = rng.normal(size=(12, 4)) @ mixing + 9 * np.arange(4)
            y = 2 * rng.normal(size=(6, 4)) @ mixing + 9 * np.arange(4) + gap
            shift = np.square(x.mean(axis=0) - y.mean(axis=0)).sum()
            errors.append(unbiased_shift(x, y) - (shift - due))
        return abs(np.mean(errors)) / due

    check(lambda: error(0) < 0.05, "Which term of Eq. (9.4) belongs to which set?")
    check(lambda: error(2) < 0.05, "A real shift has to stay.")


def exercise_3(
    cheat: Callable[[np.ndarray], np.ndarray],
    catch: Callable[[np.ndarray, np.ndarray], Sequence[bool]],
    training: np.ndarray,
    honest: np.ndarray,
    measure: Callable[[np.ndarray], np.ndarray],
) -> None:
    """Check a cheat made from images, and what tells it from honest images.

    `cheat(images)` returns as many, all uint8 (N, h, w, 3). `catch(images, training)` says of
    each of some images whether it is a copy. Of `training`, 100 or more, the first and the last
    60 are copied; `honest` are new images of the same kind. `measure` gives features (N, D).
    """
    features = measure(training)
    parts = [slice(0, CHEATS), slice(len(training) - CHEATS, len(training))]

    def every(test: Callable[[np.ndarray, slice], bool]) -> bool:
        return all(test(np.asarray(cheat(training[part].copy())), part) for part in parts)

    def all_different(images: np.ndarray, part: slice) -> bool:
        return len(images) == len(np.unique(images, axis=0)) == CHEATS

    def passes_for_new(images: np.ndarray, part: slice) -> bool:
        found = nearest_training_images(measure(images), features)
        return not len(find_copies(found))

    def covers(images: np.ndarray, part: slice) -> bool:
        return density_coverage(features[part], measure(images)).coverage >= 0.8

    def is_made_from(images: np.ndarray, part: slice) -> bool:
        """The one that it was made from is nearest more often than not, by chance once in N."""
        found = nearest_training_images(measure(images), features[part])
        return bool(np.mean(found.positions == np.arange(CHEATS)) > 0.5)

    def is_caught(images: np.ndarray, part: slice) -> bool:
        mixed = np.concatenate([images[::-1], honest[:CHEATS]])
        verdicts = np.asarray(catch(mixed, training), bool)
        return bool(verdicts[:CHEATS].mean() >= 0.8 and verdicts[CHEATS:].mean() <= 0.1)

    check(lambda: every(all_different), "Return 60 images, all different.")
    check(lambda: every(passes_for_new), "Some are named by find_copies: go a little farther.")
    check(lambda: every(covers), "Some of the 60 are no longer covered: you went too far.")
    check(lambda: every(is_made_from), "Image i must still come from images[i].")
    check(lambda: every(is_caught), "What do your copies share with their originals?")
    check(
        lambda: np.mean(catch(honest[:CHEATS], training)) <= 0.1,
        "New cats are accused: how far are they from all training images?",
    )
    check(
        lambda: np.mean(catch(np.asarray(cheat(honest[:CHEATS].copy())), training)) <= 0.1,
        "New cats, changed as you change copies, are accused: compare with the training images.",
    )
