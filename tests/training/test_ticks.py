import math
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from tutorial_lib.errors import TutorialError
from tutorial_lib.training import ticks
from tutorial_lib.training.ticks import Clock, Limits, Tick


@pytest.fixture
def now(monkeypatch):
    """A monotonic clock that stands still unless it is moved."""
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(ticks.time, "monotonic", lambda: now.seconds)
    return now


def state(nimg=0, seconds=0.0):
    return SimpleNamespace(nimg=nimg, seconds=seconds)


# --- limits --------------------------------------------------------------------------------------


def test_limits_count_thousand_images_and_minutes():
    assert Limits.of(kimg=2.5, minutes=None) == Limits(images=2500)
    assert Limits.of(kimg=None, minutes=1.5) == Limits(seconds=90)
    assert Limits.of(kimg=1, minutes=1) == Limits(images=1000, seconds=60)
    assert Limits.of(kimg=0.064, minutes=None).images == 64, "no more because of rounding"
    assert Limits.of(kimg=1e-9, minutes=None).images == 1, "a run has at least one image"


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
@pytest.mark.parametrize("name", ["kimg", "minutes"])
def test_impossible_limits_are_named(name, value):
    with pytest.raises(TutorialError, match=f"^{name} must be a positive number, not {value}"):
        Limits.of(**{"kimg": None, "minutes": None} | {name: value})


def test_a_run_needs_an_end():
    with pytest.raises(TutorialError, match="kimg, minutes or both"):
        Limits.of(kimg=None, minutes=None)


@pytest.mark.parametrize(
    ("limits", "nimg", "seconds", "progress"),
    [
        (Limits(), 10**9, 1e9, 0),
        (Limits(images=200), 50, 1e9, 0.25),
        (Limits(seconds=60), 10**9, 45, 0.75),
        (Limits(images=200, seconds=60), 50, 45, 0.75),
        (Limits(images=200, seconds=60), 150, 6, 0.75),
        (Limits(images=200), 201, 0, 1),
        (Limits(images=200, seconds=60), 0, 0, 0),
    ],
)
def test_progress_is_that_of_the_limit_that_is_nearer(limits, nimg, seconds, progress):
    assert limits.progress(state(nimg, seconds)) == progress


# --- the clock -----------------------------------------------------------------------------------


def test_the_clock_goes_on_from_what_a_run_has_lasted(now):
    run = state(seconds=100.0)
    clock = Clock(run)
    now.seconds += 7
    assert run.seconds == 100, "it is read when asked to"
    clock.read()
    assert run.seconds == 107
    later = state(seconds=run.seconds)
    now.seconds = 3.0  # another start of the machine, whose clock begins anew
    clock = Clock(later)
    now.seconds += 2
    clock.read()
    assert later.seconds == 109


# --- ticks ---------------------------------------------------------------------------------------


def test_a_tick_holds_the_means_of_its_steps_and_its_speed(now):
    run = state(nimg=1000, seconds=50.0)
    clock = Clock(run)
    tick = Tick(run, clock)
    for step, loss in enumerate([1.0, 2.0, 6.0], start=1):
        now.seconds += 0.5
        run.nimg += 30
        tick.add({"loss": loss, "kl_loss": np.float32(step)})
    assert tick.record() == {
        "nimg": 1090,
        "seconds": 51.5,
        "images_per_second": 60.0,
        "loss": 3.0,
        "kl_loss": 2.0,
    }


def test_a_tick_sums_up_on_the_device():
    run = state(nimg=0)
    tick = Tick(run, Clock(run))
    for loss in (tf.constant(1.0), tf.constant(4.0)):
        run.nimg += 8
        tick.add({"loss": loss})
    record = tick.record()
    assert record["loss"] == 2.5 and all(type(value) in (int, float) for value in record.values())


def test_the_speed_leaves_out_what_callbacks_took(now):
    run = state()
    clock = Clock(run)
    now.seconds += 100  # samples and checkpoints, after the tick before
    tick = Tick(run, clock)
    now.seconds += 4
    run.nimg += 20
    tick.add({})
    record = tick.record()
    assert record["images_per_second"] == 5 and record["seconds"] == 104


def test_a_tick_without_time_has_a_finite_speed(now):
    run = state()
    tick = Tick(run, Clock(run))
    run.nimg += 8
    tick.add({"loss": 1.0})
    assert math.isfinite(tick.record()["images_per_second"])
