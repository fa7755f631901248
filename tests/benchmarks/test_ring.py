"""The games on the ring are all stored, and one that was stopped goes on where it was."""

import dataclasses
import json

import numpy as np
import pytest
import ring
from loss_comparison import completed

from tutorial_lib.errors import TutorialError


def test_stored_games_are_every_cell_at_every_seed_to_the_last_step():
    stored, settings = json.loads((ring.RESULTS / "ring.json").read_text("utf-8")), ring.Settings()
    wanted = json.loads(json.dumps(dataclasses.asdict(settings)))
    assert completed(stored["settings"]) == wanted
    done = [ring.cell_and_seed(run) for run in stored["runs"]]
    due = [
        ring.cell_and_seed(cell | {"seed": seed})
        for seed in settings.seeds
        for cell in settings.cells
    ]
    assert done == due and len(settings.seeds) >= 3
    looks = list(range(0, settings.steps + 1, settings.every))
    for run in stored["runs"]:
        assert run["step"] == looks
        assert all(0 <= covered <= 8 for covered in run["modes_covered"])
        assert all(0 <= value <= np.log(2) + 1e-3 for value in run["jensen_shannon"])
        assert len(run["modes_covered"]) == len(run["jensen_shannon"]) == len(looks)


def test_cells_cross_momentum_and_rate_and_hold_the_documents_own():
    cells = ring.Settings().cells
    assert {(cell["beta_1"], cell["learning_rate"]) for cell in cells} == {
        (beta_1, rate) for beta_1 in (0.0, 0.5, 0.9) for rate in (1e-4, 1e-3)
    }
    assert cells[-1] == {"beta_1": 0.9, "learning_rate": 1e-4, "beta_2": 0.999}


@pytest.mark.slow
def test_games_go_on_where_they_were_and_a_diverged_one_is_recorded(tmp_path):
    settings = ring.Settings(
        recipe=dataclasses.replace(ring.RING, width=4, batch_size=8),
        cells=({"beta_1": 0.5, "learning_rate": 1e-3, "beta_2": 0.99},),
        seeds=(0,),
        steps=5,
        every=2,
        samples=20,
    )
    ring.compare(settings, tmp_path)
    (first,) = json.loads((tmp_path / "ring.json").read_text("utf-8"))["runs"]
    assert first["step"] == [0, 2, 4, 5] and first["beta_1"] == 0.5 and "failure" not in first

    ring.compare(dataclasses.replace(settings, seeds=(0, 1)), tmp_path)
    runs = json.loads((tmp_path / "ring.json").read_text("utf-8"))["runs"]
    assert runs[0] == first and [run["seed"] for run in runs] == [0, 1]
    with pytest.raises(TutorialError, match="other settings"):
        ring.compare(dataclasses.replace(settings, steps=6), tmp_path)

    wild = dataclasses.replace(settings.recipe, learning_rate=1e38)
    assert "no longer finite" in ring.play(settings, wild)["failure"]
