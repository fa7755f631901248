"""Checks of the exercises of chapter 1."""

from collections.abc import Callable

import numpy as np

from tutorial_lib.checks.verdict import check


def exercise_1(digits: Callable[..., int]) -> None:
    """Check `digits(height, width, channels, levels)`, the digits of the number of pictures."""
    small = [(1, 1, 1, 256), (2, 1, 1, 10), (1, 1, 1, 10), (3, 2, 1, 7), (1, 1, 3, 2)]

    def right(sizes: tuple) -> bool:
        height, width, channels, levels = sizes
        return digits(*sizes) == len(str(levels ** (height * width * channels)))

    check(
        lambda: all(map(right, small)),
        "One number of 256 levels makes 256 pictures: 3 digits. So do all from 10² to 999.",
    )
    check(lambda: right((16, 16, 3, 256)), "Floor of the logarithm to base 10, plus 1.")


def exercise_2(project: Callable, mu: np.ndarray, U: np.ndarray) -> None:
    """Check `project(images, K)`, the nearest points in the space of the first K directions.

    `mu` (D,) is the mean and `U` (D, 4 or more) holds orthonormal directions in its columns.
    """
    coordinates = np.array([[1, -2, 3], [0.5, 0, -1]], "float32")
    inside = mu + coordinates @ U[:, :3].T
    nearer = mu + coordinates[:, :2] @ U[:, :2].T
    outside = inside + 2 * U[:, 3]

    def close(answer: np.ndarray, truth: np.ndarray) -> bool:
        return np.shape(answer) == truth.shape and np.allclose(answer, truth, atol=1e-3)

    check(lambda: close(project(mu[None], 3), mu[None]), "Subtract the mean, and add it again.")
    check(lambda: close(project(inside, 3), inside), "What lies in that space stays where it is.")
    check(
        lambda: close(project(outside, 3), inside) and close(project(outside, 2), nearer),
        "What the first K directions do not hold is lost.",
    )


def exercise_3(condition: Callable) -> None:
    """Check `condition(mean, C, known, values)`, the mean and covariance of what is not known."""
    mean = np.array([0.0, 1.0, 2.0, -1.0])
    mix = np.array([[1.0, 0, 0, 0], [0.8, 1.2, 0, 0], [-0.3, 0.6, 0.7, 0], [0.5, -0.4, 0.2, 0.9]])
    C = mix @ mix.T
    cases = [
        (np.array([True, False, False, False]), np.array([1.5])),
        (np.array([False, True, False, True]), np.array([-0.5, 0.7])),
    ]

    def truth(known: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From the inverse of C: its block of the unknown is the inverse of their covariance."""
        precision = np.linalg.inv(C)
        covariance = np.linalg.inv(precision[np.ix_(~known, ~known)])
        shift = precision[np.ix_(~known, known)] @ (values - mean[known])
        return mean[~known] - covariance @ shift, covariance

    def right(part: int) -> bool:
        return all(
            np.shape(condition(mean, C, *case)[part]) == truth(*case)[part].shape
            and np.allclose(condition(mean, C, *case)[part], truth(*case)[part])
            for case in cases
        )

    check(lambda: right(0), "The mean is in Eq. (1.14); np.ix_ cuts blocks out of a matrix.")
    check(lambda: right(1), "Multiply out Cov(e, e), and use W C_aa = C_ba.")
