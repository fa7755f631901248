"""What the benchmarks share: the plainest recipe, and how results are stored."""

import dataclasses
import json

import common
import numpy as np
import pytest

from tutorial_lib.algorithms.registry import RECIPES


def test_the_plain_recipe_differs_in_its_networks_alone():
    recipe = common.plain("document", 7)
    assert (recipe.networks, recipe.latent_size, recipe.batch_size) == ("document", 100, 7)
    assert recipe.r1_gamma == recipe.r2_gamma == recipe.slope_weight == 0
    document = RECIPES["document"]
    changes = {"networks": "dcgan", "latent_size": 128}
    assert dataclasses.replace(recipe, **changes) == common.plain("dcgan", 7)
    assert recipe.size == document.size


def test_numbers_are_stored_with_five_digits():
    found = common.rounded(
        {
            "a": [1.234567, 7, "text", None, True],
            "b": {"c": 1234567.8, "d": (np.float32(0.5), np.int64(3))},
            "e": np.array([0.1234567, 2.0]),
            "f": [float("nan"), np.inf],
        }
    )
    assert found == {
        "a": [1.2346, 7, "text", None, True],
        "b": {"c": 1234600.0, "d": [0.5, 3]},
        "e": [0.12346, 2.0],
        "f": [None, None],
    }
    assert json.loads(json.dumps(found)) == found


def test_results_are_stored_whole(tmp_path):
    path = tmp_path / "results" / "speed.json"
    common.store(path, {"speed": 12.345678})
    assert path.read_text() == '{\n  "speed": 12.346\n}\n'
    with pytest.raises(TypeError):
        common.store(path, {"speed": object()})
    assert json.loads(path.read_text()) == {"speed": 12.346}
    assert list(path.parent.iterdir()) == [path]
