import dataclasses
import itertools
import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.runs import TINY_DOCUMENT, TINY_GAN, assert_same_bits, make_images, make_trainer
from helpers.small import Small, assert_as_if_nothing_happened, assert_bits_of, make_small_trainer

from tutorial_lib.data.sources import Images, Labelled, Pairs, Points
from tutorial_lib.errors import TutorialError
from tutorial_lib.training.log import read_log
from tutorial_lib.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("deterministic")


@pytest.fixture(scope="module")
def finished_gan(tmp_path_factory, deterministic):
    """A run of 32 images; tests copy it, since tracing a step takes seconds."""
    directory = tmp_path_factory.mktemp("finished") / "run"
    make_trainer(directory).fit(kimg=0.032)
    return directory


@pytest.fixture
def gan_run(finished_gan, tmp_path):
    return Path(shutil.copytree(finished_gan, tmp_path / "run"))


# --- what a run leaves ---------------------------------------------------------------------------


@pytest.mark.slow
def test_run_directory_holds_what_it_promises(tmp_path):
    trainer = make_trainer(tmp_path)
    trainer.fit(kimg=0.064)
    records = read_log(tmp_path / "log.jsonl")
    assert [record["nimg"] for record in records] == [16, 32, 48, 64]
    assert set(records[0]) == {
        "nimg",
        "seconds",
        "images_per_second",
        "generator_loss",
        "discriminator_loss",
    }
    sheets = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert sheets == [f"{nimg:010d}.png" for nimg in (0, 16, 32, 48, 64)]
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["nimg"] == 64 and card["recipe"]["seed"] == 0 and card["data"]["images"] == 20
    assert len(trainer.state.saved()) == 2


def test_a_run_in_memory_leaves_nothing_behind(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    trainer = Trainer(Small(), make_images(), tick_kimg=0.016)
    trainer.fit(kimg=0.032)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "run in memory: new run, float32" and len(said) == 3, "and a line a tick"
    assert trainer.nimg == 32 and not list(tmp_path.iterdir())


# --- going on ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [TINY_GAN, TINY_DOCUMENT], ids=["dcgan", "document"])
def test_resumed_run_ends_in_the_same_bits(tmp_path, recipe):
    whole = make_trainer(tmp_path / "whole", recipe)
    whole.fit(kimg=0.096)
    make_trainer(tmp_path / "parts", recipe).fit(kimg=0.032)
    resumed = make_trainer(tmp_path / "parts", recipe)
    resumed.fit(kimg=0.096, resume="must")
    assert_same_bits(whole, resumed)
    first, second = ((tmp_path / name / "log.jsonl") for name in ("whole", "parts"))
    losses = [[r["generator_loss"] for r in read_log(path)] for path in (first, second)]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("change", "named"),
    [({"learning_rate": 1e-3}, "learning_rate"), ({"seed": 1}, "seed"), ({"flip": False}, "flip")],
)
def test_resume_with_other_hyper_parameters_is_refused(gan_run, change, named):
    with pytest.raises(TutorialError, match=f"recipe.{named} = "):
        make_trainer(gan_run, dataclasses.replace(TINY_GAN, **change)).fit(kimg=0.064)


def test_resume_with_other_data_or_precision_is_refused(gan_run):
    with pytest.raises(TutorialError, match=r"data\.sha256"):
        make_trainer(gan_run, images=make_images(seed=1)).fit(kimg=0.064)
    with pytest.raises(TutorialError, match="precision = 'float32', now it is 'mixed_bfloat16'"):
        make_trainer(gan_run, precision="mixed_bfloat16").fit(kimg=0.064)


def test_resume_never_and_must(gan_run, tmp_path):
    with pytest.raises(TutorialError, match="no run to resume"):
        make_trainer(tmp_path / "new").fit(kimg=0.016, resume="must")
    with pytest.raises(TutorialError, match="already holds a run"):
        make_trainer(gan_run).fit(kimg=0.016, resume="never")
    with pytest.raises(TutorialError, match="'yes'"):
        make_trainer(gan_run).fit(kimg=0.016, resume="yes")


def test_damaged_config_is_named(gan_run):
    (gan_run / "config.json").write_text("{")
    with pytest.raises(TutorialError, match=r"config\.json is damaged"):
        make_trainer(gan_run).fit(kimg=0.064)


