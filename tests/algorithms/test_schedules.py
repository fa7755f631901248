import numpy as np

from tutorial_lib.algorithms import schedules


def test_average_halves_a_generators_share_after_the_halflife():
    beta = schedules.ema_beta(10**9, batch_size=50, halflife_kimg=10)
    np.testing.assert_allclose(beta ** (10_000 / 50), 0.5, rtol=1e-6)
    assert schedules.ema_beta(0, 50, 10) == 0
    assert schedules.ema_beta(1000, 50, 10) < beta


def test_cosine_falls_from_first_to_last_and_stays():
    values = [schedules.cosine(nimg, 4.0, 1.0, kimg=2.0) for nimg in (0, 1000, 2000, 9000)]
    np.testing.assert_allclose(values, [4.0, 2.5, 1.0, 1.0])
    assert schedules.cosine(10**6, 4.0, 1.0, kimg=0.0) == 4.0
