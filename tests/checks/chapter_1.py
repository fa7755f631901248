"""Answers to the exercises of chapter 1."""

import math

import numpy as np
from helpers.exercises import Exercise

from tutorial_lib.checks import chapter_1

rng = np.random.default_rng(0)
MU = rng.normal(size=12).astype("float32")
U = np.linalg.qr(rng.normal(size=(12, 6)))[0].astype("float32")


def digits(height, width, channels, levels=256):
    return math.floor(height * width * channels * math.log10(levels)) + 1


def project(images, K):
    return MU + (images - MU) @ U[:, :K] @ U[:, :K].T


def condition(mean, C, known, values, *, sign=1):
    C_ab = C[np.ix_(known, ~known)]
    W = sign * np.linalg.solve(C[np.ix_(known, known)], C_ab).T
    return mean[~known] + W @ (values - mean[known]), C[np.ix_(~known, ~known)] - W @ C_ab


def unconditional(mean, C, known, values):
    return mean[~known], C[np.ix_(~known, ~known)]


def without_inverse(mean, C, known, values):
    W = C[np.ix_(~known, known)]
    expected = mean[~known] + W @ (values - mean[known])
    return expected, C[np.ix_(~known, ~known)] - W @ C[np.ix_(known, ~known)]


EXERCISES = [
    Exercise(
        chapter_1.exercise_1,
        right=(digits,),
        wrong={
            "a constant": (lambda *sizes: 3,),
            "without the last digit": (lambda *sizes: digits(*sizes) - 1,),
            "the number of values": (lambda h, w, c, levels=256: h * w * c,),
            "always 256 levels": (lambda h, w, c, levels=256: digits(h, w, c),),
        },
    ),
    Exercise(
        chapter_1.exercise_2,
        right=(project,),
        wrong={
            "the images": (lambda images, K: images,),
            "the mean": (lambda images, K: MU + 0 * images,),
            "the mean not subtracted": (lambda images, K: images @ U[:, :K] @ U[:, :K].T,),
            "the mean not added": (lambda images, K: project(images, K) - MU,),
            "three directions, whatever K": (lambda images, K: project(images, 3),),
            "all directions": (lambda images, K: project(images, 6),),
            "one direction too many": (lambda images, K: project(images, K + 1),),
            "one direction too few": (lambda images, K: project(images, K - 1),),
            "the last directions": (
                lambda images, K: MU + (images - MU) @ U[:, -K:] @ U[:, -K:].T,
            ),
            "the coordinates": (lambda images, K: (images - MU) @ U[:, :K],),
        },
        given=lambda: (MU, U),
    ),
    Exercise(
        chapter_1.exercise_3,
        right=(condition,),
        wrong={
            "as if nothing were known": (unconditional,),
            "the sign of W turned": (lambda *given: condition(*given, sign=-1),),
            "the covariance unchanged": (
                lambda *given: (condition(*given)[0], unconditional(*given)[1]),
            ),
            "the mean unchanged": (
                lambda *given: (unconditional(*given)[0], condition(*given)[1]),
            ),
            "W without the inverse": (without_inverse,),
            "variances only": (
                lambda *given: (condition(*given)[0], condition(*given)[1].diagonal()),
            ),
        },
    ),
]
