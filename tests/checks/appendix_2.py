"""Answers to the exercises of appendix B."""

import math

import numpy as np
from helpers.exercises import Exercise

from tutorial_lib.checks import appendix_2


def busy_batch(flops_an_image, peak, used, launch):
    return math.ceil(launch * used * peak / flops_an_image)


def whole(counts, means, variances):
    mean = np.average(means, weights=counts)
    squares = np.average(np.array(variances) + np.square(means), weights=counts)
    return mean, squares - mean**2


EXERCISES = [
    Exercise(
        appendix_2.exercise_1,
        right=(busy_batch,),
        wrong={
            "a constant": (lambda *given: 16,),
            "the whole peak": (lambda f, peak, used, launch: busy_batch(f, peak, 1.0, launch),),
            "rounded down": (lambda *given: busy_batch(*given) - 1,),
            "one too many": (lambda *given: busy_batch(*given) + 1,),
            "always above": (lambda f, peak, used, launch: int(launch * used * peak / f) + 1,),
            "not a whole number": (lambda f, peak, used, launch: launch * used * peak / f,),
            "the other way round": (lambda f, p, used, t: math.ceil(f / (t * used * p)),),
        },
    ),
    Exercise(
        appendix_2.exercise_2,
        right=(whole,),
        wrong={
            "the first device's": (lambda n, means, variances: (means[0], variances[0]),),
            "means of both": (lambda n, means, variances: (np.mean(means), np.mean(variances)),),
            "variances averaged": (
                lambda n, means, variances: (
                    np.average(means, weights=n),
                    np.average(variances, weights=n),
                ),
            ),
            "as if of equal size": (lambda n, *moments: whole([1] * len(n), *moments),),
            "weighed the wrong way": (lambda n, *moments: whole([1 / k for k in n], *moments),),
            "sums": (lambda n, means, variances: (sum(means), sum(variances)),),
            "the mean alone": (lambda *given: (whole(*given)[0], 0.0),),
        },
    ),
]
