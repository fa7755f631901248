"""Values that change over a run, as pure functions of the images seen so far (nimg)."""

import math

RAMP = 0.05  # of the images seen so far: the longest half-life of the average


def ema_beta(nimg: int, batch_size: int, halflife_kimg: float) -> float:
    """Return the weight that the average of the weights keeps at this step, in [0, 1).

    After `halflife_kimg` thousand images, a network's share in the average has halved. Early
    in a run the half-life is only `RAMP` × `nimg`, so the average forgets its first, random
    weights (Karras 2020, chapter 7).
    """
    halflife = min(halflife_kimg * 1000, RAMP * nimg)
    return 0.5 ** (batch_size / halflife) if halflife > 0 else 0.0


def warmup(nimg: int, warmup_kimg: float) -> float:
    """Return a factor that rises in a straight line from 0 to 1 over `warmup_kimg`, and stays."""
    return min(1.0, nimg / (1000 * warmup_kimg)) if warmup_kimg > 0 else 1.0


def cosine(nimg: int, first: float, last: float, kimg: float) -> float:
    """Return a value that falls from `first` to `last` over `kimg`, by half a cosine, and stays.

    Fast in the middle, slow at both ends (Loshchilov 2016). With `kimg` 0 it is always `first`.

    >>> [cosine(nimg, first=1.0, last=0.0, kimg=10) for nimg in (0, 5000, 20000)]
    [1.0, 0.5, 0.0]
    """
    if kimg == 0:
        return first
    progress = min(1.0, nimg / (1000 * kimg))
    return last + 0.5 * (first - last) * (1 + math.cos(math.pi * progress))
