"""Answers to the exercises of chapter 9."""

import functools

import numpy as np
from helpers.exercises import Exercise

from tutorial_lib.checks import chapter_9
from tutorial_lib.data.drawn import draw_cats
from tutorial_lib.metrics.features import lite0_features


def transport(x, y):
    return np.mean((np.sort(x) - np.sort(y)) ** 2)


def gaussian(x, y):
    return (np.mean(x) - np.mean(y)) ** 2 + (np.std(x) - np.std(y)) ** 2


def of_unsorted(x, y):
    return np.mean((np.asarray(x) - np.asarray(y)) ** 2)


def shift(x, y):
    return np.square(x.mean(axis=0) - y.mean(axis=0)).sum()


def by_chance(x, **named):
    return x.var(axis=0, **named).sum() / len(x)


def unbiased_shift(x, y):
    return shift(x, y) - by_chance(x, ddof=1) - by_chance(y, ddof=1)


@functools.cache
def cats():
    images = draw_cats(160, 64, seed=0).images
    return images[:100], images[100:], measure


def measure(images):
    return features_of(images.tobytes(), len(images))


@functools.cache  # most answers are made of the same images
def features_of(content, count):
    return lite0_features(np.frombuffer(content, np.uint8).reshape(count, 64, 64, 3))


def noisy(images, deviation=2.2):
    noise = np.random.default_rng(1).normal(0, deviation, images.shape)
    return np.clip(np.rint(images + noise), 0, 255).astype(np.uint8)


def catch(images, training):
    return [np.abs(training.astype(int) - image).mean(axis=(1, 2, 3)).min() < 8 for image in images]


def accuse_grain(images, training):
    """Accuse what has more grain than the drawn cats, copy or not."""
    steps = np.diff(images.astype(int), axis=2) == 0
    return steps.mean(axis=(1, 2, 3)) < 0.14


def catch_in_order(images, training):
    gaps = np.abs(training[: len(images)].astype(int) - images).mean(axis=(1, 2, 3))
    return gaps < 8


EXERCISES = [
    Exercise(
        chapter_9.exercise_1,
        right=(transport, gaussian),
        wrong={
            "a constant": (lambda x, y: 1 / 3, gaussian),
            "not sorted": (of_unsorted, gaussian),
            "one of them turned round": (lambda x, y: transport(x, np.negative(y)), gaussian),
            "absolute moves": (lambda x, y: np.abs(np.sort(x) - np.sort(y)).mean(), gaussian),
            "the sum of the moves": (lambda x, y: transport(x, y) * len(x), gaussian),
            "the same twice": (transport, transport),
            "no Gaussian but 0": (transport, lambda x, y: 0),
            "the means alone": (transport, lambda x, y: (np.mean(x) - np.mean(y)) ** 2),
            "Eq. (9.2) for both": (gaussian, gaussian),
        },
    ),
    Exercise(
        chapter_9.exercise_2,
        right=(unbiased_shift,),
        wrong={
            "0": (lambda x, y: 0,),
            "uncorrected": (shift,),
            "the sign turned": (lambda x, y: shift(x, y) + by_chance(x) + by_chance(y),),
            "cut at 0": (lambda x, y: max(0, unbiased_shift(x, y)),),
            "one set's chance": (lambda x, y: shift(x, y) - by_chance(x, ddof=1),),
            "one set's chance twice": (lambda x, y: shift(x, y) - 2 * by_chance(y, ddof=1),),
            "covariances exchanged": (
                lambda x, y: (
                    shift(x, y)
                    - by_chance(x, ddof=1) * len(x) / len(y)
                    - by_chance(y, ddof=1) * len(y) / len(x)
                ),
            ),
            "divided by N": (lambda x, y: shift(x, y) - by_chance(x) - by_chance(y),),
            "of all numbers": (
                lambda x, y: shift(x, y) - 4 * x.var() / len(x) - 4 * y.var() / len(y),
            ),
        },
    ),
    Exercise(
        chapter_9.exercise_3,
        right=(noisy, catch),
        wrong={
            "honest cats": (lambda images: cats()[1], catch),
            "honest cats, all accused": (lambda images: cats()[1], lambda x, t: [True] * len(x)),
            "the images": (lambda images: images, catch),
            "one image": (lambda images: images[:1].repeat(60, axis=0), catch),
            "mirrored": (lambda images: images[:, :, ::-1], catch),
            "much noise": (lambda images: noisy(images, 40), catch),
            "mixed up": (lambda images: noisy(images)[::-1], catch),
            "all accused": (noisy, lambda images, training: [True] * len(images)),
            "none accused": (noisy, lambda images, training: [False] * len(images)),
            "the verdict turned": (noisy, lambda x, t: np.logical_not(catch(x, t))),
            "one verdict for all": (noisy, lambda x, t: [np.mean(catch(x, t)) > 0.5] * len(x)),
            "grain, not copies": (noisy, accuse_grain),
            "compared in order": (noisy, catch_in_order),
        },
        given=cats,
    ),
]
