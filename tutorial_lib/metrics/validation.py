"""What every metric asks of the features that it is given."""

import numpy as np

from tutorial_lib.errors import TutorialError


def checked_features(features: np.ndarray, least: int = 2) -> np.ndarray:
    """Return features (N, D) in float64.

    Raises `TutorialError` for another shape, fewer than `least` rows, or values that are not
    finite.
    """
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or features.shape[0] < least or features.shape[1] < 1:
        raise TutorialError(
            f"Features must have the shape (N, D) with N at least {least}, not {features.shape}: "
            f"this measure needs {least} images or more."
        )
    bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(bad):
        raise TutorialError(f"Features must be finite, but those of number {bad[0]} are not.")
    return features


def checked_pair(
    first: np.ndarray, second: np.ndarray, least: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Return two sets of features in float64, or raise `TutorialError` if they do not compare."""
    first, second = checked_features(first, least), checked_features(second, least)
    check_dimensions(first.shape[1], second.shape[1])
    return first, second


def check_dimensions(first: int, second: int) -> None:
    """Raise `TutorialError` if two sets of features have different numbers of them."""
    if first != second:
        raise TutorialError(
            f"Both sets need the same features, but one has {first} of them and the other {second}."
        )
