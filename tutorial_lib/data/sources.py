"""What a trainer is fed with: sources of batches that remember nothing (chapter 7).

The order of an epoch is a permutation computed from (seed, epoch), so a run that is resumed after
`start` examples sees the very batches it would have seen anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tutorial_lib.data.pixels import check_images, fingerprint, fingerprint_bytes
from tutorial_lib.errors import TutorialError

if TYPE_CHECKING:
    import tensorflow as tf

BATCHES_A_POOL = 256  # points are drawn for that many batches at once, which is cheaper


class Source(Protocol):
    """Name what the trainer asks of its data."""

    @property
    def shape(self) -> tuple:
        """Return the shape of an example without the batch; of several, a tuple of shapes."""

    def facts(self) -> dict[str, object]:
        """Return what tells these data from others, for `config.json`; {} if it can't be told."""

    def batches(
        self,
        batch_size: int,
        *,
        seed: int = 0,
        start: int = 0,
        flip: bool = False,
        parts: int = 1,
        part: int = 0,
    ) -> tf.data.Dataset:
        """Return an endless dataset of batches of examples.

        All that is random derives from `seed`; `start` examples were seen already, a multiple of
        `batch_size`. With `flip`, images are mirrored left to right with probability 1/2. Of each
        batch shared by `parts` workers, this is the part number `part`, from 0. Raises
        `TutorialError` if an argument is not as described, or there are too few examples.
        """


class _Arrays:
    """Shuffle the rows of one or several arrays together; uint8 (N, H, W, C) are images."""

    def __init__(self, *arrays: np.ndarray):
        self.arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays[0])

    @property
    def shape(self) -> tuple:
        """Return the shape of an example; of several arrays, a tuple of shapes."""
        shapes = tuple(tuple(array.shape[1:]) for array in self.arrays)
        return shapes if len(shapes) > 1 else shapes[0]

    def batches(
        self,
        batch_size: int,
        *,
        seed: int = 0,
        start: int = 0,
        flip: bool = False,
        parts: int = 1,
        part: int = 0,
    ) -> tf.data.Dataset:
        """Return batches as `Source` says; images are float32 in [-1, 1].

        Epoch e visits the examples in an order drawn from (seed, e), without those that fill no
        batch at its end. A memory-mapped array is read one batch at a time.
        """
        import tensorflow as tf

        own = _own_rows(batch_size, seed, start, parts, part)
        if len(self) < batch_size:
            raise TutorialError(
                f"A batch of {batch_size} needs at least {batch_size} examples, but there are only "
                f"{len(self)}: add some or choose a smaller batch."
            )
        size = batch_size // parts
        dataset = tf.data.Dataset.from_generator(
            lambda: self._generate(batch_size, seed, start, flip, own),
            output_signature=tuple(
                tf.TensorSpec((size, *array.shape[1:]), array.dtype) for array in self.arrays
            ),
        )

        def scale(*batch):
            # What to_float does, but outside the interpreter, where it does not hold up the loop.
            scaled = tuple(
                tf.cast(values, tf.float32) / 127.5 - 1 if _are_images(array) else values
                for values, array in zip(batch, self.arrays, strict=True)
            )
            return scaled if len(scaled) > 1 else scaled[0]

        return dataset.map(scale).prefetch(2)

    def _generate(
        self, batch_size: int, seed: int, start: int, flip: bool, own: slice
    ) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield of each batch the examples whose places in it are `own`."""
        arrays = [np.asarray(array) for array in self.arrays]
        for chosen, mirrored in shuffled(len(self), batch_size, seed=seed, start=start):
            batch = tuple(array[chosen[own]] for array in arrays)
            if flip:
                for images in filter(_are_images, batch):
                    images[mirrored[own]] = images[mirrored[own], :, ::-1]
            yield batch


class Images(_Arrays):
    """Feed images, uint8 (N, H, W, C); each batch is float32 (batch, H, W, C) in [-1, 1].

    Raises `TutorialError` for another dtype or number of axes.

    >>> images = Images(np.zeros((10, 8, 8, 3), np.uint8))
    >>> images.shape, next(iter(images.batches(4))).shape.as_list()
    ((8, 8, 3), [4, 8, 8, 3])
    """

    def __init__(self, images: np.ndarray):
        check_images(images)
        super().__init__(images)

    def facts(self) -> dict[str, object]:
        """Return the number of images and the SHA-256 of their pixels."""
        return {"images": len(self), "sha256": fingerprint(self.arrays[0])}


class Pairs(_Arrays):
    """Feed pairs of an input and its target, such as an outline and a photograph (chapter 11).

    Both are images, uint8 (N, H, W, C), and are mirrored together; a batch is a tuple of the two.
    Raises `TutorialError` if their numbers differ, or for other arrays.
    """

    def __init__(self, inputs: np.ndarray, targets: np.ndarray):
        for images in (inputs, targets):
            check_images(images)
        _check_lengths("inputs", inputs, "targets", targets)
        super().__init__(inputs, targets)

    def facts(self) -> dict[str, object]:
        """Return the number of pairs and the SHA-256 of both kinds of pixels."""
        inputs, targets = map(fingerprint, self.arrays)
        return {"images": len(self), "sha256": targets, "inputs_sha256": inputs}


class Labelled(_Arrays):
    """Feed images with a label each, integers (N,) or (N, labels) (chapter 10).

    A batch is a tuple of images and labels. Raises `TutorialError` if their numbers differ, or
    for other arrays.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray):
        labels = np.asarray(labels)
        check_images(images)
        if not np.issubdtype(labels.dtype, np.integer) or labels.ndim not in (1, 2):
            raise TutorialError(
                "Labels must be integers of shape (N,) or (N, labels), not "
                f"{labels.dtype} of shape {labels.shape}."
            )
        _check_lengths("images", images, "labels", labels)
        super().__init__(images, labels.astype(np.int64))

    def facts(self) -> dict[str, object]:
        """Return the number of images and the SHA-256 of pixels and labels."""
        images, labels = self.arrays
        digests = {"sha256": fingerprint(images), "labels_sha256": fingerprint_bytes(labels)}
        return {"images": len(self)} | digests


