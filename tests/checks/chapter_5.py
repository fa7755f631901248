"""Answers to the exercises of chapter 5."""

import numpy as np
from helpers.exercises import Exercise

from tutorial_lib.checks import chapter_5


def best_logit(p, q, k):
    return np.log(k * p / q)


def best_output(p, q):
    return p / (p + q)


def best_cost(p, q, dx):
    t = best_output(p, q)
    return (0.5 * p * (t - 1) ** 2 + 0.5 * q * t**2).sum() * dx


def kl_value(real_logits, fake_logits):
    return np.mean(real_logits) + 1 - np.mean(np.exp(fake_logits))


def js_value(real_logits, fake_logits):
    softplus = np.mean(np.logaddexp(0, -real_logits)) + np.mean(np.logaddexp(0, fake_logits))
    return (np.log(4) - softplus) / 2


EXERCISES = [
    Exercise(
        chapter_5.exercise_1,
        right=(best_logit,),
        wrong={
            "a constant": (lambda p, q, k: 0.0,),
            "without k": (lambda p, q, k: np.log(p / q),),
            "k outside the logarithm": (lambda p, q, k: k * np.log(p / q),),
            "k with the fakes": (lambda p, q, k: np.log(p / (k * q)),),
            "the sign turned": (lambda p, q, k: -best_logit(p, q, k),),
            "the probability": (lambda p, q, k: k * p / (k * p + q),),
            "the ratio": (lambda p, q, k: k * p / q,),
        },
    ),
    Exercise(
        chapter_5.exercise_2,
        right=(best_output, best_cost),
        wrong={
            "one half": (lambda p, q: 0.5 * np.ones_like(p), lambda p, q, dx: 0.25),
            "the logit": (lambda p, q: np.log(p / q), best_cost),
            "the other probability": (lambda p, q: q / (p + q), best_cost),
            "without dx": (best_output, lambda p, q, dx: best_cost(p, q, 1.0)),
            "a mean": (best_output, lambda p, q, dx: best_cost(p, q, 1 / len(p))),
            "without the halves": (best_output, lambda p, q, dx: 2 * best_cost(p, q, dx)),
            "the cost at p = q": (best_output, lambda p, q, dx: 0.25),
            "the real cats' part": (
                best_output,
                lambda p, q, dx: (p * (best_output(p, q) - 1) ** 2 / 2).sum() * dx,
            ),
        },
    ),
    Exercise(
        chapter_5.exercise_3,
        right=(kl_value,),
        wrong={
            "a constant": (lambda real, fake: 0.0,),
            "without the 1": (lambda real, fake: np.mean(real) - np.mean(np.exp(fake)),),
            "without the exponential": (lambda real, fake: np.mean(real) - np.mean(fake),),
            "the sign turned": (lambda real, fake: -kl_value(real, fake),),
            "the two sets exchanged": (lambda real, fake: kl_value(fake, real),),
            "the JSD's": (js_value,),
            "only the real cats": (lambda real, fake: np.mean(real),),
        },
    ),
]
