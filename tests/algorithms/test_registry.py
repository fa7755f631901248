import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.runs import make_images, make_trainer

from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.algorithms.recipes import Recipe, fraction
from tutorial_lib.algorithms.registry import (
    ALGORITHMS,
    RECIPES,
    build_algorithm,
    build_published,
    generating_part,
    load_recipe,
    recipe_from_dict,
)
from tutorial_lib.algorithms.vae import VAE, VAERecipe
from tutorial_lib.errors import TutorialError
from tutorial_lib.models.latents import draw_latents
from tutorial_lib.pretrained import load_generator
from tutorial_lib.training.log import read_log

# --- recipes by name and from files --------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"width": 8, "learning_rate": 1}, GANRecipe(width=8, learning_rate=1)),
        (
            {"algorithm": "vae", "width": 8, "beta": 2, "sigma": 0.1},
            VAERecipe(width=8, beta=2, sigma=0.1),
        ),
    ],
    ids=["gan", "vae"],
)
def test_recipe_from_json(tmp_path, fields, expected):
    path = tmp_path / "small.json"
    path.write_text(json.dumps(fields))
    assert load_recipe(str(path)) == expected


def test_a_recipe_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "small.json"
    path.write_text('{"width": 8}', encoding="utf-8-sig")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert load_recipe(str(path)) == GANRecipe(width=8)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('{"widht": 8}', "widht"),
        ('{"width": "8"}', "width.*int.*'8'"),
        ('{"flip": 1}', "flip.*bool"),
        ('{"batch_size": 0}', "batch_size"),
        ('{"beta_1": 1.0}', "beta_1"),
        ('{"penalty_interval": 0}', "penalty_interval"),
        ('{"r1_gamma": -1}', "r1_gamma"),
        ('{"learning_rate": Infinity}', "learning_rate.*finite"),
        ('{"seed": 99999999999}', "seed"),
        ('{"algorithm": "flow"}', "gan, vae.*'flow'"),
        ('{"algorithm": "vae", "latent_size": 0}', "latent_size.*positive"),
        ('{"algorithm": "vae", "sigma": 0.0}', "sigma.*positive"),
        ("[1]", "JSON object"),
        ("{", "small.json"),
    ],
)
def test_bad_recipes_name_what_is_wrong(tmp_path, content, named):
    path = tmp_path / "small.json"
    path.write_text(content)
    with pytest.raises(TutorialError, match=named):
        load_recipe(str(path))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"latent_size": 0}, "latent_size must be positive, but is 0"),
        ({"sigma": 0.0}, "sigma must be positive, but is 0.0"),
        ({"beta": -1.0}, "beta must not be negative, but is -1.0"),
        ({"warmup_kimg": -1.0}, "warmup_kimg must not be negative"),
        ({"latent_size": 2.5}, "latent_size must be of type int, not 2.5"),
        ({"r1_gamma": 1.0}, "no field 'r1_gamma'"),
    ],
)
def test_bad_recipes_of_a_vae_name_what_is_wrong(fields, named):
    with pytest.raises(TutorialError, match=named):
        recipe_from_dict(fields, "vae")


def test_unknown_names_list_those_that_exist():
    with pytest.raises(TutorialError, match="'dcgn'.*document, dcgan"):
        load_recipe("dcgn")
    with pytest.raises(TutorialError, match=f"one of {', '.join(ALGORITHMS)}, not 'none'"):
        recipe_from_dict({}, "none")


def test_the_configuration_of_a_run_is_a_recipe_too(tmp_path):
    recipe = {"size": 32, "beta": 2.0}
    (tmp_path / "config.json").write_text(json.dumps({"algorithm": "VAE", "recipe": recipe}))
    assert load_recipe(str(tmp_path / "config.json")) == VAERecipe(**recipe)


def test_two_algorithms_with_one_type_of_recipe_are_refused(monkeypatch):
    monkeypatch.setitem(ALGORITHMS, "another", type("Another", (VAE,), {}))
    with pytest.raises(TypeError, match="VAERecipe must be the recipe_type of one .* not of 2"):
        build_algorithm(VAERecipe())


