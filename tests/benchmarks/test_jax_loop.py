"""The JAX loop computes what the library's step computes, goes on, and its runs can be published.

JAX lives in an environment of its own, with Keras and without TensorFlow: these tests need the
path of its Python in the environment variable TUTORIAL_JAX_PYTHON.
"""

import dataclasses
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tutorial_lib import pretrained
from tutorial_lib.algorithms import augment, replicas
from tutorial_lib.algorithms.base import step_values
from tutorial_lib.algorithms.gan import GAN
from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.models.latents import draw_latents
from tutorial_lib.show.pictures import image_grid, read_sheets
from tutorial_lib.training.log import read_log

ROOT = Path(__file__).resolve().parents[2]
PYTHON = os.environ.get("TUTORIAL_JAX_PYTHON")
pytestmark = [
    pytest.mark.skipif(not PYTHON, reason="TUTORIAL_JAX_PYTHON names no Python that has JAX"),
    pytest.mark.slow,
]
STEPS = 3
SMALL = GANRecipe(size=16, latent_size=8, width=4, batch_size=8, ema_halflife_kimg=0.02)
RESNET = {"networks": "resnet", "generator_blocks": 1, "discriminator_blocks": 2}
GAMES = {
    "R1, every other step": {"penalty_interval": 2},
    "R1 and R2": {"r1_gamma": 2.0, "r2_gamma": 0.5, "penalty_interval": 1} | RESNET,
    "R2, relativistic, falling rate": {
        "r1_gamma": 0.0,
        "r2_gamma": 1.0,
        "loss": "relativistic",
        "penalty_interval": 2,
        "decay_kimg": 0.03,
    }
    | RESNET,
    "WGAN-GP": {"loss": "wasserstein", "r1_gamma": 0.0, "slope_weight": 10.0},
    "no penalty": {"r1_gamma": 0.0},
}

TAKE_STEPS = """
import json, sys
import jax, numpy as np
import jax_gan
given = np.load(sys.argv[1])
gan = jax_gan.GAN(jax_gan.GANRecipe(**json.loads(str(given["recipe"]))))
for name in ("generator", "discriminator"):
    network = getattr(gan, name)
    network.set_weights([given[f"{name}/{i}"] for i in range(len(network.weights))])
variables, results = gan.initial_variables(), {"loss": [], "epsilon": []}
for step, (images, latents) in enumerate(zip(given["images"], given["latents"])):
    key = jax.random.key(step)
    values = gan.schedule(step * gan.recipe.batch_size)
    variables, losses = jax.jit(gan.train_step)(variables, images, latents, key, values)
    results["loss"].append([losses["generator_loss"], losses["discriminator_loss"]])
    results["epsilon"].append(jax.random.uniform(jax.random.split(key)[1], (len(images),)))
for name in ("generator", "discriminator", "average"):
    network = gan.average if name == "average" else getattr(gan, name)
    weights = jax_gan.filled(network, variables[name]).get_weights()
    results |= {f"{name}/{i}": weight for i, weight in enumerate(weights)}
np.savez(sys.argv[2], **results)
"""

TRANSFORM = """
import sys
import jax_gan, numpy as np
given = np.load(sys.argv[1])
policy = "colour, translation, cutout"
shown = jax_gan.augment(given["images"], policy, given["numbers"], probability=0.5)
np.savez(sys.argv[2], shown=shown)
"""


