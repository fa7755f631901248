"""`dcgan` and `modern` saw what the same processor time buys, and differ in networks alone."""

import json

import equal_time
import pytest

from tutorial_lib.pretrained import load_card


@pytest.fixture(scope="module")
def stored():
    return json.loads(equal_time.PATH.read_text("utf-8"))


def test_stored_runs_saw_the_images_that_the_time_buys(stored):
    card = load_card(equal_time.TIMED)
    assert (stored["minutes"], stored["images"]["modern"]) == (card["minutes"], card["nimg"])
    assert stored["images"]["dcgan"] == pytest.approx(stored["ratio"] * card["nimg"], rel=1e-3)
    assert {run["name"] for run in stored["runs"]} == set(equal_time.NAMES)
    for run in stored["runs"]:
        assert 0 <= run["nimg"] - stored["images"][run["name"]] < 16 * run["recipe"]["batch_size"]


def test_stored_runs_differ_in_their_networks_alone(stored):
    recipes = {run["name"]: run["recipe"] for run in stored["runs"]}
    differing = {key for key, value in recipes["dcgan"].items() if value != recipes["modern"][key]}
    assert differing == {"networks", "generator_blocks"}
    assert stored["runs"][0]["trained_on"] == stored["runs"][1]["trained_on"]


def test_runs_that_are_measured_are_left_out(tmp_path):
    for name in ("dcgan-0", "dcgan-1", "modern-0", "notes"):
        (tmp_path / name).mkdir()
    found = equal_time.runs_to_measure(tmp_path, [{"name": "dcgan", "seed": 0}])
    assert [path.name for path in found] == ["dcgan-1", "modern-0"]
