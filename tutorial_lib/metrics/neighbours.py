"""Nearest neighbours in feature space: has a generator learnt its training images by heart?

A memorised image lies nearer to a training image than the training images lie to each other
(chapter 9). Distances are Euclidean, in any features.
"""

from typing import NamedTuple

import numpy as np

from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.distances import slack, squared_distances
from tutorial_lib.metrics.validation import checked_pair


class Neighbours(NamedTuple):
    """Hold what lies nearest to N images, among M training images.

    Attributes:
        positions: of the nearest training image, int64 (N,).
        distances: from it, float64 (N,).
        ratios: these distances over that between the training image and the nearest other one,
            float64 (N,): below 1 where the image is nearer than training images are; 0 for a copy.
    """

    positions: np.ndarray
    distances: np.ndarray
    ratios: np.ndarray


def nearest_training_images(images: np.ndarray, training: np.ndarray) -> Neighbours:
    """Find what each of `images`, features (N, D), is nearest to in `training`, (M, D).

    Copies among the training images count as one. If the training images were mirrored at
    random, give the features of the mirrored ones too: a copy may be of those. Raises
    `TutorialError` for fewer than two images, training images that are all the same, or features
    that are not finite or differ in number.
    """
    images, training = checked_pair(images, training)
    margin = slack(images, training)
    positions = np.empty(len(images), np.int64)
    squares = np.empty(len(images))
    for rows, distances in squared_distances(images, training):
        positions[rows] = distances.argmin(axis=1)
        squares[rows] = distances.min(axis=1)
    squares[squares <= margin] = 0
    found, which = np.unique(positions, return_inverse=True)
    spacing = np.empty(len(found))
    for rows, distances in squared_distances(training[found], training):
        distances[distances <= margin] = np.inf  # itself and its copies
        spacing[rows] = distances.min(axis=1)
    if np.isinf(spacing).any():
        raise TutorialError("The training images are all the same: nothing lies between them.")
    return Neighbours(positions, np.sqrt(squares), np.sqrt(squares / spacing[which]))


def memorised_share(neighbours: Neighbours) -> float:
    """Return the share of images nearer to a training image than its nearest other one is.

    It is the complement of the authenticity of Alaa 2022. New images of the same kind have a
    share too, that of points which are each other's nearest: 2/3 on a line, less where there
    are many dimensions. So compare with held-out real images: a share far above theirs says
    that the generator memorises, one far below that it gets less near to real images.
    """
    return float(np.mean(neighbours.ratios < 1))


def find_copies(neighbours: Neighbours, *, ratio: float = 0.5) -> np.ndarray:
    """Return the positions of the images whose ratio is below `ratio`, the nearest first."""
    order = np.argsort(neighbours.ratios, kind="stable")
    return order[neighbours.ratios[order] < ratio]
