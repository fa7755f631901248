"""Images to draw and to shuffle, and what is left of them in batches."""

from itertools import islice

import numpy as np

from tutorial_lib.data.pixels import to_uint8

# What is no array of images, and what a refusal says of it
NO_IMAGES = [
    (np.zeros((4, 8, 8, 3), np.float32), "float32"),
    (np.zeros((4, 8, 8), np.uint8), r"\(4, 8, 8\)"),
    ([[1, 2], [3, 4]], "list"),
    (None, "NoneType"),
]


def coloured(*colours, size=3):
    return np.stack([np.full((size, size, 3), colour, np.uint8) for colour in colours])


def numbered(count, channels=3):
    """Make images that carry their own number, and whose left and right differ."""
    images = np.zeros((count, 4, 6, channels), np.uint8)
    images[:, :, :3] = np.arange(count, dtype=np.uint8)[:, None, None, None]
    images[:, :, 3:] = 255
    return images


def take(dataset, count):
    return np.stack([batch.numpy() for batch in islice(dataset, count)])


def numbers(taken):
    pixels = to_uint8(taken)
    return np.minimum(pixels[..., 0, 0, 0], pixels[..., 0, -1, 0])
