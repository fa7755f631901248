"""Answers to the exercises of chapter 1."""

import math

from helpers.exercises import Exercise

from tutorial_lib.checks import chapter_1


def digits(height, width, channels, levels=256):
    return math.floor(height * width * channels * math.log10(levels)) + 1


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
]
