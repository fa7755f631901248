"""Values that change over a run, as pure functions of the images seen so far (nimg)."""


def ema_beta(nimg: int, batch_size: int, halflife_kimg: float, ramp: float = 0.05) -> float:
    """Return the weight that the average of the generator keeps at this step, in [0, 1).

    After `halflife_kimg` thousand images, a generator's share in the average has halved. Early
    in a run the half-life is only `ramp` × `nimg`, so the average forgets its first, random
    weights (Karras 2020, chapter 7).
    """
    halflife = min(halflife_kimg * 1000, ramp * nimg)
    return 0.5 ** (batch_size / halflife) if halflife > 0 else 0.0
