"""From an array of uint8 images to the batches that a network is trained on.

Nothing here remembers anything: the order of an epoch is a permutation computed from (seed, epoch),
so a run that is resumed after `start` images sees the very batches it would have seen anyway.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.errors import TutorialError

if TYPE_CHECKING:
    import tensorflow as tf


def to_float(images: np.ndarray) -> np.ndarray:
    """Map uint8 pixels from 0..255 to float32 in [-1, 1], the range of the generator's tanh.

    Any shape. `to_uint8(to_float(images))` gives the same pixels back.
    """
    x = np.asarray(images).astype(np.float32)
    x /= 127.5
    x -= 1
    return x


def to_uint8(x: np.ndarray) -> np.ndarray:
    """Map floats from [-1, 1] to uint8 pixels in 0..255, rounded to the nearest and clipped.

    Any shape and any floating type (a TensorFlow tensor too).
    """
    scaled = (np.asarray(x).astype(np.float32) + 1) * 127.5
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def fingerprint(images: np.ndarray) -> str:
    """Compute the SHA-256 of the pixels, as 64 hexadecimal digits: the name of a dataset.

    Args:
        images: uint8 (N, H, W, C); a memory-mapped array is read in pieces of about 16 MB.

    Raises:
        TutorialError: the array is not uint8 (N, H, W, C).
    """
    _check_images(images)
    images = np.asarray(images)
    digest = hashlib.sha256()
    step = max(1, 2**24 // max(1, images[:1].nbytes))
    for first in range(0, len(images), step):
        digest.update(np.ascontiguousarray(images[first : first + step]))
    return digest.hexdigest()


def batches(
    images: np.ndarray,
    batch_size: int,
    *,
    seed: int = 0,
    start: int = 0,
    flip: bool = True,
    parts: int = 1,
    part: int = 0,
) -> tf.data.Dataset:
    """Make an endless dataset of shuffled float batches (taught in chapter 7).

    Epoch e visits the images in a random order drawn from (seed, e); what does not fill a batch at
    the end of an epoch is left out of that epoch. The images stay where they are: a memory-mapped
    array is read one batch at a time.

    Args:
        images: uint8 (N, H, W, C), values 0..255, any number of channels.
        batch_size: images a batch, at most N.
        seed: non-negative integer from which orders and flips are drawn.
        start: images already seen, a multiple of `batch_size`; a resumed run passes its count.
        flip: mirror each image left to right with probability 1/2, drawn from (seed, e) as well.
        parts: how many workers share each batch evenly.
        part: which of them this is, from 0; only its images are read.

    Returns:
        A `tf.data.Dataset` of float32 (batch_size / parts, H, W, C) in [-1, 1] that never ends.

    Raises:
        TutorialError: an argument is not as described, or there are fewer images than a batch.
    """
    import tensorflow as tf

    _check_images(images)
    _check_counts(len(images), batch_size, seed, start)
    if batch_size % parts or not 0 <= part < parts:
        raise TutorialError(
            f"There is no part {part} of a batch of {batch_size} shared by {parts} workers: parts "
            "must divide the batch, and part be below parts."
        )
    size = batch_size // parts
    own = slice(part * size, (part + 1) * size)
    dataset = tf.data.Dataset.from_generator(
        lambda: _generate(np.asarray(images), batch_size, seed, start, flip, own),
        output_signature=tf.TensorSpec((size, *images.shape[1:]), tf.uint8),
    )
    # What to_float does, but outside the interpreter, where it does not hold up the training loop.
    return dataset.map(lambda batch: tf.cast(batch, tf.float32) / 127.5 - 1).prefetch(2)


def _generate(
    images: np.ndarray, batch_size: int, seed: int, start: int, flip: bool, own: slice
) -> Iterator[np.ndarray]:
    """Yield the images of each batch whose places in it are `own`."""
    per_epoch = len(images) // batch_size * batch_size
    epoch, position = divmod(start, per_epoch)
    while True:
        order = np.random.default_rng([seed, epoch]).permutation(len(images))
        mirrored = np.random.default_rng([seed, epoch, 1]).random(len(images)) < 0.5
        for first in range(position, per_epoch, batch_size):
            chosen = order[first : first + batch_size][own]
            batch = images[chosen]
            if flip:
                batch[mirrored[chosen]] = batch[mirrored[chosen], :, ::-1]
            yield batch
        epoch, position = epoch + 1, 0


def distinct(images: np.ndarray) -> np.ndarray:
    """Return the positions, in order, of the images that are no copy of an earlier one.

    Only images that agree in every bit are copies. Held-out images are chosen from distinct
    ones, or a model could be tested on what it was fitted to (chapter 1).
    """
    first: dict[bytes, int] = {}
    for position, image in enumerate(images):
        first.setdefault(hashlib.sha256(np.ascontiguousarray(image)).digest(), position)
    return np.array(list(first.values()), dtype=np.int64)


def _check_images(images: np.ndarray) -> None:
    shape, dtype = getattr(images, "shape", None), getattr(images, "dtype", None)
    if dtype != np.uint8 or shape is None or len(shape) != 4:
        found = type(images).__name__ if shape is None else f"{dtype} of shape {tuple(shape)}"
        raise TutorialError(
            f"Images must be a uint8 array of shape (N, height, width, channels), not {found}; "
            "tutorial_lib.data.pipeline.to_uint8 converts floats in [-1, 1]."
        )


def _check_counts(available: int, batch_size: int, seed: int, start: int) -> None:
    for name, value, least in (
        ("batch_size", batch_size, 1),
        ("seed", seed, 0),
        ("start", start, 0),
    ):
        if not isinstance(value, int | np.integer) or value < least:
            raise TutorialError(f"{name} must be an integer of at least {least}, not {value!r}.")
    if available < batch_size:
        raise TutorialError(
            f"A batch of {batch_size} needs at least {batch_size} images, but there are only "
            f"{available}: add images or choose a smaller batch."
        )
    if start % batch_size:
        raise TutorialError(
            f"start must be a multiple of the batch size {batch_size}, not {start}: "
            "it counts the images already seen, in whole batches."
        )
