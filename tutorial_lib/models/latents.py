"""The noise that a generator turns into images."""

import numpy as np


def draw_latents(count: int, latent_size: int, *, seed: int = 0) -> np.ndarray:
    """Return standard normal latents, float32 (count, latent_size), the same for each seed.

    >>> draw_latents(64, 128, seed=1).shape
    (64, 128)
    """
    return np.random.default_rng(seed).standard_normal((count, latent_size), dtype=np.float32)
