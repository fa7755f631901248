"""Run folders that were written before the package had rooms: they resume, and draw.

They saw 64 images, those of `make_images(count=16)`, with the recipes below. Of their samples only
the first and the last sheet are kept.
"""

import json
import shutil

import numpy as np
import pytest
from helpers.runs import GOLDEN, make_images, make_trainer

from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.algorithms.vae import VAERecipe
from tutorial_lib.pretrained import load_card, load_generator, load_network
from tutorial_lib.training.log import read_log

RECIPES = {
    "gan": GANRecipe(size=8, latent_size=4, width=1, batch_size=4),
    "vae": VAERecipe(size=8, latent_size=2, width=1, batch_size=4),
}
pytestmark = [
    pytest.mark.usefixtures("deterministic"),
    pytest.mark.parametrize("name", RECIPES),
]


@pytest.fixture
def former(name, tmp_path):
    return shutil.copytree(GOLDEN / "runs" / name, tmp_path / name)


def test_a_former_run_goes_on(name, former):
    trainer = make_trainer(former, RECIPES[name], images=make_images(count=16))
    trainer.fit(kimg=0.064, resume="must")
    assert trainer.nimg == 64, "all of it was loaded, and nothing is left to do"
    average = load_network(former).get_weights()
    for saved, restored in zip(average, trainer.algorithm.average.get_weights(), strict=True):
        np.testing.assert_array_equal(saved, restored)
    trainer.fit(kimg=0.096, resume="must")
    assert trainer.nimg == 96 and load_card(former)["nimg"] == 96
    records = read_log(former / "log.jsonl")
    assert [record["nimg"] for record in records] == [16, 32, 48, 64, 80, 96]
    assert all(record.keys() == records[0].keys() for record in records)
    assert [path.name for path in trainer.state.saved()] == ["0000000080", "0000000096"]


def test_a_former_run_loads_and_draws(name, former):
    card = json.loads((former / "card.json").read_text())
    assert card["nimg"] == 64 and card["algorithm"] == name.upper()
    generator, size = load_generator(former), RECIPES[name].latent_size
    assert generator.input_shape == (None, size)
    images = generator.predict(np.zeros((2, size), np.float32), verbose=0)
    assert images.shape == (2, 8, 8, 3) and np.abs(images).max() <= 1
