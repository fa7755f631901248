import dataclasses
from functools import partial

import numpy as np
import pytest

from tutorial_lib.algorithms.gan import GAN
from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.data import sources
from tutorial_lib.data.points import draw_points, mode_centres
from tutorial_lib.errors import TutorialError
from tutorial_lib.training.fit_points import fit_points

RECIPE = GANRecipe(networks="toy", latent_size=2, width=8, batch_size=16, r1_gamma=0.1, seed=5)


draw_ring = partial(draw_points, "ring")


def build(**changes):
    return GAN(dataclasses.replace(RECIPE, **changes), precision="float32")


def weights(gan):
    return [variable.numpy() for variable in gan.variables]


@pytest.mark.slow
def test_snapshots_come_at_the_start_on_the_way_and_at_the_end():
    snapshots = fit_points(build(), draw_ring, 7, every=3, count=11)
    assert [snapshot.step for snapshot in snapshots] == [0, 3, 6, 7]
    assert all(snapshot.points.shape == (11, 2) for snapshot in snapshots)
    assert all(snapshot.points.dtype == np.float32 for snapshot in snapshots)
    assert len(np.unique([snapshot.points[0] for snapshot in snapshots], axis=0)) == 4


@pytest.mark.slow
def test_a_snapshot_is_what_the_averaged_generator_samples():
    gan = build()
    snapshots = fit_points(gan, draw_ring, 3, every=10, count=6)
    samples = gan.sample(gan.draw_latents(6))
    np.testing.assert_allclose(snapshots[-1].points, samples, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_networks_can_be_looked_at_on_the_way():
    gan = build(ema_halflife_kimg=0.0)  # so that the average is the generator itself
    seen = []

    def look(snapshot):
        points = gan.generator(gan.draw_latents(6))
        np.testing.assert_allclose(points, snapshot.points, rtol=1e-5, atol=1e-6)
        seen.append(snapshot.step)

    fit_points(gan, draw_ring, 4, every=2, count=6, look=look)
    assert seen == [0, 2, 4]


@pytest.mark.slow
def test_a_run_in_two_parts_ends_like_one_in_a_piece(monkeypatch):
    monkeypatch.setattr(sources, "BATCHES_A_POOL", 4)  # so that both parts cross a border
    whole, parts = build(), build()
    expected = fit_points(whole, draw_ring, 10, every=5)
    first = fit_points(parts, draw_ring, 5, every=5)
    second = fit_points(parts, draw_ring, 5, every=5)
    assert [snapshot.step for snapshot in first + second] == [0, 5, 5, 10]
    np.testing.assert_array_equal(second[-1].points, expected[-1].points)
    for one, other in zip(weights(whole), weights(parts), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["non-saturating", "relativistic", "least-squares"])
def test_points_come_to_the_modes(loss):
    gan = build(width=64, batch_size=64, learning_rate=2e-3, loss=loss, penalty_interval=1)
    snapshots = fit_points(gan, draw_ring, 600, every=600)

    def distance(snapshot):
        gaps = np.linalg.norm(snapshot.points[:, None] - mode_centres("ring"), axis=-1)
        return gaps.min(axis=1).mean()

    assert distance(snapshots[-1]) < 0.5 * distance(snapshots[0])


@pytest.mark.parametrize("name", ["steps", "every", "count"])
def test_numbers_must_be_positive(name):
    numbers = {"steps": 2, "every": 1, "count": 4} | {name: 0}
    with pytest.raises(TutorialError, match=f"{name} must be at least 1, not 0"):
        fit_points(build(), draw_ring, **numbers)


def test_real_points_must_have_two_coordinates():
    def draw(count, *, seed):
        return np.zeros((count, 3))

    with pytest.raises(TutorialError, match=r"must return .* shape \(4096, 2\), not .*, 3\)"):
        fit_points(build(), draw, 1, every=1)


@pytest.mark.slow
def test_a_generator_that_diverges_is_named():
    gan = build(ema_halflife_kimg=0.0)
    gan.generator.layers[0].kernel.assign(gan.generator.layers[0].kernel * np.inf)
    with pytest.raises(TutorialError, match="After 1 steps .* no longer finite: lower"):
        fit_points(gan, draw_ring, 2, every=1)
