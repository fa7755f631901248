"""Real images as a reference, all measures at once, the command, and the callback."""

import dataclasses
import json

import numpy as np
import pytest
from click.testing import CliRunner

from tutorial_lib.algorithms.gan import GAN
from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.cli import main
from tutorial_lib.data.drawn import draw_cats
from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.evaluation import Evaluation, evaluate_generator, evaluate_images
from tutorial_lib.metrics.frechet import frechet_distance
from tutorial_lib.metrics.measures import MEASURES, measure_features
from tutorial_lib.metrics.reference import (
    COUNTS,
    PHOTOGRAPHS,
    load_reference,
    make_reference,
    reference_from_images,
    save_reference,
)
from tutorial_lib.models.dcgan import build_dcgan_generator
from tutorial_lib.models.lite0 import LITE0
from tutorial_lib.pretrained import available, find_network, load_card
from tutorial_lib.store import CARD
from tutorial_lib.training.callbacks import Checkpoints, Evaluate, Log
from tutorial_lib.training.log import read_log
from tutorial_lib.training.trainer import Trainer

SIZE = 32


def normals(rows, seed=0, dimensions=8):
    return np.random.default_rng(seed).normal(0, 1, (rows, dimensions)).astype(np.float32)


def small_reference(rows=450, **options):
    facts = {"name": "normals", "size": SIZE, "sha256": "0" * 64}
    return make_reference(normals(rows), np.arange(rows), **facts, **options)


@pytest.fixture(scope="module")
def drawn():
    return reference_from_images(draw_cats(220, SIZE).images, "drawn")


@pytest.fixture(scope="module")
def photographs():
    return load_reference()


# --- The reference


def test_a_reference_holds_half_the_images_and_the_floors_that_they_suffice_for():
    reference = small_reference()
    assert list(reference.floors) == [100, 200]
    assert reference.features.shape == (225, 8)
    np.testing.assert_array_equal(reference.features, normals(450)[reference.positions])
    assert set(reference.floors[100]) == set(MEASURES)
    assert reference.floors[100]["frechet_lite0"] > reference.floors[200]["frechet_lite0"] > 0
    assert list(small_reference(counts=[100]).floors) == [100]


def test_copies_count_for_the_gaussian_alone():
    features = np.concatenate([normals(450), normals(450)[:200]])
    facts = {"name": "normals", "size": SIZE, "sha256": "0" * 64}
    copied = make_reference(features, np.arange(450), **facts)
    plain = small_reference()
    assert copied.floors == plain.floors and copied.images == 650
    np.testing.assert_allclose(copied.gaussian.mean, features.mean(axis=0), atol=1e-6)


def test_too_few_distinct_images_are_refused():
    with pytest.raises(TutorialError, match="199 distinct images, but at least 200"):
        small_reference(199)


def test_a_saved_reference_comes_back_within_half_precision(tmp_path):
    reference = small_reference()
    save_reference(reference, tmp_path)
    again = load_reference(tmp_path)
    assert frechet_distance(again.gaussian, reference.gaussian) < 1e-5
    np.testing.assert_allclose(again.features, reference.features, rtol=1e-3)
    np.testing.assert_array_equal(again.positions, reference.positions)
    for field in ("name", "images", "size", "sha256", "floors"):
        assert getattr(again, field) == getattr(reference, field)


def test_damaged_statistics_and_those_of_another_network_are_refused(tmp_path):
    save_reference(small_reference(), tmp_path)
    card = json.loads((tmp_path / CARD).read_text())
    card["network"]["sha256"] = "f" * 64
    (tmp_path / CARD).write_text(json.dumps(card))
    with pytest.raises(TutorialError, match="other weights of the network"):
        load_reference(tmp_path)
    next(tmp_path.glob("statistics-*.npz")).write_bytes(b"")
    with pytest.raises(TutorialError, match=r"statistics-\w+\.npz are damaged"):
        load_reference(tmp_path)
    with pytest.raises(TutorialError, match="cannot be loaded"):
        load_reference("cat-faces-64")


def test_the_statistics_of_the_photographs_are_small_documented_and_sound(photographs):
    folder, card = find_network(PHOTOGRAPHS), load_card(PHOTOGRAPHS)
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 8_000_000
    readme = (folder / "README.md").read_text("utf-8")
    assert card["statistics"]["sha256"] in readme and card["sha256"] in readme
    assert card["sha256"] == load_card("cat-faces-64")["data"]["sha256"]
    assert PHOTOGRAPHS not in available()
    assert photographs.images == 29_843 and list(photographs.floors) == list(COUNTS)
    assert photographs.features.shape == (4000, 1280)
    assert np.linalg.eigvalsh(photographs.gaussian.covariance).min() > 0
    floors = photographs.floors
    falling = [floors[count]["frechet_lite0"] for count in COUNTS]
    assert falling == sorted(falling, reverse=True)
    assert abs(floors[10_000]["kid_lite0"]) < 3 * floors[10_000]["kid_lite0_spread"]
    for name in ("precision", "recall", "coverage"):
        assert 0.5 < floors[5000][name] <= 1


# --- All measures


