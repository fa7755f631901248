"""The benchmark of chapter 9 measures every training alike, and goes on where it stopped."""

import dataclasses
import json

import pytest
import spread

from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.errors import TutorialError


def read(folder=spread.RESULTS):
    return json.loads((folder / "spread.json").read_text("utf-8"))


def test_stored_spread_holds_every_training_under_the_present_settings():
    stored = read()
    settings = dataclasses.asdict(spread.SETTINGS)
    stored["settings"]["recipe"] = dataclasses.asdict(GANRecipe(**stored["settings"]["recipe"]))
    assert stored["settings"] == json.loads(json.dumps(settings))
    assert [run["seed"] for run in stored["runs"]] == list(spread.SETTINGS.seeds)
    for run in stored["runs"]:
        assert run["nimg"] == 1000 * spread.SETTINGS.kimg
        assert len(run["frechet_lite0"]) == spread.SETTINGS.batches
        assert min(run["frechet_lite0"]) > max(stored["floor"])
    assert len(stored["floor"]) == spread.SETTINGS.batches


@pytest.mark.slow
def test_trainings_that_are_missing_are_added_and_other_settings_refused(tmp_path):
    recipe = GANRecipe(size=16, width=4, batch_size=8)
    settings = spread.Settings(recipe, seeds=(0,), images=32, kimg=0.016, batches=2, count=8)
    spread.measure_spread(settings, tmp_path)
    first = read(tmp_path)
    assert len(first["floor"]) == len(first["runs"][0]["frechet_lite0"]) == 2
    spread.measure_spread(dataclasses.replace(settings, seeds=(0, 1)), tmp_path)
    both = read(tmp_path)
    assert both["runs"][:1] == first["runs"] and both["runs"][1]["seed"] == 1
    assert both["runs"][0]["frechet_lite0"] != both["runs"][1]["frechet_lite0"]
    with pytest.raises(TutorialError, match="other settings"):
        spread.measure_spread(dataclasses.replace(settings, count=16), tmp_path)
