"""Checks of the exercises of chapter 2."""

from collections.abc import Callable

import numpy as np

from tutorial_lib.checks.verdict import check
from tutorial_lib.models.bayes_net import TreeNetwork, bits_per_pixel, learn_tree


def exercise_1(entropy: Callable[[np.ndarray], float], constant: float | None) -> None:
    """Check `entropy(p)`, in bits, and the entropy of a pixel that is always the same."""
    uneven = np.random.default_rng(0).dirichlet(np.ones(5), 20)

    def right(p: np.ndarray) -> bool:
        known = p[p > 0]
        return bool(np.isclose(entropy(p), known @ -np.log2(known)))

    check(
        lambda: right(np.full(8, 1 / 8)) and all(map(right, uneven)),
        "The mean of -log2 p, weighted by p.",
    )
    check(lambda: right(np.array([0.75, 0, 0.25, 0])), "0 log 0 counts as 0.")
    check(lambda: constant == 0, "How many bits tell you what you know already?")


def exercise_2(
    conditional_bits: Callable[..., float],
    cheaper: str | None,
    network: TreeNetwork,
    images: np.ndarray,
) -> None:
    """Check `conditional_bits(network, images, observed)`, and which half is the cheaper one.

    `images` are integers (N, D), as `network` takes them.
    """
    pixels = images.shape[1]
    nothing = np.zeros(pixels, bool)
    upper = np.arange(pixels) < pixels // 2
    few = np.random.default_rng(0).random(pixels) < 0.2

    def bits(observed: np.ndarray) -> float:
        hidden = network.log_likelihood(images) - network.log_likelihood(images, observed)
        return bits_per_pixel(hidden, int((~observed).sum())).mean()

    def right(observed: np.ndarray) -> bool:
        found = conditional_bits(network, images, observed)
        return np.shape(found) == () and bool(np.isclose(found, bits(observed)))

    half = "lower" if bits(upper) < bits(~upper) else "upper"
    check(lambda: right(nothing), "With nothing observed, all pixels are hidden.")
    check(
        lambda: right(upper) and right(~upper),
        "log p(hidden | observed) = log p(all) - log p(observed).",
    )
    check(lambda: right(few), "Not every mask leaves half of the pixels hidden.")
    check(lambda: cheaper == half, "Compare both.")


def exercise_3(
    is_upright: Callable[[TreeNetwork, np.ndarray], np.ndarray],
    network: TreeNetwork,
    images: np.ndarray,
) -> None:
    """Check `is_upright(network, images)` with upright cats, integers (N, h, w)."""
    rng = np.random.default_rng(0)
    levels = network.log_tables.shape[-1]
    turned = rng.random(len(images)) < 0.5
    mixed = np.where(turned[:, None, None], images[:, ::-1], images)
    noise = rng.integers(0, levels, images.shape)

    def likelihood(pictures: np.ndarray) -> np.ndarray:
        return network.log_likelihood(pictures.reshape(len(pictures), -1))

    def agrees_on_noise() -> bool:
        found = is_upright(network, noise)
        return np.array_equal(found, likelihood(noise) > likelihood(noise[:, ::-1]))

    def asks_the_network() -> bool:
        mirrored = images[:, ::-1].reshape(len(images), -1)
        return np.mean(is_upright(learn_tree(mirrored, levels), images)) < 0.2

    def finds_the_upright() -> bool:
        found = np.asarray(is_upright(network, mixed))
        return found.shape == turned.shape and np.mean(found == ~turned) > 0.8

    check(finds_the_upright, "images[:, ::-1] mirrors them; compare log-likelihoods.")
    check(
        asks_the_network, "A network that learnt from mirrored cats takes the mirrored for upright."
    )
    check(
        agrees_on_noise,
        "Any picture is compared with its own mirror image, rows in reverse, columns as they are.",
    )