def test_every_recipe_survives_json():
    for recipe in RECIPES.values():
        (kind,) = (kind for kind in ALGORITHMS.values() if kind.recipe_type is type(recipe))
        fields = json.loads(json.dumps(dataclasses.asdict(recipe)))
        assert recipe_from_dict(fields, kind.__name__) == recipe, "as in a run's config.json"


# --- algorithms ----------------------------------------------------------------------------------


def test_the_recipe_builds_a_vae():
    algorithm = build_algorithm(RECIPES["vae"], precision="float32")
    assert isinstance(algorithm, VAE)
    assert algorithm.average.output_shape == (None, 64, 64, 3)
    assert algorithm.draw_latents(2).shape == (2, 128)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_publishes_what_its_average_is(name):
    recipe = ALGORITHMS[name].recipe_type(size=8, latent_size=3, width=2)
    algorithm, published = build_algorithm(recipe, precision="float32"), build_published(recipe)
    assert type(algorithm) is ALGORITHMS[name]
    shapes = [[w.shape for w in model.get_weights()] for model in (algorithm.average, published)]
    assert shapes[0] == shapes[1]
    generator = generating_part(recipe, published)
    assert generator.input_shape == (None, 3) and generator.output_shape == (None, 8, 8, 3)
    assert algorithm.example_shape == (8, 8, 3)


@dataclasses.dataclass(frozen=True)
class BlurRecipe(Recipe):
    """Hold the hyper-parameters of `Blur`."""

    step: float = fraction(0.5)


class Blur(tf.Module):
    """Draw the mean of all images in a brightness of its own: an algorithm made up for a test."""

    recipe_type, recipes = BlurRecipe, {"blur": BlurRecipe()}

    def __init__(self, recipe, *, precision="auto"):
        super().__init__(name="blur")
        self.recipe, self.precision = recipe, "float32"
        self.average = self.build_published(recipe)

    @property
    def example_shape(self):
        return (self.recipe.size, self.recipe.size, 3)

    def schedule(self, nimg):
        return {"step": self.recipe.step}

    def train_step(self, batch, seed, schedule_values):
        bias = self.average.layers[0].bias
        change = tf.reshape(tf.reduce_mean(batch, axis=0), [-1]) - bias
        bias.assign_add(schedule_values["step"] * change)
        return {"blur_loss": tf.reduce_mean(change**2)}

    def draw_latents(self, count, seed=0):
        return draw_latents(count, self.recipe.latent_size, seed=seed)

    def sample(self, latents):
        return self.average.predict(latents, verbose=0)

    @staticmethod
    def build_published(recipe):
        size = recipe.size
        dense = keras.layers.Dense(size * size * 3)
        image = keras.layers.Reshape((size, size, 3))
        return keras.Sequential([keras.Input((recipe.latent_size,)), dense, image])

    @staticmethod
    def generating_part(published):
        return published


def test_a_new_algorithm_is_one_class_and_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(ALGORITHMS, "moving-average", Blur)  # the line
    path = tmp_path / "blur.json"
    path.write_text('{"algorithm": "moving-average", "size": 8, "latent_size": 2, "batch_size": 4}')
    recipe = load_recipe(str(path))
    assert recipe == BlurRecipe(size=8, latent_size=2, batch_size=4)
    dark = make_images() // 2
    make_trainer(tmp_path / "run", recipe, images=dark).fit(kimg=0.032)
    losses = [record["blur_loss"] for record in read_log(tmp_path / "run" / "log.jsonl")]
    assert losses[1] < losses[0]
    resumed = make_trainer(tmp_path / "run", recipe, images=dark)
    resumed.fit(kimg=0.048, resume="must")
    latents = resumed.algorithm.draw_latents(3)
    generator = load_generator(tmp_path / "run")
    images = generator.predict(latents, verbose=0)
    np.testing.assert_array_equal(images, resumed.algorithm.sample(latents))
    assert images.shape == (3, 8, 8, 3)


def test_a_run_of_an_algorithm_that_is_gone_is_named(tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setitem(ALGORITHMS, "blur", Blur)
        recipe = BlurRecipe(size=8, latent_size=2, batch_size=4)
        make_trainer(tmp_path, recipe).fit(kimg=0.016)
    with pytest.raises(TutorialError, match="cannot be loaded: .*one of gan, .*not 'Blur'"):
        load_generator(tmp_path)
