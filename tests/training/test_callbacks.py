import numpy as np
import pytest
from helpers.runs import CallAt, make_images, make_trainer
from helpers.small import Small, assert_as_if_nothing_happened, make_small_trainer

from tutorial_lib.errors import TutorialError
from tutorial_lib.pretrained import load_card
from tutorial_lib.training.best import KeepBest
from tutorial_lib.training.callbacks import Checkpoints, Log, SampleGrid
from tutorial_lib.training.log import read_log
from tutorial_lib.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("deterministic")


# --- NaN -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["generator", "average"])
def test_nan_in_the_weights_stops_and_keeps_the_last_good_checkpoint(tmp_path, network):
    trainer = make_trainer(tmp_path)

    def poison():
        weight = getattr(trainer.algorithm, network).weights[0]
        weight.assign(weight * float("nan"))

    trainer.callbacks.insert(0, CallAt(40, poison))
    with pytest.raises(TutorialError, match=r"(?i)nan.*checkpoints.0000000032"):
        trainer.fit(kimg=0.064)
    assert trainer.state.saved()[-1].name == "0000000032"


@pytest.mark.parametrize(
    ("where", "named"),
    [("nan_data_at", "loss is nan"), ("nan_gradient_at", "a weight is NaN or infinite")],
)
def test_nan_stops_before_anything_is_saved(run, whole, where, named):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    last = run / "checkpoints" / "0000000032"
    with pytest.raises(TutorialError, match=f"{named} at 48 images; .* checkpoint is {last}"):
        make_small_trainer(run, algorithm=Small(**{where: 40})).fit(kimg=0.064)
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    resumed = make_small_trainer(run)
    resumed.fit(kimg=0.064, resume="must")
    assert_as_if_nothing_happened(resumed, whole)


# --- the best network ----------------------------------------------------------------------------


def train_with_scores(directory, scores, kimg):
    """Train, with scores that are given."""
    scores = iter(scores)
    measure = KeepBest(
        lambda images: {"score": next(scores), "images": len(images)},
        every_kimg=0.016,
        count=5,
        score="score",
    )
    callbacks = [measure, Log(), Checkpoints(every_seconds=0)]
    trainer = Trainer(Small(), make_images(), directory, tick_kimg=0.008, callbacks=callbacks)
    trainer.fit(kimg=kimg)


def test_the_best_network_is_kept_also_over_a_resume(tmp_path):
    train_with_scores(tmp_path, [3.0, 2.0, 4.0], 0.048)
    records = read_log(tmp_path / "log.jsonl")
    assert {record.get("images", 5) for record in records} == {5}
    scores = {record["nimg"]: record.get("score") for record in records}
    assert scores == {8: None, 16: 3.0, 24: None, 32: 2.0, 40: None, 48: 4.0}
    card = load_card(tmp_path / "best")
    assert card["score"] == {"name": "score", "value": 2.0, "count": 5} and card["nimg"] == 32
    train_with_scores(tmp_path, [2.5], 0.056)  # the end of a run is measured, though not due
    assert load_card(tmp_path / "best") == card
    assert load_card(tmp_path)["nimg"] == 56
    train_with_scores(tmp_path, [1.5], 0.064)
    assert load_card(tmp_path / "best")["nimg"] == 64


# --- sheets of samples ---------------------------------------------------------------------------


def test_sheets_get_rarer_as_a_run_gets_older(tmp_path):
    callbacks = [SampleGrid(4), Checkpoints(every_seconds=0)]
    sheets = tmp_path / "samples"

    def train(kimg):
        trainer = Trainer(Small(), make_images(), tmp_path, tick_kimg=0.008, callbacks=callbacks)
        trainer.fit(kimg=kimg)
        return sorted(int(path.stem) for path in sheets.iterdir())

    young = train(0.080)
    assert young == list(range(0, 81, 8)), "one at every tick"
    older = train(0.4)
    gaps = np.diff(older)
    assert (np.diff(gaps[:-1]) >= 0).all() and gaps[-2] == 40, "whenever it has grown by a tenth"
    assert older[-1] == 400, "and one at the end"
    assert train(0.408)[-1] == 408
