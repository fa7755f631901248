"""Answers to the exercises of chapter 8."""

import math

import numpy as np
import tensorflow as tf
from helpers.exercises import Exercise

from tutorial_lib.checks import chapter_8


def uneven(kernel, stride):
    return kernel % stride > 0


def images_until(share, beta, batch):
    return batch * math.log(share) / math.log(beta)


def laziest(plain, penalised, extra):
    return math.ceil((penalised - plain) / (extra * plain))


def strength(gamma, interval):
    return interval * gamma


def negative(images, seed, probability=0.3, shape=(1000, 1, 1, 1)):
    chosen = tf.random.stateless_uniform(shape, seed) < probability
    return images * tf.where(chosen, -1.0, 1.0)


def negative_pixels(images, seed, probability=0.3):
    return negative(images, seed, probability, shape=(1000, 2, 2, 1))


def negative_batch(images, seed, probability=0.3):
    return negative(images, seed, probability, shape=(1, 1, 1, 1))


def negative_share(images, seed, probability=0.3):
    """Change exactly this share of the images, whichever they are."""
    order = tf.argsort(tf.random.stateless_uniform([len(images)], seed))
    chosen = order < round(probability * len(images))
    return images * tf.where(chosen, -1.0, 1.0)[:, None, None, None]


def negative_of_numpy(images, seed, probability=0.3):
    chosen = np.random.default_rng(int(seed[0])).random((len(images), 1, 1, 1)) < probability
    return np.where(chosen, -1.0, 1.0) * np.asarray(images)


def negative_anew(images, seed, probability=0.3):
    chosen = tf.random.uniform((1000, 1, 1, 1)) < probability
    return images * tf.where(chosen, -1.0, 1.0)


EXERCISES = [
    Exercise(
        chapter_8.exercise_1,
        right=(uneven, [3, 6, 9]),
        wrong={
            "always": (lambda kernel, stride: True, [3, 6, 9]),
            "the other way round": (lambda kernel, stride: kernel % stride == 0, [3, 6, 9]),
            "odd kernels": (lambda kernel, stride: kernel % 2 == 1, [3, 6, 9]),
            "only the kernel of the stride": (lambda kernel, stride: kernel != stride, [3]),
            "the first two pixels only": (
                lambda k, s: math.ceil(k / s) != math.ceil((k - 1) / s),
                [3, 6, 9],
            ),
            "the unsafe ones": (uneven, [2, 4, 5, 7, 8]),
        },
    ),
    Exercise(
        chapter_8.exercise_2,
        right=(images_until,),
        wrong={
            "a constant": (lambda share, beta, batch: 10_000,),
            "steps, not images": (lambda share, beta, batch: math.log(share) / math.log(beta),),
            "the share that is gone": (lambda share, *rest: images_until(1 - share, *rest),),
            "as if it fell along a line": (lambda s, beta, batch: batch * (1 - s) / (1 - beta),),
            "the other way round": (lambda s, beta, batch: batch * math.log(beta) / math.log(s),),
            "negative": (lambda *arguments: -images_until(*arguments),),
        },
    ),
    Exercise(
        chapter_8.exercise_3,
        right=(laziest, strength),
        wrong={
            "a constant": (lambda *times: 8, strength),
            "one too lazy": (lambda *times: laziest(*times) + 1, strength),
            "rounded down": (lambda *times: max(1, laziest(*times) - 1), strength),
            "the penalised step itself": (lambda c, d, extra: math.ceil(d / (extra * c)), strength),
            "extra seconds": (lambda c, d, extra: math.ceil((d - c) / extra), strength),
            "not a whole number": (lambda c, d, extra: (d - c) / (extra * c), strength),
            "as strong as ever": (laziest, lambda gamma, interval: gamma),
            "weaker": (laziest, lambda gamma, interval: gamma / interval),
        },
    ),
    Exercise(
        chapter_8.exercise_4,
        right=(negative, 0.5),
        wrong={
            "the input": (lambda images, seed, probability=0.3: images, 0.5),
            "always negative": (lambda images, seed, probability=0.3: -images, 0.5),
            "a number for each pixel": (negative_pixels, 0.5),
            "one number for the batch": (negative_batch, 0.5),
            "always the same share": (negative_share, 0.5),
            "the given probability left out": (lambda x, seed, p=0.3: negative(x, seed), 0.5),
            "the other ones": (lambda x, seed, p=0.3: -negative(x, seed, p), 0.5),
            "other numbers at each call": (negative_anew, 0.5),
            "the same numbers for each seed": (lambda x, seed, p=0.3: negative(x, [0, 5], p), 0.5),
            "no gradient": (negative_of_numpy, 0.5),
            "a certain change": (negative, 1.0),
            "no change": (negative, 0.0),
        },
    ),
]
