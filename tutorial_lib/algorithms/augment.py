"""Differentiable augmentation, so that few images last longer (Zhao 2020, chapter 8).

The discriminator sees real and generated images only through the same random transforms. It can't
learn the few real images by heart as quickly, and since a gradient passes through the transforms,
the generator still learns to draw images as they are *before* them. All transforms take images
(batch, size, size, channels) in [-1, 1] and uniform random numbers from [0, 1), some for each
image, so that each gets a transform of its own. What is moved in from outside is 0, a middle grey.
Runs under any Keras backend.
"""

from collections.abc import Callable
from typing import NamedTuple

from keras import ops

from tutorial_lib.errors import choose


def augment(images, policy: str, numbers, *, probability: float = 1.0):
    """Return images through the transforms that `policy` names, such as "colour, translation".

    `numbers` is (batch, `numbers_needed(policy)`), uniform in [0, 1): the same numbers mean the
    same transforms. Each image goes through each transform with `probability`, tossed for by one
    of its numbers. An empty policy returns the images as they are.
    """
    used = 0
    for name in parse_policy(policy):
        transform = TRANSFORMS[name]
        coin = numbers[:, used]
        used += 1 + transform.numbers
        changed = transform.apply(images, numbers[:, used - transform.numbers : used])
        tossed = ops.reshape(coin < probability, (-1, 1, 1, 1))
        images = changed if probability == 1.0 else ops.where(tossed, changed, images)
    return images


def numbers_needed(policy: str) -> int:
    """Return how many random numbers an image takes for a policy."""
    return sum(1 + TRANSFORMS[name].numbers for name in parse_policy(policy))


def parse_policy(policy: str) -> list[str]:
    """Return the names in a policy, or raise `TutorialError` naming one that does not exist."""
    names = [name.strip() for name in policy.split(",") if name.strip()]
    for name in names:
        choose("augmentation", name, TRANSFORMS)
    return names


def colour(images, numbers):
    """Shift brightness by up to ±0.5, and scale saturation by 0 to 2 and contrast by ½ to 1½."""
    numbers = ops.cast(numbers, images.dtype)
    shift, saturation, contrast = (
        ops.reshape(numbers[:, index], (-1, 1, 1, 1)) for index in range(3)
    )
    images += shift - 0.5
    grey = ops.mean(images, axis=3, keepdims=True)
    images = (images - grey) * (2 * saturation) + grey
    mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    return (images - mean) * (contrast + 0.5) + mean


def translation(images, numbers):
    """Move each image by up to an eighth of its side, up or down and left or right."""
    size = images.shape[1]
    reach = size // 8
    shifts = _whole(numbers, 2 * reach + 1) - reach
    # One row and column of grey on each side: whatever lies outside is taken from there.
    images = ops.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]])
    sources = ops.clip(ops.arange(1, size + 1) + shifts[..., None], 0, size + 1)
    images = ops.take_along_axis(images, sources[:, 0, :, None, None], axis=1)
    return ops.take_along_axis(images, sources[:, 1, None, :, None], axis=2)


def cutout(images, numbers):
    """Paint a square of half the image's side grey, anywhere, also partly outside."""
    size = images.shape[1]
    centres = _whole(numbers, size + 1)
    covered = ops.abs(ops.arange(size) - centres[..., None]) < size // 4  # (batch, 2, size)
    hole = ops.logical_and(covered[:, 0, :, None], covered[:, 1, None, :])
    return ops.where(hole[..., None], ops.zeros((), images.dtype), images)


def _whole(numbers, count: int):
    """Turn numbers from [0, 1) into whole ones from 0 to `count` - 1, int32."""
    return ops.cast(ops.floor(numbers * count), "int32")


class Transform(NamedTuple):
    """Hold what is done with images and `numbers` random numbers for each of them."""

    apply: Callable
    numbers: int


TRANSFORMS: dict[str, Transform] = {
    "colour": Transform(colour, 3),
    "translation": Transform(translation, 2),
    "cutout": Transform(cutout, 2),
}
