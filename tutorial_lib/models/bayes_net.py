"""Bayesian networks in which every pixel has at most one parent (chapter 2).

The tree is learnt by the algorithm of Chow and Liu (1968), and whatever is asked of it is answered
exactly: likelihoods, samples, and what the observed pixels say about the others. NumPy alone;
probabilities are kept as float64 logarithms, in nats.
"""

from dataclasses import dataclass
from numbers import Integral

import numpy as np

from tutorial_lib.models.blocks import require

IMAGES_AT_ONCE = 4096  # a one-hot copy of these, and float32 still counts them exactly
MOST_INDICATORS = 4096  # pixels × levels; the table of all pairs has the square of it, 134 MB


@dataclass(frozen=True)
class TreeNetwork:
    """A distribution over images of D pixels with K levels: p(x) = Π p(x_i | x_parent(i)).

    Pixels without a parent are roots; without any edge, the pixels are independent. Methods take
    values as integers (N, D) from 0 to K - 1, and raise `TutorialError` for anything else.
    `observed` is boolean, (D,) or (N, D): where it is False, the value is not looked at.

    Attributes:
        order: int (D,), the pixels, each after its parent.
        parents: int (D,), the parent of each pixel, -1 for a root.
        log_tables: float64 (D, K, K), log p(x_i = b | x_parent = a) at [i, a, b]; the rows of a
            root are all the same, so that any value will do for the parent it does not have.
    """

    order: np.ndarray
    parents: np.ndarray
    log_tables: np.ndarray

    def log_likelihood(self, values: np.ndarray, observed: np.ndarray | None = None) -> np.ndarray:
        """Return log p of each image, or of its observed pixels alone; float64 (N,), in nats."""
        pixels, levels, _ = self.log_tables.shape
        if observed is None:
            values = check_values(values, levels, pixels)
            each = self.log_tables[np.arange(pixels), values[:, self.parents], values]
            return each.sum(axis=1)
        _, messages = self._upward(values, observed)
        return messages[self.parents < 0, :, 0].sum(axis=0)

    def sample(self, count: int, *, seed: int = 0) -> np.ndarray:
        """Draw images, each pixel after its parent; int (count, D), the same for each seed."""
        require(
            isinstance(count, Integral) and count > 0, f"count must be at least 1, not {count}."
        )
        pixels, levels, _ = self.log_tables.shape
        return self._downward(np.broadcast_to(0.0, (pixels, count, levels)), seed)

    def complete(self, values: np.ndarray, observed: np.ndarray, *, seed: int = 0) -> np.ndarray:
        """Draw the pixels that are not observed from p(hidden | observed); int (N, D)."""
        beliefs, _ = self._upward(values, observed)
        return self._downward(beliefs, seed)

    def marginals(self, values: np.ndarray, observed: np.ndarray) -> np.ndarray:
        """Return p(x_i = a | observed pixels) of every pixel; float64 (N, D, K)."""
        beliefs, messages = self._upward(values, observed)
        found = np.empty_like(beliefs)
        for pixel in self.order:
            parent = self.parents[pixel]
            above = found[parent] if parent >= 0 else -np.log(beliefs.shape[-1])
            # What the parent knows beside this pixel's own message, for each of its values.
            rest = (above - messages[pixel])[..., None]
            joint = rest + self.log_tables[pixel] + beliefs[pixel][:, None]
            found[pixel] = np.logaddexp.reduce(joint, axis=1)
        return np.exp(found).transpose(1, 0, 2)

    def _upward(self, values: np.ndarray, observed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return, for each pixel, what is observed at and below it; two float64 (D, N, K).

        `beliefs[i, n, a]` is the log-probability of that if pixel i has the value a,
        `messages[i, n, a]` the same if the parent of pixel i has the value a.
        """
        pixels, levels, _ = self.log_tables.shape
        observed = _check_observed(observed, values, pixels)
        values = check_values(np.where(observed, values, 0), levels, pixels)
        excluded = observed[..., None] & (values[..., None] != np.arange(levels))
        beliefs = np.where(excluded, -np.inf, 0.0).transpose(1, 0, 2).copy()
        messages = np.empty_like(beliefs)
        for pixel in self.order[::-1]:
            joint = self.log_tables[pixel] + beliefs[pixel][:, None]
            messages[pixel] = np.logaddexp.reduce(joint, axis=-1)
            if self.parents[pixel] >= 0:
                beliefs[self.parents[pixel]] += messages[pixel]
        return beliefs, messages

    def _downward(self, beliefs: np.ndarray, seed: int) -> np.ndarray:
        """Draw each pixel given its parent's value and its belief; int (N, D)."""
        rng = np.random.default_rng(seed)
        pixels, count, _ = beliefs.shape
        values = np.zeros((count, pixels), np.int64)
        for pixel in self.order:
            given_parent = self.log_tables[pixel, values[:, self.parents[pixel]]]
            values[:, pixel] = draw_levels(given_parent + beliefs[pixel], rng)
        return values


def learn_tree(values: np.ndarray, levels: int, *, smoothing: float = 1.0) -> TreeNetwork:
    """Learn the tree whose likelihood is the highest of all trees (Chow and Liu 1968, chapter 2).

    `values` are integers (N, D) from 0 to `levels` - 1; `smoothing` is added to every count
    (Laplace), so that no value has probability 0. A constant pixel does no harm: it says nothing
    about the others, nor they about it. Raises `TutorialError` for other values, for smoothing of
    0 or less, and for more than 4096 pixels × levels.
    """
    order, parents = spanning_tree(mutual_information(values, levels))
    return TreeNetwork(order, parents, _learn_tables(values, parents, levels, smoothing))


def learn_independent(values: np.ndarray, levels: int, *, smoothing: float = 1.0) -> TreeNetwork:
    """Learn the network without edges, where each pixel has a distribution of its own.

    Arguments and errors are those of `learn_tree`, with no limit on pixels × levels.
    """
    pixels = check_values(values, levels).shape[1]
    parents = np.full(pixels, -1)
    return TreeNetwork(
        np.arange(pixels), parents, _learn_tables(values, parents, levels, smoothing)
    )


def mutual_information(values: np.ndarray, levels: int) -> np.ndarray:
    """Return the mutual information of every two pixels, in nats; float64 (D, D).

    The diagonal holds the pixels' entropies. All pairs are counted by one matrix product: with
    one-hot rows, entry (i a, j b) of XᵀX is the number of images with level a at pixel i and b at
    pixel j. Raises `TutorialError` as `learn_tree` does.
    """
    values = check_values(values, levels)
    count, pixels = values.shape
    require(
        pixels * levels <= MOST_INDICATORS,
        f"{pixels} pixels with {levels} levels are {pixels * levels} indicators, more than "
        f"{MOST_INDICATORS}: use smaller images or fewer levels.",
    )
    pairs = np.zeros((pixels * levels,) * 2)
    for first in range(0, count, IMAGES_AT_ONCE):
        some = values[first : first + IMAGES_AT_ONCE, :, None] == np.arange(levels)
        indicators = some.reshape(len(some), -1).astype(np.float32)
        pairs += indicators.T @ indicators
    pairs *= np.log(np.maximum(pairs, 1))  # n log n, where 0 log 0 is 0
    sums = pairs.reshape(pixels, levels, pixels, levels).sum(axis=(1, 3))
    joint_entropies = np.log(count) - sums / count
    entropies = joint_entropies.diagonal()
    return np.maximum(entropies[:, None] + entropies - joint_entropies, 0)


def spanning_tree(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the spanning tree of the greatest total weight, rooted at pixel 0 (Prim 1957).

    `weights` is symmetric, float (D, D). Returns `order` and `parents` of a `TreeNetwork`. Among
    equal weights the pixel of the lowest number is added first, to the parent added first.
    """
    outside = np.ones(len(weights), bool)
    best, parents = np.full(len(weights), -np.inf), np.full(len(weights), -1)
    order, pixel = [], 0
    for _ in weights:
        order.append(pixel)
        outside[pixel] = False
        closer = outside & (weights[pixel] > best)
        best[closer], parents[closer] = weights[pixel, closer], pixel
        pixel = int(np.where(outside, best, -np.inf).argmax())
    return np.array(order), parents


def _learn_tables(
    values: np.ndarray, parents: np.ndarray, levels: int, smoothing: float
) -> np.ndarray:
    """Count each pixel's values for each value of its parent; float64 (D, K, K), logarithms."""
    require(
        0 < smoothing < np.inf,
        f"smoothing must be greater than 0, not {smoothing}: without it, a value that was never "
        "seen has probability 0 and would cost infinitely many bits.",
    )
    values = check_values(values, levels)
    pixels = len(parents)
    given = np.where(parents < 0, 0, values[:, parents])
    cells = (np.arange(pixels) * levels + given) * levels + values
    counts = np.bincount(cells.ravel(), minlength=pixels * levels**2).astype(np.float64)
    counts = counts.reshape(pixels, levels, levels) + smoothing
    counts[parents < 0] = counts[parents < 0, :1]
    return np.log(counts / counts.sum(axis=-1, keepdims=True))


def draw_levels(log_weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one level for each row, with probabilities proportional to exp(log_weights).

    `log_weights` is float (N, K), minus infinity where a level is impossible; returns int (N,).
    Adding Gumbel noise and taking the largest does just that, without a sum (Maddison 2014).
    """
    return (log_weights + rng.gumbel(size=log_weights.shape)).argmax(axis=-1)


def bits_per_pixel(log_likelihoods: np.ndarray, pixels: int) -> np.ndarray:
    """Return the length of an ideal code, -log2 p(x), divided by the number of pixels; same shape.

    `log_likelihoods` are in nats.
    """
    return -np.asarray(log_likelihoods) / (pixels * np.log(2))


def quantise(images: np.ndarray, levels: int) -> np.ndarray:
    """Turn uint8 images (N, h, w, 3) into grey levels, uint8 (N, h, w) from 0 to `levels` - 1.

    Grey is the luma of ITU-R BT.601; the levels are equally wide. Raises `TutorialError` for other
    images, or unless `levels` is a whole number from 2 to 256.
    """
    images = np.asarray(images)
    fits = images.dtype == np.uint8 and images.ndim == 4 and images.shape[-1] == 3
    found = f"{images.dtype} of shape {images.shape}"
    require(fits, f"quantise needs uint8 images (N, h, w, 3), not {found}.")
    _check_levels(levels)
    luma = np.rint(images @ np.array([0.299, 0.587, 0.114])).astype(np.int64)
    return (luma * levels // 256).astype(np.uint8)


def to_grey(values: np.ndarray, levels: int) -> np.ndarray:
    """Turn grey levels (N, h, w) back into uint8 images (N, h, w, 3), the middle of each level.

    The levels may be fractions, such as means. Raises `TutorialError` as `quantise` does.
    """
    _check_levels(levels)
    grey = (np.asarray(values) + 0.5) * (256 / levels)
    return np.clip(grey, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=-1)


def check_values(values: np.ndarray, levels: int, pixels: int | None = None) -> np.ndarray:
    """Return values as int (N, D), or raise `TutorialError` if they are not from 0 to K - 1.

    With `pixels`, D must be that number.
    """
    _check_levels(levels)
    values = np.asarray(values)
    fits = values.ndim == 2 and values.size > 0 and pixels in (None, values.shape[-1])
    wanted = f"(N, {pixels or 'pixels'})"
    require(fits, f"Values must have the shape {wanted}, with at least one, not {values.shape}.")
    whole = np.issubdtype(values.dtype, np.integer)
    require(whole, f"Values must be integers, not {values.dtype}: quantise(images, levels) helps.")
    low, high = values.min(), values.max()
    wrong = low if low < 0 else high
    require(0 <= low and high < levels, f"Values must be from 0 to {levels - 1}, not {wrong}.")
    return values.astype(np.int64)


def _check_levels(levels: int) -> None:
    whole = isinstance(levels, Integral) and not isinstance(levels, bool)
    require(whole and 2 <= levels <= 256, f"levels must be from 2 to 256, not {levels!r}.")


def _check_observed(observed: np.ndarray, values: np.ndarray, pixels: int) -> np.ndarray:
    """Return which values are observed, bool of the shape of `values`."""
    observed, shape = np.asarray(observed), np.shape(values)
    fits = observed.dtype == bool and observed.shape in ((pixels,), shape)
    found = f"{observed.dtype} of shape {observed.shape}"
    require(fits, f"observed must be boolean of shape ({pixels},) or {shape}, not {found}.")
    return np.broadcast_to(observed, shape)