def test_checkpoints_without_a_config_are_refused(gan_run):
    (gan_run / "config.json").unlink()
    with pytest.raises(TutorialError, match=r"no config\.json"):
        make_trainer(gan_run).fit(kimg=0.064)


# --- clocks and ends -----------------------------------------------------------------------------


@pytest.mark.slow
def test_minutes_count_over_stretches(tmp_path):
    make_trainer(tmp_path).fit(minutes=0.001)
    first = read_log(tmp_path / "log.jsonl")[-1]
    trainer = make_trainer(tmp_path)
    trainer.fit(minutes=0.001)
    assert trainer.state.seconds == pytest.approx(first["seconds"], abs=0.01)
    assert trainer.nimg == first["nimg"]


def test_a_clock_set_back_changes_nothing(run, whole, monkeypatch):
    backwards = itertools.count(2e9, -3600)
    monkeypatch.setattr(time, "time", lambda: next(backwards))
    trainer = make_small_trainer(run)
    trainer.fit(kimg=0.096)
    assert_as_if_nothing_happened(trainer, whole)
    assert_time_passes(run)


def test_the_time_of_a_run_goes_on_after_the_machine_has_started_anew(run, whole, monkeypatch):
    """The monotonic clock begins again then, below the time that the run has lasted."""
    monotonic, start = time.monotonic, time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() - start)
    trainer = make_small_trainer(run)
    trainer.fit(kimg=0.064)
    assert_as_if_nothing_happened(trainer, whole)
    assert_time_passes(run)


def assert_time_passes(run):
    records = read_log(run / "log.jsonl")
    seconds = [record["seconds"] for record in records]
    assert seconds[0] > 0 and seconds == sorted(seconds)
    assert all(record["images_per_second"] > 0 for record in records)


def test_fit_needs_an_end(tmp_path):
    with pytest.raises(TutorialError, match="kimg, minutes or both"):
        make_trainer(tmp_path).fit()


@pytest.mark.parametrize("limit", [{"kimg": 0}, {"minutes": -1}, {"kimg": float("nan")}])
def test_impossible_ends_are_named(tmp_path, limit):
    (name,) = limit
    with pytest.raises(TutorialError, match=f"{name} must be a positive number"):
        make_trainer(tmp_path).fit(**limit)


def test_a_run_beyond_the_end_of_its_learning_rate_is_refused(tmp_path):
    recipe = dataclasses.replace(TINY_GAN, decay_kimg=0.016)
    with pytest.raises(TutorialError, match="rate is 0 before 0.032 thousand.*larger decay_kimg"):
        make_trainer(tmp_path / "long", recipe).fit(kimg=0.032)
    assert not list(tmp_path.glob("long/*"))
    make_trainer(tmp_path / "whole", recipe).fit(kimg=0.016)


# --- what is refused before anything is written --------------------------------------------------


def test_a_refused_start_leaves_nothing_behind(tmp_path):
    with pytest.raises(TutorialError, match="batch of 8"):
        make_trainer(tmp_path / "run", images=make_images(count=5)).fit(kimg=1)
    assert not (tmp_path / "run").exists()


def test_images_of_another_size_are_refused(tmp_path):
    with pytest.raises(TutorialError, match=r"\(8, 8, 3\).*\(16, 16, 3\).*size=8"):
        make_trainer(tmp_path, images=make_images(16))


def test_run_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(TutorialError, match="run.*cannot be used"):
        make_trainer(tmp_path / "run").fit(kimg=0.016)


@pytest.mark.parametrize(
    ("source", "shape"),
    [
        (Pairs(make_images(), make_images()), r"\(\(8, 8, 3\), \(8, 8, 3\)\)"),
        (Labelled(make_images(), np.arange(20)), r"\(\(8, 8, 3\), \(\)\)"),
        (Points(lambda count, seed: np.zeros((count, 2))), r"\(2,\)"),
    ],
    ids=["pairs", "labels", "points"],
)
def test_a_source_of_something_else_is_refused(source, shape):
    with pytest.raises(TutorialError, match=rf"of shape \(8, 8, 3\), but these have shape {shape}"):
        Trainer(Small(), source)


def test_a_source_of_images_is_taken_as_the_images(tmp_path, whole):
    trainer = Trainer(Small(), Images(make_images()), callbacks=[])
    trainer.fit(kimg=0.016)
    assert_bits_of(whole, trainer)