class Points:
    """Feed new points in the plane at every step, float32 (batch, 2) (chapter 4).

    `draw(count, seed=...)` returns real points (count, 2), as `draw_points` does. Mirroring
    leaves points as they are.
    """

    shape = (2,)

    def __init__(self, draw: Callable[..., np.ndarray]):
        self.draw = draw

    def facts(self) -> dict[str, object]:
        """Return nothing: a function has no digest."""
        return {}

    def batches(
        self,
        batch_size: int,
        *,
        seed: int = 0,
        start: int = 0,
        flip: bool = False,
        parts: int = 1,
        part: int = 0,
    ) -> tf.data.Dataset:
        """Return batches as `Source` says; `BATCHES_A_POOL` of them are drawn at once."""
        import tensorflow as tf

        own = _own_rows(batch_size, seed, start, parts, part)
        self._pool(batch_size, seed, 0)  # refuses a wrong shape before anything is written
        pools = tf.data.Dataset.from_generator(
            lambda: self._generate(batch_size, seed, start // batch_size, own),
            output_signature=tf.TensorSpec((None, batch_size // parts, 2), tf.float32),
        )
        return pools.unbatch().prefetch(2)

    def _generate(self, batch_size: int, seed: int, first: int, own: slice) -> Iterator[np.ndarray]:
        """Yield pools of batches, the first from batch number `first` on."""
        number, skipped = divmod(first, BATCHES_A_POOL)
        while True:
            yield self._pool(batch_size, seed, number)[skipped:, own]
            number, skipped = number + 1, 0

    def _pool(self, batch_size: int, seed: int, number: int) -> np.ndarray:
        """Return some batches of points at once, float32 (`BATCHES_A_POOL`, batch, 2)."""
        count = BATCHES_A_POOL * batch_size
        pool_seed = np.random.SeedSequence([seed, number]).generate_state(1)[0]
        pool = np.asarray(self.draw(count, seed=int(pool_seed)), np.float32)
        if pool.shape != (count, 2):
            raise TutorialError(
                f"draw({count}, seed=...) must return points of shape ({count}, 2), "
                f"not {pool.shape}."
            )
        return pool.reshape(BATCHES_A_POOL, batch_size, 2)


def as_source(data: Source | np.ndarray) -> Source:
    """Return a source as it is, and an array of images as `Images`."""
    return data if hasattr(data, "batches") else Images(data)


def shuffled(
    count: int, batch_size: int, *, seed: int, start: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield without end which of `count` examples are in each batch, and which are mirrored.

    Both are (batch,), positions and booleans; they derive from (seed, epoch) alone.
    """
    per_epoch = count // batch_size * batch_size
    epoch, position = divmod(start, per_epoch)
    while True:
        order = np.random.default_rng([seed, epoch]).permutation(count)
        mirrored = np.random.default_rng([seed, epoch, 1]).random(count) < 0.5
        for first in range(position, per_epoch, batch_size):
            chosen = order[first : first + batch_size]
            yield chosen, mirrored[chosen]
        epoch, position = epoch + 1, 0


def _are_images(array: np.ndarray) -> bool:
    return array.dtype == np.uint8 and array.ndim == 4


def _own_rows(batch_size: int, seed: int, start: int, parts: int, part: int) -> slice:
    """Return which rows of a batch a worker takes, or raise `TutorialError` for impossible ones."""
    numbers = (("batch_size", batch_size, 1), ("seed", seed, 0), ("start", start, 0))
    for name, value, least in numbers:
        if not isinstance(value, int | np.integer) or value < least:
            raise TutorialError(f"{name} must be an integer of at least {least}, not {value!r}.")
    if start % batch_size:
        raise TutorialError(
            f"start must be a multiple of the batch size {batch_size}, not {start}: "
            "it counts the examples already seen, in whole batches."
        )
    if batch_size % parts or not 0 <= part < parts:
        raise TutorialError(
            f"There is no part {part} of a batch of {batch_size} shared by {parts} workers: parts "
            "must divide the batch, and part be below parts."
        )
    size = batch_size // parts
    return slice(part * size, (part + 1) * size)


def _check_lengths(name: str, first: np.ndarray, other: str, second: np.ndarray) -> None:
    if len(first) != len(second):
        raise TutorialError(
            f"There must be as many {name} as {other}, not {len(first)} and {len(second)}."
        )
