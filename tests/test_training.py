import dataclasses
import json
import os
import resource
import shutil
import signal
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tutorial_lib.algorithms import schedules
from tutorial_lib.algorithms.base import step_values
from tutorial_lib.algorithms.gan import GAN, reseed
from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.algorithms.registry import ALGORITHMS, RECIPES, load_recipe, recipe_from_dict
from tutorial_lib.errors import TutorialError
from tutorial_lib.hardware.precision import POLICIES, choose_precision, precision_scope
from tutorial_lib.training.callbacks import (
    Callback,
    Checkpoints,
    Log,
    SampleGrid,
    StopOnNonFinite,
)
from tutorial_lib.training.log import append_record, read_log
from tutorial_lib.training.trainer import Trainer

TINY = GANRecipe(size=8, latent_size=4, width=4, batch_size=8)
# The document's discriminator drops units at random: the hardest case for an exact resume.
TINY_DOCUMENT = dataclasses.replace(RECIPES["document"], size=4, latent_size=4, batch_size=8)


def make_images(size=8, count=20, seed=0):
    shape = (count, size, size, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def make_trainer(directory, recipe=TINY, *, images=None, callbacks=None, precision="float32"):
    if images is None:
        images = make_images(recipe.size)
    if callbacks is None:
        callbacks = [StopOnNonFinite(), Log(), SampleGrid(4), Checkpoints(every_seconds=0)]
    gan = GAN(recipe, precision=precision)
    return Trainer(gan, images, directory, tick_kimg=0.016, callbacks=callbacks)


def assert_same_bits(first, second):
    """Compare every weight, optimiser variable and average of two trainers."""
    variables = [trainer.state.variables() for trainer in (first, second)]
    assert len(variables[0]) > 20
    for a, b in zip(*variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.fixture(autouse=True, scope="module")
def deterministic():
    """Compute sums in a fixed order; TensorFlow has no way back, which does no harm here."""
    tf.config.experimental.enable_op_determinism()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of 32 images; tests copy it, since tracing a step takes seconds."""
    directory = tmp_path_factory.mktemp("finished") / "run"
    make_trainer(directory).fit(kimg=0.032)
    return directory


@pytest.fixture
def run(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "run"))


class CallAt(Callback):
    """Do something at a given number of images: a crash, a Ctrl-C, a poisoned weight."""

    def __init__(self, at_nimg, action):
        self.at_nimg, self.action = at_nimg, action

    def on_step(self, trainer):
        if trainer.nimg == self.at_nimg:
            self.action()


# --- one step ------------------------------------------------------------------------------------


def test_a_step_lowers_the_discriminators_loss_on_the_same_batch():
    gan = GAN(dataclasses.replace(TINY, learning_rate=1e-3), precision="float32")
    batch = tf.random.stateless_uniform((8, 8, 8, 3), [1, 2], -1, 1)
    values = {name: tf.constant(value) for name, value in gan.schedule(8).items()}
    seed = tf.constant([0, 0], tf.int64)
    losses = [float(gan.train_step(batch, seed, values)["discriminator_loss"]) for _ in range(5)]
    assert losses[-1] < losses[0]


def test_both_networks_are_updated_from_one_forward_pass():
    """The update equals gradients worked out by hand at the weights before the step."""
    recipe = dataclasses.replace(TINY, networks="document", size=4, r1_gamma=0.0)
    gan, twin = (GAN(recipe, precision="float32") for _ in range(2))
    batch = tf.random.stateless_uniform((4, 4, 4, 3), [1, 2], -1, 1)
    seed = tf.constant([5, 6], tf.int64)
    values = {name: tf.constant(value) for name, value in gan.schedule(4).items()}
    gan.train_step(batch, seed, values)

    latent_seed, dropout_seed = tf.unstack(tf.random.split(seed, 2))
    reseed(twin.discriminator, dropout_seed)
    latents = tf.random.stateless_normal((4, 4), latent_seed)
    with tf.GradientTape(persistent=True) as tape:
        fake_images = twin.generator(latents, training=True)
        real, fake = (twin.discriminator(x, training=True) for x in (batch, fake_images))
        generator_loss = tf.reduce_mean(tf.nn.softplus(-fake))
        discriminator_loss = tf.reduce_mean(tf.nn.softplus(-real) + tf.nn.softplus(fake))
    for model, optimizer, loss in (
        (twin.generator, twin.generator_optimizer, generator_loss),
        (twin.discriminator, twin.discriminator_optimizer, discriminator_loss),
    ):
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    for model, expected in (
        (gan.generator, twin.generator),
        (gan.discriminator, twin.discriminator),
    ):
        for a, b in zip(model.trainable_variables, expected.trainable_variables, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-6)


def test_average_follows_the_generator_with_the_beta_of_the_schedule():
    gan = GAN(TINY, precision="float32")
    before = [weight.numpy() for weight in gan.average.weights]
    batch = tf.random.stateless_uniform((8, 8, 8, 3), [1, 2], -1, 1)
    seed, values = step_values(gan, 0)
    gan.train_step(batch, seed, values | {"ema_beta": tf.constant(0.75)})
    for old, current, average in zip(
        before, gan.generator.weights, gan.average.weights, strict=True
    ):
        np.testing.assert_allclose(average.numpy(), 0.75 * old + 0.25 * current.numpy(), atol=1e-6)


def test_average_halves_a_generators_share_after_the_halflife():
    beta = schedules.ema_beta(10**9, batch_size=50, halflife_kimg=10)
    np.testing.assert_allclose(beta ** (10_000 / 50), 0.5, rtol=1e-6)
    assert schedules.ema_beta(0, 50, 10) == 0
    assert schedules.ema_beta(1000, 50, 10) < beta


@pytest.mark.parametrize("name", ["document", "dcgan", "modern"])
def test_every_recipe_is_there_for_three_sizes(name):
    recipes = {RECIPES[key].size: RECIPES[key] for key in (f"{name}-32", name, f"{name}-128")}
    assert sorted(recipes) == [32, 64, 128]
    for size, recipe in recipes.items():
        # The penalty's weight goes with the number of pixels, the rest stays.
        assert recipe.r1_gamma == recipes[64].r1_gamma * (size / 64) ** 2
        same = dataclasses.replace(recipe, size=64, r1_gamma=recipes[64].r1_gamma)
        assert same == recipes[64]


def test_cosine_falls_from_first_to_last_and_stays():
    values = [schedules.cosine(nimg, 4.0, 1.0, kimg=2.0) for nimg in (0, 1000, 2000, 9000)]
    np.testing.assert_allclose(values, [4.0, 2.5, 1.0, 1.0])
    assert schedules.cosine(10**6, 4.0, 1.0, kimg=0.0) == 4.0


def test_a_step_takes_its_learning_rate_from_the_schedule():
    recipe = dataclasses.replace(TINY, learning_rate=2e-3, decay_kimg=1.0)
    gan = GAN(recipe, precision="float32")
    before = gan.discriminator.get_weights()
    seed, values = step_values(gan, 1000)  # at the end of the schedule the rate is 0
    gan.train_step(tf.convert_to_tensor(np.zeros((8, 8, 8, 3), "float32")), seed, values)
    for old, new in zip(before, gan.discriminator.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    seed, values = step_values(gan, 0)
    gan.train_step(tf.convert_to_tensor(np.zeros((8, 8, 8, 3), "float32")), seed, values)
    assert any((a != b).any() for a, b in zip(before, gan.discriminator.get_weights(), strict=True))


def test_a_run_beyond_the_end_of_its_learning_rate_is_refused(tmp_path):
    recipe = dataclasses.replace(TINY, decay_kimg=0.016)
    with pytest.raises(TutorialError, match="rate is 0 before 0.032 thousand.*larger decay_kimg"):
        make_trainer(tmp_path / "long", recipe).fit(kimg=0.032)
    assert not list(tmp_path.glob("long/*"))
    make_trainer(tmp_path / "whole", recipe).fit(kimg=0.016)


def test_real_and_generated_images_are_seen_through_the_same_transforms(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "tutorial_lib.algorithms.gan.augment",
        lambda images, policy, seed: seen.append((policy, seed.numpy().tolist())) or images,
    )
    gan = GAN(dataclasses.replace(TINY, augment="colour, cutout"), precision="float32")
    gan.train_step(tf.zeros((8, 8, 8, 3)), *step_values(gan, 8))
    assert len(seen) == 2 and seen[0] == seen[1] and seen[0][0] == "colour, cutout"


def test_gradient_penalty_is_lazy_but_as_strong_on_average():
    gan = GAN(dataclasses.replace(TINY, r1_gamma=2.0, penalty_interval=4), precision="float32")
    weights = [gan.schedule(step * 8)["penalty_strength"] for step in range(8)]
    assert weights == [4.0, 0, 0, 0, 4.0, 0, 0, 0]


@pytest.mark.slow
def test_gradient_penalty_flattens_the_discriminator():
    batch = tf.random.stateless_uniform((8, 8, 8, 3), [1, 2], -1, 1)
    slopes = {}
    for gamma in (0.0, 100.0):
        recipe = dataclasses.replace(TINY, r1_gamma=gamma, penalty_interval=1, learning_rate=2e-3)
        gan = GAN(recipe, precision="float32")
        step = tf.function(gan.train_step)
        for number in range(60):
            values = {name: tf.constant(value) for name, value in gan.schedule(number * 8).items()}
            step(batch, tf.constant([0, number], tf.int64), values)
        with tf.GradientTape() as tape:
            tape.watch(batch)
            logits = gan.discriminator(batch)
        slopes[gamma] = float(tf.norm(tape.gradient(logits, batch)))
    assert slopes[100.0] < 0.5 * slopes[0.0]


@pytest.mark.slow
@pytest.mark.parametrize("precision", POLICIES)
def test_trains_in_every_precision(tmp_path, precision):
    recipe = dataclasses.replace(TINY, r1_gamma=1.0)
    trainer = make_trainer(tmp_path, recipe, precision=precision)
    trainer.fit(kimg=0.032)
    assert trainer.state.is_finite()
    assert all(variable.dtype == "float32" for variable in trainer.algorithm.generator.weights)


def test_precision_follows_the_hardware(monkeypatch):
    with pytest.raises(TutorialError, match="'float8'.*mixed_bfloat16"):
        choose_precision("float8")
    details = {}
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: ["a GPU"])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details)
    for capability, expected in [
        ((7, 5), "mixed_float16"),
        ((8, 0), "mixed_bfloat16"),
        ((6, 0), "float32"),
    ]:
        details["compute_capability"] = capability
        assert choose_precision() == expected


def test_precision_scope_restores_the_policy():
    before = keras.config.dtype_policy().name
    with pytest.raises(RuntimeError), precision_scope("mixed_bfloat16"):
        raise RuntimeError
    assert keras.config.dtype_policy().name == before


# --- recipes -------------------------------------------------------------------------------------


def test_recipe_from_json(tmp_path):
    path = tmp_path / "small.json"
    path.write_text(json.dumps({"width": 8, "learning_rate": 1}))
    assert load_recipe(str(path)) == GANRecipe(width=8, learning_rate=1)


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


def test_unknown_names_list_those_that_exist():
    with pytest.raises(TutorialError, match="'dcgn'.*document, dcgan"):
        load_recipe("dcgn")
    with pytest.raises(TutorialError, match="'resnext'.*document, dcgan"):
        GAN(dataclasses.replace(TINY, networks="resnext"))
    with pytest.raises(TutorialError, match="'hing'.*non-saturating"):
        GAN(dataclasses.replace(TINY, loss="hing"))


def test_a_batch_holds_whole_groups_of_the_images_that_are_compared():
    with pytest.raises(TutorialError, match="compares 4 images.*multiple of 4, not 6"):
        GAN(dataclasses.replace(TINY, networks="resnet", batch_size=6))


def test_every_recipe_survives_json():
    for recipe in RECIPES.values():
        algorithm = ALGORITHMS[type(recipe)].__name__  # as in a run's config.json
        fields = json.loads(json.dumps(dataclasses.asdict(recipe)))
        assert recipe_from_dict(fields, algorithm) == recipe


# --- the log -------------------------------------------------------------------------------------


def test_log_survives_half_a_line_and_a_rollback(tmp_path):
    path = tmp_path / "log.jsonl"
    for nimg in (10, 20, 30):
        append_record(path, {"nimg": nimg, "run": 1})
    path.write_bytes(path.read_bytes()[:-5])
    for nimg in (20, 30):
        append_record(path, {"nimg": nimg, "run": 2})
    assert [(r["nimg"], r["run"]) for r in read_log(path)] == [(10, 1), (20, 2), (30, 2)]
    assert len(path.read_text().splitlines()) == 5


# --- runs ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_run_directory_holds_what_it_promises(tmp_path):
    trainer = make_trainer(tmp_path)
    trainer.fit(kimg=0.064)
    records = read_log(tmp_path / "log.jsonl")
    assert [record["nimg"] for record in records] == [16, 32, 48, 64]
    assert set(records[0]) == {
        "nimg",
        "seconds",
        "images_per_second",
        "generator_loss",
        "discriminator_loss",
    }
    sheets = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert sheets == [f"{nimg:010d}.png" for nimg in (0, 16, 32, 48, 64)]
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["nimg"] == 64 and card["recipe"]["seed"] == 0 and card["data"]["images"] == 20
    assert len(trainer.state.saved()) == 2


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [TINY, TINY_DOCUMENT], ids=["dcgan", "document"])
def test_resumed_run_ends_in_the_same_bits(tmp_path, recipe):
    whole = make_trainer(tmp_path / "whole", recipe)
    whole.fit(kimg=0.096)
    make_trainer(tmp_path / "parts", recipe).fit(kimg=0.032)
    resumed = make_trainer(tmp_path / "parts", recipe)
    resumed.fit(kimg=0.096, resume="must")
    assert_same_bits(whole, resumed)
    first, second = ((tmp_path / name / "log.jsonl") for name in ("whole", "parts"))
    losses = [[r["generator_loss"] for r in read_log(path)] for path in (first, second)]
    assert losses[0] == losses[1]


def test_half_written_checkpoint_is_never_loaded(run, monkeypatch):
    trainer = make_trainer(run)

    def die_halfway(path):
        (run / "checkpoints" / "partial" / "state.index").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer.state._checkpoint, "write", die_halfway)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(kimg=0.064)
    assert (run / "checkpoints" / "partial").exists()
    resumed = make_trainer(run)
    resumed.fit(kimg=0.032)
    assert resumed.nimg == 32


def test_damaged_config_is_named(run):
    (run / "config.json").write_text("{")
    with pytest.raises(TutorialError, match=r"config\.json is damaged"):
        make_trainer(run).fit(kimg=0.064)


@pytest.mark.parametrize(
    ("change", "named"),
    [({"learning_rate": 1e-3}, "learning_rate"), ({"seed": 1}, "seed"), ({"flip": False}, "flip")],
)
def test_resume_with_other_hyper_parameters_is_refused(run, change, named):
    with pytest.raises(TutorialError, match=f"recipe.{named} = "):
        make_trainer(run, dataclasses.replace(TINY, **change)).fit(kimg=0.064)


def test_resume_with_other_data_or_precision_is_refused(run):
    with pytest.raises(TutorialError, match=r"data\.sha256"):
        make_trainer(run, images=make_images(seed=1)).fit(kimg=0.064)
    with pytest.raises(TutorialError, match="precision = 'float32', now it is 'mixed_bfloat16'"):
        make_trainer(run, precision="mixed_bfloat16").fit(kimg=0.064)


def test_resume_never_and_must(run, tmp_path):
    with pytest.raises(TutorialError, match="no run to resume"):
        make_trainer(tmp_path / "new").fit(kimg=0.016, resume="must")
    with pytest.raises(TutorialError, match="already holds a run"):
        make_trainer(run).fit(kimg=0.016, resume="never")
    with pytest.raises(TutorialError, match="'yes'"):
        make_trainer(run).fit(kimg=0.016, resume="yes")


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path, capsys):
    stop = CallAt(24, lambda: os.kill(os.getpid(), signal.SIGINT))
    trainer = make_trainer(tmp_path, callbacks=[stop, Log(), Checkpoints(every_seconds=1e9)])
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(kimg=0.064)
    out = capsys.readouterr().out
    assert "Stopped at 24 images" in out and "0000000024" in out
    resumed = make_trainer(tmp_path)
    resumed.fit(kimg=0.064, resume="must")
    whole = make_trainer(tmp_path / "whole")
    whole.fit(kimg=0.064)
    assert_same_bits(whole, resumed)


@pytest.mark.parametrize("network", ["generator", "average"])
def test_nan_in_the_weights_stops_and_keeps_the_last_good_checkpoint(run, network):
    trainer = make_trainer(run)

    def poison():
        weight = getattr(trainer.algorithm, network).weights[0]
        weight.assign(weight * float("nan"))

    trainer.callbacks.insert(0, CallAt(40, poison))
    with pytest.raises(TutorialError, match=r"(?i)nan.*checkpoints.0000000032"):
        trainer.fit(kimg=0.064)
    assert trainer.state.saved()[-1].name == "0000000032"


@pytest.mark.slow
def test_minutes_count_over_stretches(tmp_path):
    make_trainer(tmp_path).fit(minutes=0.001)
    first = read_log(tmp_path / "log.jsonl")[-1]
    trainer = make_trainer(tmp_path)
    trainer.fit(minutes=0.001)
    assert trainer.state.seconds == pytest.approx(first["seconds"], abs=0.01)
    assert trainer.nimg == first["nimg"]


def test_fit_needs_an_end(tmp_path):
    with pytest.raises(TutorialError, match="kimg, minutes or both"):
        make_trainer(tmp_path).fit()


@pytest.mark.parametrize("limit", [{"kimg": 0}, {"minutes": -1}, {"kimg": float("nan")}])
def test_impossible_ends_are_named(tmp_path, limit):
    (name,) = limit
    with pytest.raises(TutorialError, match=f"{name} must be a positive number"):
        make_trainer(tmp_path).fit(**limit)


def test_a_refused_start_leaves_nothing_behind(tmp_path):
    with pytest.raises(TutorialError, match="8"):
        make_trainer(tmp_path / "run", images=make_images(count=5)).fit(kimg=1)
    assert not (tmp_path / "run").exists()


def test_checkpoints_without_a_config_are_refused(run):
    (run / "config.json").unlink()
    with pytest.raises(TutorialError, match=r"no config\.json"):
        make_trainer(run).fit(kimg=0.064)


def test_ctrl_c_at_the_very_end_is_no_interruption(tmp_path):
    stop = CallAt(16, lambda: os.kill(os.getpid(), signal.SIGINT))
    trainer = make_trainer(tmp_path, callbacks=[stop])
    trainer.fit(kimg=0.016)
    assert trainer.nimg == 16


@pytest.mark.slow
def test_training_keeps_freed_memory(tmp_path):
    """Without it, the allocator returns and asks for every large array again in each step."""
    faults = []

    class CountFaults(Callback):
        def on_step(self, trainer):
            faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)

    recipe = dataclasses.replace(TINY, size=64, batch_size=16)
    images = make_images(64, 32)
    make_trainer(tmp_path, recipe, images=images, callbacks=[CountFaults()]).fit(kimg=0.192)
    assert np.median(np.diff(faults)) < 2000


def test_images_of_another_size_are_refused(tmp_path):
    with pytest.raises(TutorialError, match=r"\(8, 8, 3\).*\(16, 16, 3\).*size=8"):
        make_trainer(tmp_path, images=make_images(16))


def test_run_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(TutorialError, match="run.*cannot be used"):
        make_trainer(tmp_path / "run").fit(kimg=0.016)


@pytest.mark.slow
def test_full_disk_ends_in_one_sentence_and_loses_one_tick(run, monkeypatch):
    trainer = make_trainer(run)

    def full(path):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(trainer.state._checkpoint, "write", full)
    with pytest.raises(TutorialError, match="0000000048 could not be written .No space left"):
        trainer.fit(kimg=0.064)
    assert trainer.state.saved()[-1].name == "0000000032"


def test_reseeding_reaches_nested_layers():
    inner = keras.Sequential([keras.Input((50,)), keras.layers.Dropout(0.5)])
    model = keras.Sequential([keras.Input((50,)), inner])
    outputs = []
    for _ in range(2):
        reseed(model, tf.constant([1, 2], tf.int64))
        outputs.append(model(tf.ones((1, 50)), training=True).numpy())
    np.testing.assert_array_equal(outputs[0], outputs[1])


def test_training_refuses_another_backend(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(TutorialError, match="KERAS_BACKEND=tensorflow"):
        GAN(TINY)


def test_reseeding_repeats_the_dropout():
    gan = GAN(TINY_DOCUMENT, precision="float32")
    images = tf.random.stateless_uniform((4, 4, 4, 3), [1, 2], -1, 1)
    outputs = []
    for seed in ([1, 2], [1, 2], [1, 3]):
        reseed(gan.discriminator, tf.constant(seed, tf.int64))
        outputs.append(gan.discriminator(images, training=True).numpy())
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert not np.array_equal(outputs[0], outputs[2])
