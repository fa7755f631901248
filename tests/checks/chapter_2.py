"""Answers to the exercises of chapter 2."""

from functools import cache

import numpy as np
from helpers.exercises import Exercise

from tutorial_lib.checks import chapter_2
from tutorial_lib.data.drawn import draw_cats
from tutorial_lib.models.bayes_net import bits_per_pixel, learn_tree, quantise

LEVELS = 4


@cache
def cats():
    """Return a tree and 150 cats that it has not seen."""
    values = quantise(draw_cats(450, 16).images, LEVELS)
    return learn_tree(flat(values[150:]), LEVELS), values[:150]


def flat(values):
    return values.reshape(len(values), -1)


def entropy(p):
    p = p[p > 0]
    return -(p * np.log2(p)).sum()


def entropy_of_what_occurs(p):
    with np.errstate(all="ignore"):
        return -(p * np.log2(p)).sum()


def conditional_bits(network, images, observed):
    hidden = network.log_likelihood(images) - network.log_likelihood(images, observed)
    return bits_per_pixel(hidden, (~observed).sum()).mean()


def joint_bits(network, images, observed):
    return bits_per_pixel(network.log_likelihood(images), images.shape[1]).mean()


def bits_of_all_pixels(network, images, observed):
    hidden = network.log_likelihood(images) - network.log_likelihood(images, observed)
    return bits_per_pixel(hidden, images.shape[1]).mean()


def bits_of_the_observed(network, images, observed):
    seen = network.log_likelihood(images, observed)
    return bits_per_pixel(seen, max(observed.sum(), 1)).mean()


def bits_of_half_the_pixels(network, images, observed):
    hidden = network.log_likelihood(images) - network.log_likelihood(images, observed)
    pixels = images.shape[1] if not observed.any() else images.shape[1] // 2
    return bits_per_pixel(hidden, pixels).mean()


def bits_of_each_image(network, images, observed):
    hidden = network.log_likelihood(images) - network.log_likelihood(images, observed)
    return bits_per_pixel(hidden, (~observed).sum())


def more_likely_than(change):
    def is_upright(network, images):
        other = flat(change(images))
        return network.log_likelihood(flat(images)) > network.log_likelihood(other)

    return is_upright


def all_as_one(network, images):
    whole, mirrored = flat(images), flat(images[:, ::-1])
    return network.log_likelihood(whole).sum() > network.log_likelihood(mirrored).sum()


def by_a_tree_of_its_own(network, images):
    return more_likely_than(lambda values: values[:, ::-1])(cats()[0], images)


EXERCISES = [
    Exercise(
        chapter_2.exercise_1,
        right=(entropy, 0),
        wrong={
            "the natural logarithm": (lambda p: entropy(p) * np.log(2), 0),
            "no care of zeros": (entropy_of_what_occurs, 0),
            "the sign turned": (lambda p: -entropy(p), 0),
            "not weighted": (lambda p: -np.log2(p[p > 0]).mean(), 0),
            "the number of levels": (lambda p: np.log2((p > 0).sum()), 0),
            "a constant": (lambda p: 3, 0),
            "a constant pixel needs as many as any": (entropy, 3),
        },
    ),
    Exercise(
        chapter_2.exercise_2,
        right=(conditional_bits, "upper"),
        wrong={
            "the joint": (joint_bits, "upper"),
            "divided by all pixels": (bits_of_all_pixels, "upper"),
            "always half of the pixels": (bits_of_half_the_pixels, "upper"),
            "the observed pixels": (bits_of_the_observed, "upper"),
            "the sign turned": (lambda *args: -conditional_bits(*args), "upper"),
            "in nats": (lambda *args: conditional_bits(*args) * np.log(2), "upper"),
            "hidden and observed exchanged": (
                lambda network, images, seen: conditional_bits(network, images, ~seen),
                "upper",
            ),
            "one number an image": (bits_of_each_image, "upper"),
            "the other half": (conditional_bits, "lower"),
        },
        given=lambda: (cats()[0], flat(cats()[1])),
    ),
    Exercise(
        chapter_2.exercise_3,
        right=(more_likely_than(lambda images: images[:, ::-1]),),
        wrong={
            "a constant": (lambda network, images: np.ones(len(images), bool),),
            "the sign turned": (
                lambda *args: ~more_likely_than(lambda images: images[:, ::-1])(*args),
            ),
            "rotated": (more_likely_than(lambda images: images[:, ::-1, ::-1]),),
            "mirrored left to right": (more_likely_than(lambda images: images[:, :, ::-1]),),
            "one verdict for all": (all_as_one,),
            "another network": (by_a_tree_of_its_own,),
            "the brighter half": (
                lambda network, images: images[:, :8].mean((1, 2)) < images[:, 8:].mean((1, 2)),
            ),
        },
        given=cats,
    ),
]
