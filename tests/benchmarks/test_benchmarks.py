"""Benchmarks store what they say, go on where they stopped, and hide no failure."""

import dataclasses
import json

import ablation
import loss_comparison
import numpy as np
import pytest
from PIL import Image

from tutorial_lib.errors import TutorialError

each_part = pytest.mark.parametrize("part", loss_comparison.SETTINGS)


def read(part, folder=loss_comparison.RESULTS):
    return json.loads((folder / f"loss_comparison_{part}.json").read_text("utf-8"))


def small(part, **changes):
    settings = loss_comparison.SETTINGS[part]
    recipe = dataclasses.replace(settings.recipe, width=4, batch_size=8, size=16)
    changes = {"recipe": recipe, "seeds": (0,), "kimg": 0.024, "samples": 64} | changes
    return dataclasses.replace(settings, **changes)


@each_part
def test_stored_results_hold_every_row_at_every_seed_under_the_present_settings(part):
    stored, settings = read(part), loss_comparison.SETTINGS[part]
    wanted = json.loads(json.dumps(dataclasses.asdict(settings)))
    assert loss_comparison.completed(stored["settings"]) == wanted
    done = [(run["loss"], run["penalty"], run["seed"]) for run in stored["runs"]]
    wanted = {(*row, seed) for row in loss_comparison.ROWS for seed in settings.seeds}
    assert set(done) == wanted and len(done) == len(wanted) >= 3 * len(loss_comparison.ROWS)
    assert {loss for loss, _, _ in done} == set(loss_comparison.GAMES)


def test_stored_pictures_show_eight_cats_of_every_row():
    folder = loss_comparison.RESULTS / "loss_comparison_images"
    size = loss_comparison.SETTINGS["images"].recipe.size
    names = {f"{loss}_{penalty}.png".replace(" ", "") for loss, penalty in loss_comparison.ROWS}
    assert {path.name for path in folder.iterdir()} == names
    for name in names:
        height, width, _ = np.asarray(Image.open(folder / name)).shape
        assert height == size and width > 8 * size


@pytest.mark.slow
def test_a_comparison_goes_on_where_it_was_and_refuses_other_settings(tmp_path):
    settings, rows = small("points"), (("hinge", "R1"), ("mixed", "none"))
    loss_comparison.compare("points", settings, tmp_path, rows[:1])
    first = read("points", tmp_path)["runs"]
    assert len(first) == 1 and 0 <= first[0]["grid"]["jensen_shannon"] <= np.log(2) + 1e-3
    loss_comparison.compare("points", settings, tmp_path, rows)
    runs = read("points", tmp_path)["runs"]
    assert runs[:1] == first and (runs[1]["loss"], runs[1]["penalty"]) == rows[1]
    with pytest.raises(TutorialError, match="other settings"):
        loss_comparison.compare("points", small("points", kimg=0.1), tmp_path, rows)


@pytest.mark.slow
def test_images_are_judged_and_a_diverged_run_is_recorded(tmp_path):
    settings = small("images", images=32, examples=128)
    loss_comparison.compare("images", settings, tmp_path, (("least-squares", "WGAN-GP"),))
    (run,) = read("images", tmp_path)["runs"]
    assert run["nimg"] == 24 and run["frechet_coats"] > 0 and 0 <= run["coats_covered"] <= 10
    assert sum(run["shares"].values()) == pytest.approx(1, abs=1e-3)
    assert (tmp_path / "loss_comparison_images" / "least-squares_WGAN-GP.png").exists()

    wild = dataclasses.replace(
        settings, recipe=dataclasses.replace(settings.recipe, learning_rate=1e38)
    )
    loss_comparison.compare("images", wild, tmp_path / "wild", (("least-squares", "none"),))
    (run,) = read("images", tmp_path / "wild")["runs"]
    assert "Training stopped" in run["failure"] and "frechet_coats" not in run


@pytest.fixture(scope="module")
def chain():
    """The stored rows of the ablation's chain: name -> its runs."""
    runs = json.loads((ablation.RESULTS / "ablation.json").read_text("utf-8"))["runs"]
    rows = {run["name"]: [] for run in runs if run["table"] == "chain"}
    for run in runs:
        rows.get(run["name"], []).append(run)
    return rows


def test_stored_ablation_holds_every_row_at_every_seed_with_pictures():
    stored = json.loads((ablation.RESULTS / "ablation.json").read_text("utf-8"))
    assert (stored["seconds"], stored["samples"]) == (ablation.SECONDS, ablation.SAMPLES)
    counts = (f"{ablation.FEW} images", "all images", f"{ablation.FEW} images for longer")
    few = [f"{count}, {name}" for count in counts for name in ablation.AUGMENTATIONS]
    names = ["document", *ablation.CHANGES, *few, *ablation.PRECISIONS]
    done = [(run["name"], run["seed"]) for run in stored["runs"]]
    assert done == [(name, seed) for name in names for seed in ablation.SEEDS]
    pictures = {path.name for path in (ablation.RESULTS / "ablation").iterdir()}
    assert pictures == {f"{name}.png".replace(" ", "_") for name in names}


def test_every_stored_run_saw_the_images_that_its_recipe_buys():
    stored = json.loads((ablation.RESULTS / "ablation.json").read_text("utf-8"))
    for run in stored["runs"]:
        precision = run["name"] if run["table"] == "precision" else "float32"
        kind = ablation.work(run["recipe"], eager=run["name"] == "document", precision=precision)
        images = stored["speeds"][kind] * ablation.SECONDS[run["table"]]
        assert abs(run["nimg"] - images) <= run["recipe"]["batch_size"], run["name"]


def test_each_row_of_the_ablation_is_its_change_to_its_base(chain):
    assert list(chain) == ["document", *ablation.CHANGES]
    for name, change in ablation.CHANGES.items():
        (base,) = {run["base"] for run in chain[name]}
        before = chain[base][0]["recipe"]
        for run in chain[name]:
            differs = {key for key, value in run["recipe"].items() if value != before[key]}
            assert differs - {"seed"} <= set(change), name


def test_ablation_takes_along_what_lowers_the_mean_distance(chain):
    score = {name: np.mean([run["frechet_lite0"] for run in runs]) for name, runs in chain.items()}
    last = best = "document"
    for name in ablation.CHANGES:
        assert chain[name][0]["base"] == ablation.BASE.get(name, last)
        if name in ablation.ALWAYS or score[name] < score[best]:
            last = best = name


def test_ablation_asks_for_the_speed_of_all_that_it_may_train():
    reached = ablation.reachable(ablation.first_recipe())
    assert all(set(change) <= set(reached[0]) for change in ablation.CHANGES.values())
    kinds = {ablation.work(recipe) for recipe in reached}
    assert len(kinds) > len(ablation.CHANGES) and not [kind for kind in kinds if "eager" in kind]
    assert any("blocks 2" in kind and "r1_gamma" in kind for kind in kinds)
