"""All measures at once, and the command that prints them."""

import dataclasses
import json

import numpy as np
import pytest
from helpers.commands import run_command
from helpers.references import SIZE

from tutorial_lib.data.drawn import draw_cats
from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.evaluation import Evaluation, evaluate_generator, evaluate_images
from tutorial_lib.metrics.measures import MEASURES
from tutorial_lib.metrics.reference import (
    reference_from_images,
)
from tutorial_lib.models.dcgan import build_dcgan_generator
from tutorial_lib.models.lite0 import LITE0
from tutorial_lib.show.pictures import save_images


@pytest.fixture(scope="module")
def drawn():
    return reference_from_images(draw_cats(220, SIZE).images, "drawn")


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


@pytest.mark.parametrize(
    ("size", "count", "message"),
    [(64, 100, "have 64×64 pixels"), (SIZE, 99, "At least 100 images")],
)
def test_a_generator_that_cannot_be_measured_draws_nothing(
    drawn, monkeypatch, size, count, message
):
    generator = build_dcgan_generator(size, 4, 4)
    monkeypatch.setattr(generator, "predict", lambda *_, **__: pytest.fail("it has drawn images"))
    with pytest.raises(TutorialError, match=message):
        evaluate_generator(generator, drawn, count=count)


# --- the command ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_command_prints_a_table_and_writes_json(tmp_path):
    out = tmp_path / "measures.json"
    printed = run_command("evaluate", "cat-faces-64", "--count", 150, "--seed", 3, "--json", out)
    assert "100 images against 29,843 of cat-faces-64" in printed
    assert "trained on other images" not in printed
    record = json.loads(out.read_text())
    assert record["source"] == "cat-faces-64" and record["seed"] == 3 and record["count"] == 100
    assert record["values"]["frechet_lite0"] > record["floors"]["frechet_lite0"]
    printed = run_command("evaluate", "cat-faces-64", "--data", "drawn", "--count", 100)
    assert "100 images against 200 of drawn" in printed
    save_images(draw_cats(200, 64).images, tmp_path / "mine")
    mine = ("--data", tmp_path / "mine", "--count", 100)
    assert "trained on other images" in run_command("evaluate", "cat-faces-64", *mine)


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
    printed = run_command("evaluate", *arguments, code=2)
    assert named in printed.splitlines()[-1] and printed.count("Error: ") == 1
