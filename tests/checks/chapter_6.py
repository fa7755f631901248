"""Answers to the exercises of chapter 6."""

import math

import numpy as np
import tensorflow as tf
from helpers.exercises import Exercise
from scipy.stats import norm
from scipy.stats import t as student

from tutorial_lib import losses
from tutorial_lib.checks import chapter_6


def mean_softplus(logits):
    return tf.reduce_mean(tf.nn.softplus(logits))


def smoothed_loss(r, f):
    return 0.9 * mean_softplus(-r) + 0.1 * mean_softplus(r) + mean_softplus(f)


def two_sided(r, f):
    return smoothed_loss(r, f) - 0.1 * mean_softplus(f) + 0.1 * mean_softplus(-f)


def swapped(r, f):
    return 0.1 * mean_softplus(-r) + 0.9 * mean_softplus(r) + mean_softplus(f)


def summed(r, f):
    return smoothed_loss(r, f) * len(r)


def generators_view(r, f):
    return smoothed_loss(-r, -f)


C = math.log(0.45 / 0.55)


def simulated(border=student.ppf, paired=False, sides=2):
    """Return a power(gap, spread, n) by simulation, with one mistake or none."""

    def power(gap, spread, n):
        a, b = np.random.default_rng(0).normal(size=(2, 5000, n))
        d = b * spread + gap - a * spread
        variance = d.var(axis=1, ddof=1) if paired else spread**2 * 2 * _pooled(a, b)
        margin = border(0.975, n - 1 if paired else 2 * n - 2) * np.sqrt(variance / n)
        gaps = d.mean(axis=1) if sides == 1 else np.abs(d.mean(axis=1))
        return np.mean(gaps > margin)

    return power


def _pooled(a, b):
    return (a.var(axis=1, ddof=1) + b.var(axis=1, ddof=1)) / 2


def all_or_nothing(gap, spread, n):
    return float(gap > student.ppf(0.975, 2 * n - 2) * spread * math.sqrt(2 / n))


POWER = simulated()
HINGE, USUAL = losses.get_loss("hinge"), losses.get_loss("non-saturating")
HINGE_D = losses.LossPair(USUAL.generator, HINGE.discriminator)
HINGE_G = losses.LossPair(HINGE.generator, USUAL.discriminator)
FEW, MANY = [13, 7, 4], [20, 8, 23]

EXERCISES = [
    Exercise(
        chapter_6.exercise_1,
        right=(smoothed_loss, C),
        wrong={
            "without smoothing": (losses.discriminator_loss, C),
            "fakes smoothed too": (two_sided, C),
            "the weights exchanged": (swapped, C),
            "a sum instead of a mean": (summed, C),
            "the sign of the logits": (generators_view, C),
            "a constant": (lambda r, f: tf.constant(1.0), C),
            "flat at 0, as without smoothing": (smoothed_loss, 0.0),
            "a probability instead of a logit": (smoothed_loss, 0.45),
            "the sign of c": (smoothed_loss, -C),
            "the rest of a real image alone": (smoothed_loss, math.log(0.9 / 0.1)),
        },
    ),
    Exercise(
        chapter_6.exercise_2,
        right=(POWER, 17),
        wrong={
            "a constant": (lambda gap, spread, n: 0.5, 17),
            "found for certain or never": (all_or_nothing, 17),
            "the n that finds half": (POWER, 9),
            "a normal instead of Student's t": (simulated(lambda q, _: norm.ppf(q)), 17),
            "one side": (simulated(sides=1), 17),
            "paired, though the runs are independent": (simulated(paired=True), 17),
            "without the spread": (lambda gap, spread, n: POWER(gap, 1, n), 17),
            "the chance to miss it": (lambda *setting: 1 - POWER(*setting), 17),
        },
    ),
    Exercise(
        chapter_6.exercise_3,
        right=(HINGE_D, HINGE_G, FEW, MANY, "discriminator"),
        wrong={
            "the generator blamed": (HINGE_D, HINGE_G, FEW, MANY, "generator"),
            "the pairs exchanged": (HINGE_G, HINGE_D, FEW, MANY, "discriminator"),
            "halves in the wrong order": (
                losses.LossPair(*HINGE_D[::-1]),
                losses.LossPair(*HINGE_G[::-1]),
                FEW,
                MANY,
                "discriminator",
            ),
            "hinge as it is": (HINGE, USUAL, FEW, MANY, "discriminator"),
            "one seed": (HINGE_D, HINGE_G, FEW[:1], MANY[:1], "discriminator"),
            "guessed without a game": (HINGE_D, HINGE_G, [], [], "discriminator"),
            "blamed against what was counted": (HINGE_D, HINGE_G, MANY, FEW, "discriminator"),
            "blamed without a difference": (HINGE_D, HINGE_G, FEW, FEW, "discriminator"),
            "no mode at all": (HINGE_D, HINGE_G, [0, 0, 0], [0, 0, 0], "discriminator"),
        },
        given=lambda: (2000,),
    ),
]
