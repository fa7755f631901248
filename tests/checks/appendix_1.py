"""Answers to the exercises of appendix A."""

import numpy as np
from helpers.exercises import Exercise

from tutorial_lib.checks import appendix_1


def gamma_range(h):
    return h / 4, 2 / h + h / 8


def steps(h, k):
    """The generator's step, and k of the discriminator's."""
    return np.array([[1, h / 2], [0, 1]]), np.array([[1, 0], [-k * h / 2, 1]])


def round_matrix(h, k):
    generator, discriminator = steps(h, k)
    return generator @ discriminator


def generator_first(h, k):
    generator, discriminator = steps(h, k)
    return discriminator @ generator


EXERCISES = [
    Exercise(
        appendix_1.exercise_1,
        right=(gamma_range,),
        wrong={
            "constants": (lambda h: (0.25, 2.0),),
            "any R1 will do": (lambda h: (0.0, np.inf),),
            "no upper bound": (lambda h: (h / 4, np.inf),),
            "only up to real eigenvalues": (lambda h: (h / 4, 1.0),),
            "the upper bound to first order": (lambda h: (h / 4, 2 / h),),
            "where the largest is 1, not minus 1": (lambda h: (h / 4, h / 4),),
            "in the other order": (lambda h: gamma_range(h)[::-1],),
        },
    ),
    Exercise(
        appendix_1.exercise_2,
        right=(round_matrix,),
        wrong={
            "nothing moves": (lambda h, k: np.eye(2),),
            "one step, whatever k is": (lambda h, k: round_matrix(h, 1),),
            "the generator first": (generator_first,),
            "k steps of both": (lambda h, k: np.linalg.matrix_power(round_matrix(h, 1), k),),
            "at once": (lambda h, k: np.array([[1, h / 2], [-k * h / 2, 1]]),),
            "the sign turned": (lambda h, k: round_matrix(-h, k),),
        },
    ),
]
