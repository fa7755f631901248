import dataclasses
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from tutorial_lib import pretrained
from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.errors import TutorialError
from tutorial_lib.models.dcgan import build_dcgan_generator
from tutorial_lib.models.latents import draw_latents
from tutorial_lib.store import CARD, save_network

TINY = GANRecipe(size=16, latent_size=4, width=4)


@pytest.fixture
def saved(tmp_path):
    network = build_dcgan_generator(16, 4, 4, seed=5)
    facts = {"algorithm": "GAN", "recipe": dataclasses.asdict(TINY)}
    save_network(tmp_path, network, facts, dtype="float16")
    return tmp_path, network


def test_saved_network_comes_back_within_half_precision(saved):
    directory, network = saved
    latents = draw_latents(3, 4)
    again = pretrained.load_generator(directory)
    np.testing.assert_allclose(again(latents), network(latents), atol=2e-3)


def test_damaged_weights_are_refused(saved):
    (path,) = saved[0].glob("weights-*.npz")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(TutorialError, match=r"weights-\w+\.npz are damaged"):
        pretrained.load_generator(saved[0])


def test_damaged_card_is_refused(saved):
    (saved[0] / CARD).write_text("{")
    with pytest.raises(TutorialError, match=r"card\.json is damaged"):
        pretrained.load_generator(saved[0])


@pytest.mark.parametrize(
    "content", ["{}", "[]", '{"algorithm": "GAN", "recipe": {}, "weights": {}}']
)
def test_foreign_card_is_refused(saved, content):
    (saved[0] / CARD).write_text(content)
    with pytest.raises(TutorialError, match="cannot be loaded"):
        pretrained.load_generator(saved[0])


def test_weights_of_another_network_are_refused(saved):
    path = saved[0] / CARD
    card = json.loads(path.read_text())
    card["recipe"]["width"] = 8
    path.write_text(json.dumps(card))
    with pytest.raises(TutorialError, match="cannot be loaded"):
        pretrained.load_generator(saved[0])


def test_networks_load_in_float32_whatever_the_policy(saved):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        assert pretrained.load_generator(saved[0]).layers[0].compute_dtype == "float32"
    finally:
        keras.config.set_dtype_policy(policy)


def test_missing_weights_are_named(saved):
    next(saved[0].glob("weights-*.npz")).unlink()
    with pytest.raises(TutorialError, match="weights are missing"):
        pretrained.load_generator(saved[0])


def test_unknown_name_lists_the_published_ones(tmp_path):
    with pytest.raises(TutorialError, match="'dogs'.*cat-faces-64"):
        pretrained.load_generator("dogs")


@pytest.mark.parametrize("name", pretrained.available())
def test_published_networks_are_small_documented_and_draw(name):
    card = pretrained.load_card(name)
    assert {"recipe", "data", "nimg", "minutes", "device", "versions"} <= set(card)
    folder = pretrained.find_network(name)
    assert (folder / card["weights"]["file"]).stat().st_size <= 16_000_000
    assert (folder / "README.md").read_text().startswith("# ")
    generator = pretrained.load_generator(name)
    images = generator.predict(draw_latents(16, generator.input_shape[-1]), verbose=0)
    size = card["recipe"]["size"]
    assert images.shape == (16, size, size, 3)
    if card["recipe"].get("networks") == "document":
        return  # published because it fails (chapter 8)
    # Different latents give different, contrasted pictures: no collapse, no grey.
    assert images.std(axis=0).mean() > 0.15 and images.std(axis=(1, 2, 3)).min() > 0.1


def test_all_published_files_together_are_small():
    files = [path for path in Path(pretrained.__file__).parent.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 60_000_000


def test_something_is_published():
    assert json.dumps(pretrained.available()).count("cat-faces-64") >= 1
