import dataclasses

import pytest

from tutorial_lib.algorithms.gan_recipes import GANRecipe, schedule
from tutorial_lib.algorithms.registry import RECIPES


@pytest.mark.parametrize("name", ["document", "dcgan", "modern"])
def test_every_recipe_is_there_for_three_sizes(name):
    recipes = {RECIPES[key].size: RECIPES[key] for key in (f"{name}-32", name, f"{name}-128")}
    assert sorted(recipes) == [32, 64, 128]
    for size, recipe in recipes.items():
        # The penalty's weight goes with the number of pixels, the rest stays.
        assert recipe.r1_gamma == recipes[64].r1_gamma * (size / 64) ** 2
        same = dataclasses.replace(recipe, size=64, r1_gamma=recipes[64].r1_gamma)
        assert same == recipes[64]


def test_a_schedule_says_what_changes_over_a_run():
    recipe = GANRecipe(batch_size=8, penalty_interval=4, decay_kimg=1.0, learning_rate=0.5)
    first, second, last = (schedule(recipe, nimg) for nimg in (0, 8, 1000))
    assert first == {"ema_beta": 0.0, "penalty_strength": 4.0, "learning_rate": 0.5}
    assert second["penalty_strength"] == 0.0 and 0 < second["ema_beta"] < 1
    assert last["learning_rate"] == 0.0
    assert schedule(dataclasses.replace(recipe, decay_kimg=0.0), 10**6)["learning_rate"] == 0.5
