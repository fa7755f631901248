"""Pixels as they are stored and as networks see them, and names for arrays of them."""

import hashlib

import numpy as np

from tutorial_lib.errors import TutorialError

PIECE_BYTES = 2**24  # of a memory-mapped array that are read at once


def to_float(images: np.ndarray) -> np.ndarray:
    """Map uint8 pixels from 0..255 to float32 in [-1, 1], the range of the generator's tanh.

    Any shape. `to_uint8(to_float(images))` gives the same pixels back.

    >>> to_float(np.array([0, 255], np.uint8))
    array([-1.,  1.], dtype=float32)
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
    """Return the SHA-256 of the pixels, as 64 hexadecimal digits: the name of a dataset.

    `images` is uint8 (N, H, W, C); a memory-mapped array is read in pieces. Raises
    `TutorialError` for another dtype or number of axes.
    """
    check_images(images)
    return fingerprint_bytes(images)


def fingerprint_bytes(array: np.ndarray) -> str:
    """Return the SHA-256 of an array's bytes, as 64 hexadecimal digits; any dtype and shape."""
    array = np.asarray(array)
    digest = hashlib.sha256()
    step = max(1, PIECE_BYTES // max(1, array[:1].nbytes))
    for first in range(0, len(array), step):
        digest.update(np.ascontiguousarray(array[first : first + step]))
    return digest.hexdigest()


def distinct(images: np.ndarray) -> np.ndarray:
    """Return the positions, in order, of the images that are no copy of an earlier one.

    Only images that agree in every bit are copies. Held-out images are chosen from distinct
    ones, or a model could be tested on what it was fitted to (chapter 1).
    """
    first: dict[bytes, int] = {}
    for position, image in enumerate(images):
        first.setdefault(hashlib.sha256(np.ascontiguousarray(image)).digest(), position)
    return np.array(list(first.values()), dtype=np.int64)


def check_images(images: np.ndarray, channels: int | None = None) -> None:
    """Raise `TutorialError` unless images are uint8 (N, height, width, channels).

    Without `channels`, any number of them will do.
    """
    shape, dtype = getattr(images, "shape", None), getattr(images, "dtype", None)
    fits = dtype == np.uint8 and shape is not None and len(shape) == 4
    if not fits or 0 in shape[1:] or (channels and shape[-1] != channels):
        found = type(images).__name__ if shape is None else f"{dtype} of shape {tuple(shape)}"
        raise TutorialError(
            f"Images must be a uint8 array of shape (N, height, width, {channels or 'channels'}), "
            f"not {found}; tutorial_lib.data.pixels.to_uint8 converts floats in [-1, 1]."
        )