def test_measures_compare_as_many_of_both_where_neighbours_matter():
    reference = small_reference()
    measured = measure_features(normals(500, seed=1), reference.gaussian, reference.features)
    assert list(measured) == list(MEASURES)
    cut = measure_features(normals(500, seed=1), reference.gaussian, reference.features[:225])
    assert measured == cut
    assert measured["coverage"] == pytest.approx(0.97, abs=0.03)


def test_images_are_measured_at_a_count_with_a_floor(drawn):
    images = draw_cats(130, SIZE, seed=1).images
    evaluation = evaluate_images(images, drawn)
    assert (evaluation.count, evaluation.neighbours) == (100, 100)
    assert evaluation.features == LITE0 and evaluation.data_images == 220
    assert evaluation.floors is drawn.floors[100]
    assert evaluation.values["frechet_lite0"] == pytest.approx(
        evaluation.floors["frechet_lite0"], rel=0.3
    )
    table = str(evaluation).splitlines()
    assert table[0].startswith("100 images against 220 of drawn")
    assert [line.split()[0] for line in table[-len(MEASURES) :]] == list(MEASURES)


def test_worse_images_measure_worse(drawn):
    images = draw_cats(100, SIZE, seed=1).images
    noise = np.random.default_rng(0).integers(0, 256, images.shape).astype(np.uint8)
    good, bad = (evaluate_images(x, drawn).values for x in (images, noise))
    for name in ("frechet_lite0", "kid_lite0"):
        assert bad[name] > 2 * abs(good[name])
    for name in ("precision", "recall", "density", "coverage"):
        assert bad[name] < 0.5 * good[name]
    copied = evaluate_images(draw_cats(100, SIZE).images, drawn).values
    assert copied["memorised"] > good["memorised"]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((99, SIZE, SIZE, 3), np.uint8), "At least 100 images"),
        (np.zeros((200, 64, 64, 3), np.uint8), "have 64×64 pixels"),
        (np.zeros((200, SIZE, SIZE, 3)), "uint8"),
        (np.zeros((200, SIZE)), "uint8"),
        ("cats.png", "uint8"),
    ],
)
def test_what_cannot_be_measured_is_refused(drawn, images, message):
    with pytest.raises(TutorialError, match=message):
        evaluate_images(images, drawn)


def test_a_generator_is_measured_by_its_images(drawn):
    generator = build_dcgan_generator(SIZE, 4, 4)
    first, again, other = (
        evaluate_generator(generator, drawn, count=100, seed=seed) for seed in (0, 0, 1)
    )
    assert isinstance(first, Evaluation) and first.values == again.values != other.values
    assert json.loads(json.dumps(dataclasses.asdict(first)))["values"] == first.values


# --- The command


def run(*arguments, code=0):
    done = CliRunner().invoke(main, ["evaluate", *map(str, arguments)])
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.slow
def test_the_command_prints_a_table_and_writes_json(tmp_path):
    out = tmp_path / "measures.json"
    printed = run("cat-faces-64", "--count", 150, "--seed", 3, "--json", out)
    assert "100 images against 29,843 of cat-faces-64" in printed
    assert "trained on other images" not in printed
    record = json.loads(out.read_text())
    assert record["source"] == "cat-faces-64" and record["seed"] == 3 and record["count"] == 100
    assert record["values"]["frechet_lite0"] > record["floors"]["frechet_lite0"]
    printed = run("cat-faces-64", "--data", "drawn", "--count", 100)
    assert "100 images against 200 of drawn" in printed and "trained on other images" in printed


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["no-such-run"], "no-such-run"),
        ([LITE0], "does not generate"),
        (["cat-faces-64", "--data", "/no/such/folder"], "/no/such/folder"),
        (["cat-faces-64", "--count", "10"], "--count"),
    ],
)
def test_mistakes_end_in_one_sentence(arguments, named):
    printed = run(*arguments, code=2)
    assert named in printed.splitlines()[-1] and printed.count("Error: ") == 1


# --- The callback


def train(directory, scores, kimg):
    """Train a tiny GAN, whose scores are given, and return its trainer."""
    scores = iter(scores)
    recipe = GANRecipe(size=8, latent_size=4, width=4, batch_size=8)
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    measure = Evaluate(
        lambda images: {"score": next(scores), "images": len(images)},
        every_kimg=0.016,
        count=5,
        score="score",
    )
    callbacks = [measure, Log(), Checkpoints(every_seconds=0)]
    trainer = Trainer(
        GAN(recipe, precision="float32"), images, directory, tick_kimg=0.008, callbacks=callbacks
    )
    trainer.fit(kimg=kimg)
    return trainer


@pytest.mark.slow
def test_the_best_network_is_kept_also_over_a_resume(tmp_path):
    train(tmp_path, [3.0, 2.0, 4.0], 0.048)
    records = read_log(tmp_path / "log.jsonl")
    scores = {record["nimg"]: record.get("score") for record in records}
    assert scores == {8: None, 16: 3.0, 24: None, 32: 2.0, 40: None, 48: 4.0}
    card = load_card(tmp_path / "best")
    assert card["score"] == {"name": "score", "value": 2.0, "count": 5} and card["nimg"] == 32
    train(tmp_path, [2.5], 0.056)  # the end of a run is measured, though not due
    assert load_card(tmp_path / "best") == card
    assert load_card(tmp_path)["nimg"] == 56
    train(tmp_path, [1.5], 0.064)
    assert load_card(tmp_path / "best")["nimg"] == 64
