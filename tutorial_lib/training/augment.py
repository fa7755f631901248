"""Differentiable augmentation, so that few images last longer (Zhao 2020, chapter 8).

The discriminator sees real and generated images only through the same random transforms. It can't
learn the few real images by heart as quickly, and since a gradient passes through the transforms,
the generator still learns to draw images as they are *before* them. All transforms take images
(batch, size, size, channels) in [-1, 1], of any floating type, and a seed, two integers; each image
of the batch gets a transform of its own. What is moved in from outside is 0, a middle grey.
"""

from collections.abc import Callable

import tensorflow as tf

from tutorial_lib.errors import TutorialError
from tutorial_lib.training import replicas


def augment(images: tf.Tensor, policy: str, seed: tf.Tensor) -> tf.Tensor:
    """Return images through the transforms that `policy` names, such as "colour, translation".

    An empty policy returns the images as they are. The same seed means the same transforms.
    """
    names = parse_policy(policy)
    seeds = tf.unstack(tf.random.split(seed, max(1, len(names))))
    for name, its_seed in zip(names, seeds, strict=False):
        images = TRANSFORMS[name](images, its_seed)
    return images


def parse_policy(policy: str) -> list[str]:
    """Return the names in a policy, or raise `TutorialError` naming one that does not exist."""
    names = [name.strip() for name in policy.split(",") if name.strip()]
    for name in names:
        if name not in TRANSFORMS:
            raise TutorialError(
                f"There is no augmentation named {name!r}. Choose from: {', '.join(TRANSFORMS)}."
            )
    return names


def colour(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Shift brightness by up to ±0.5, and scale saturation by 0 to 2 and contrast by ½ to 1½."""
    shift, saturation, contrast = tf.unstack(_uniform(images, seed, 3), axis=-1)
    images += shift - 0.5
    grey = tf.reduce_mean(images, axis=3, keepdims=True)
    images = (images - grey) * (2 * saturation) + grey
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    return (images - mean) * (contrast + 0.5) + mean


def translation(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Move each image by up to an eighth of its side, up or down and left or right."""
    size = images.shape[1]
    reach = size // 8
    count = tf.shape(images)[0]
    shifts = replicas.stateless_uniform(
        [count, 2], seed, minval=-reach, maxval=reach + 1, dtype=tf.int32
    )
    # One row and column of grey on each side: whatever lies outside is taken from there.
    images = tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]])
    for axis in (1, 2):
        sources = tf.range(1, size + 1) + shifts[:, axis - 1, None]
        sources = tf.clip_by_value(sources, 0, size + 1)
        images = tf.gather(images, sources, axis=axis, batch_dims=1)
    return images


def cutout(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Paint a square of half the image's side grey, anywhere, also partly outside."""
    size = images.shape[1]
    centres = replicas.stateless_uniform(
        [tf.shape(images)[0], 2], seed, minval=0, maxval=size + 1, dtype=tf.int32
    )
    distances = tf.abs(tf.range(size) - centres[..., None])  # (batch, 2, size)
    covered = distances < size // 4
    hole = covered[:, 0, :, None] & covered[:, 1, None, :]
    return tf.where(hole[..., None], tf.zeros((), images.dtype), images)


def _uniform(images: tf.Tensor, seed: tf.Tensor, count: int) -> tf.Tensor:
    """Return `count` numbers in [0, 1) an image, in the images' type: (batch, 1, 1, 1, count)."""
    numbers = replicas.stateless_uniform([tf.shape(images)[0], 1, 1, 1, count], seed)
    return tf.cast(numbers, images.dtype)


TRANSFORMS: dict[str, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "colour": colour,
    "translation": translation,
    "cutout": cutout,
}