def run_python(*words):
    """Run a program under JAX's Python, and return its output; the library is this checkout."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "benchmarks")])
    done = subprocess.run(
        [PYTHON, *map(str, words)],
        env=os.environ | {"PYTHONPATH": paths, "JAX_PLATFORMS": "cpu", "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def under_jax(program, folder, **given):
    """Return the arrays that a program makes of the given ones."""
    np.savez(folder / "given.npz", **given)
    code, said = run_python("-c", program, folder / "given.npz", folder / "results.npz")
    assert code == 0, said
    return dict(np.load(folder / "results.npz"))


@pytest.mark.parametrize("game", GAMES)
def test_three_steps_end_in_the_weights_of_the_librarys_step(game, tmp_path, monkeypatch):
    recipe = dataclasses.replace(SMALL, **GAMES[game])
    random = np.random.default_rng(0)
    images = random.uniform(-1, 1, (STEPS, recipe.batch_size, 16, 16, 3)).astype(np.float32)
    latents = random.standard_normal((STEPS, recipe.batch_size, 8), dtype=np.float32)
    gan = GAN(recipe, precision="float32")
    networks = {name: getattr(gan, name) for name in ("generator", "discriminator", "average")}
    for network in (gan.generator, gan.discriminator):
        # No block counts for nothing, or its convolution would not be tested.
        network.set_weights(
            [np.full_like(w, 0.5) if w.ndim == 0 else w for w in network.get_weights()]
        )
    gan.average.set_weights(gan.generator.get_weights())
    before = {
        f"{name}/{index}": weight
        for name, network in networks.items()
        for index, weight in enumerate(network.get_weights())
    }
    settings = json.dumps(dataclasses.asdict(recipe))
    results = under_jax(
        TAKE_STEPS, tmp_path, recipe=settings, images=images, latents=latents, **before
    )

    losses = []
    for step in range(STEPS):
        monkeypatch.setattr(replicas, "stateless_normal", lambda *_, step=step: latents[step])
        monkeypatch.setattr(
            replicas, "stateless_uniform", lambda *_, step=step: results["epsilon"][step]
        )
        clock = step_values(gan, step * recipe.batch_size)
        metrics = gan.train_step(tf.constant(images[step]), *clock)
        losses.append([metrics["generator_loss"], metrics["discriminator_loss"]])
    np.testing.assert_allclose(results["loss"], losses, rtol=1e-5, atol=1e-5)
    for name, network in networks.items():
        for index, weight in enumerate(network.get_weights()):
            key = f"{name}/{index}"
            np.testing.assert_allclose(results[key], weight, rtol=0, atol=1e-5, err_msg=key)
    # The test would see a step that is left out: weights move by far more than that.
    moved = max(np.abs(results[key] - before[key]).max() for key in before if "discr" in key)
    assert moved > 3e-4


def test_transforms_are_the_librarys(tmp_path):
    policy = "colour, translation, cutout"
    random = np.random.default_rng(0)
    images = random.uniform(-1, 1, (64, 16, 16, 3)).astype(np.float32)
    numbers = random.random((64, augment.numbers_needed(policy)), dtype=np.float32)
    results = under_jax(TRANSFORM, tmp_path, images=images, numbers=numbers)
    expected = augment.augment(images, policy, numbers, probability=0.5)
    np.testing.assert_allclose(results["shown"], expected, atol=1e-6)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return two finished runs, the second one interrupted half-way, and how to train on."""
    folder = tmp_path_factory.mktemp("runs")
    recipe = {"size": 8, "latent_size": 4, "width": 2, "batch_size": 8, "augment": "colour"}
    (folder / "recipe.json").write_text(json.dumps(recipe | RESNET))
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    np.save(folder / "images.npy", images)

    def train(out, kimg, *more, code=0):
        words = ["--images", folder / "images.npy", "--out", folder / out, "--kimg", kimg]
        words += ["--precision", "float32", "--fall", "none", *more]
        script = ROOT / "benchmarks" / "jax_loop.py"
        found, said = run_python(script, folder / "recipe.json", *words)
        assert found == code, said
        return said

    train("whole", 0.256)
    train("halves", 0.128)
    train("halves", 0.256)
    return folder / "whole", folder / "halves", train


def test_an_interrupted_run_ends_in_the_bits_of_an_uninterrupted_one(runs):
    whole, halves = (np.load(run / "state.npz") for run in runs[:2])
    assert whole["nimg"] == 256 and whole.files == halves.files and len(whole.files) > 50
    for name in set(whole.files) - {"seconds"}:
        np.testing.assert_array_equal(whole[name], halves[name])
    assert [record["nimg"] for record in read_log(runs[1] / "log.jsonl")] == [128, 256]


def test_a_run_can_be_published_and_draws_the_same_under_tensorflow(runs):
    run = runs[0]
    card = pretrained.load_card(run)
    assert {"recipe", "data", "nimg", "minutes", "device", "versions"} <= set(card)
    assert "tensorflow" not in card["versions"] and card["nimg"] == 256
    images = pretrained.load_generator(run).predict(draw_latents(64, 4, seed=0), verbose=0)
    sheet = np.asarray(Image.open(sorted((run / "samples").glob("*.png"))[-1]))
    assert np.abs(image_grid(images).astype(int) - sheet).max() <= 1
    assert len(read_sheets(run, cells=8)) == 2


def test_a_run_with_other_settings_or_a_damaged_state_is_refused(runs):
    _, halves, train = runs
    assert "recipe" in train("halves", 0.5, "--seed", 1, code=1)
    (halves / "state.npz").write_bytes(b"PK")
    assert "damaged" in train("halves", 0.5, code=1)


def test_the_script_needs_no_tensorflow():
    code, said = run_python("-c", "import jax_loop, sys; print('tensorflow' in sys.modules)")
    assert (code, said.split()[-1]) == (0, "False"), said
