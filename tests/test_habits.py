"""What people do with the command line, as reported of programs like it, and what must happen."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import TINY, run_command
from helpers.runs import make_images
from PIL import Image

from tutorial_lib import pretrained
from tutorial_lib.models.latents import draw_latents
from tutorial_lib.show.pictures import save_images
from tutorial_lib.training.log import read_log

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def photographs(tmp_path):
    folder = tmp_path / "photographs"
    save_images(make_images(16, 40), folder)
    return folder


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(TINY))
    return path


def start(*arguments, **options):
    """Start the program in a process of its own."""
    command = [sys.executable, "-m", "tutorial_lib", *map(str, arguments)]
    return subprocess.Popen(command, text=True, **options)


def readme_commands():
    """The program's commands in the README, in order, without their comments."""
    text = (ROOT / "README.md").read_text("utf-8")
    return re.findall(r"^python -m tutorial_lib ([^#\n]*?)\s*(?:#.*)?$", text, re.MULTILINE)


@pytest.mark.slow
def test_the_commands_of_the_readme_run_in_their_order(tmp_path, monkeypatch):
    save_images(make_images(64, 32), tmp_path / "images")
    monkeypatch.setenv("TUTORIAL_DATA", str(tmp_path / "images"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    commands = readme_commands()
    assert [command.split()[0] for command in commands] == ["train", "train", "sample", "evaluate"]
    for command in commands:
        command = re.sub(r"--minutes \d+", "--kimg 0.032", command)
        more = ["--count", "100"] if command.startswith("evaluate") else []
        printed = run_command(*command.split(), *more)
    assert "frechet_lite0" in printed and (tmp_path / "cats.png").is_file()


def test_the_same_command_goes_on_where_the_runs_lie_in_the_data(photographs, recipe, monkeypatch):
    monkeypatch.chdir(photographs)
    command = ("train", recipe, "--data", ".", "--kimg")
    run_command(*command, 0.016)
    printed = run_command(*command, 0.032)
    assert "resumed at" in printed and "Done: 32 images" in printed
    assert "1 folder, a run of this program: runs/tiny" in printed
    assert json.loads(Path("runs/tiny/config.json").read_text())["data"]["images"] == 40


def test_the_same_command_goes_on_after_a_sheet_was_drawn_beside_the_data(
    photographs, recipe, monkeypatch
):
    monkeypatch.chdir(photographs)
    command = ("train", recipe, "--data", ".", "--kimg")
    run_command(*command, 0.016)
    run_command("sample", "runs/tiny")
    assert Path("samples.png").is_file()
    assert "Done: 32 images" in run_command(*command, 0.032)


@pytest.mark.parametrize("mode", ["never", "must"])
def test_a_start_that_is_impossible_is_refused_before_the_data_is_read(
    photographs, recipe, tmp_path, monkeypatch, mode
):
    command = ("train", recipe, "--data", photographs, "--kimg", 0.016, "--out", tmp_path / "run")
    if mode == "never":
        run_command(*command)
    monkeypatch.setattr("tutorial_lib.data.open_dataset", None)
    printed = run_command(*command, "--resume", mode, code=2)
    assert str(tmp_path / "run") in printed


def test_a_second_run_in_a_folder_is_told_of_out(photographs, recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_command("train", recipe, "--data", photographs, "--kimg", 0.016)
    save_images(make_images(16, 41), photographs)
    printed = run_command("train", recipe, "--data", photographs, "--kimg", 0.016, code=2)
    assert "data.images = 40" in printed and "--out" in printed


# --- many images


def test_images_are_drawn_in_pieces_and_are_those_of_their_latents():
    sizes = []

    class Generator:
        input_shape = (None, 3)

        def predict(self, latents, verbose):
            sizes.append(len(latents))
            return np.tanh(latents)[:, None, None]

    pieces = list(pretrained.draw_images(Generator(), 1200, seed=5))
    assert sizes == [500, 500, 200]
    expected = np.tanh(draw_latents(1200, 3, seed=5))[:, None, None]
    found = np.concatenate(pieces).astype(float) / 127.5 - 1
    np.testing.assert_allclose(found, expected, atol=1 / 127)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--count", 1_000_000, "--out", "s.png"), "66,000×66,000 pixels"),
        (("--count", 300, "--columns", 300, "--out", "s.webp"), "19,800×66 pixels"),
    ],
)
def test_a_sheet_that_no_file_can_hold_is_refused_before_it_is_drawn(
    options, said, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    printed = run_command("sample", "cat-faces-64", *options, code=2)
    assert said in printed and ".png" in printed and printed.count("Error: ") == 1
    assert not list(tmp_path.iterdir())


def test_images_for_which_the_disk_has_no_room_are_refused_after_the_first(tmp_path):
    printed = run_command("sample", "cat-faces-64", "--count", 10**13, "--out", tmp_path, code=2)
    assert "GB free" in printed and len(list(tmp_path.iterdir())) == 500


# --- paths


def test_a_folder_with_a_dot_in_its_name_is_a_folder(tmp_path):
    (tmp_path / "cats.v2").mkdir()
    run_command("sample", "cat-faces-64", "--count", 2, "--out", tmp_path / "cats.v2")
    assert len(list((tmp_path / "cats.v2").glob("*.png"))) == 2


def test_a_path_that_ends_like_a_folder_is_one(tmp_path):
    run_command("sample", "cat-faces-64", "--count", 2, "--out", f"{tmp_path}/cats.v2/")
    assert len(list((tmp_path / "cats.v2").glob("*.png"))) == 2


def test_a_tilde_is_the_home_in_every_path(tmp_path, photographs, recipe, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    run = ("--data", "~/photographs", "--out", "~/run", "--kimg", 0.016)
    run_command("train", "~/tiny.json", *run)
    run_command("sample", "~/run", "--out", "~/sheet.png")
    run_command("data", "sheet", "~/photographs", "~/data.png", "--size", 8)
    run_command("data", "inspect", "~/photographs", "--skipped", "~/skipped.txt")
    assert {"run", "sheet.png", "data.png"} <= {path.name for path in tmp_path.iterdir()}
    assert not Path("~").exists()


# --- settings of a user, noise of libraries


@pytest.mark.slow
def test_settings_of_other_programs_change_nothing_and_no_library_speaks(
    tmp_path, photographs, recipe
):
    (tmp_path / "keras.json").write_text(
        json.dumps({"image_data_format": "channels_first", "floatx": "float16", "backend": "jax"})
    )
    settings = {"KERAS_HOME": str(tmp_path), "KERAS_BACKEND": "torch"}
    environment = {name: value for name, value in os.environ.items() if name[:3] != "TF_"}
    process = start(
        *("train", recipe, "--data", photographs, "--out", tmp_path / "run", "--kimg", 0.05),
        env=environment | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    printed, noise = process.communicate(timeout=120)
    assert process.returncode == 0 and "Done: 56 images" in printed
    assert noise == ""
    sheet = Image.open(tmp_path / "run" / "samples" / "0000000056.png")
    assert sheet.size == (78, 78)  # 8 by 8 images of 8 pixels


@pytest.mark.slow
def test_a_killed_run_leaves_its_lines(tmp_path, photographs, recipe):
    with open(tmp_path / "train.log", "w") as log:
        process = start(
            *("train", recipe, "--data", photographs, "--out", tmp_path / "run", "--minutes", 5),
            stdout=log,
            stderr=subprocess.DEVNULL,
        )
        deadline, path = time.monotonic() + 120, tmp_path / "run" / "log.jsonl"
        while not (path.exists() and read_log(path)[1:]):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
    lines = (tmp_path / "train.log").read_text().splitlines()
    assert "new run" in lines[0] and "kimg" in lines[1]


# --- measuring


def test_a_run_of_another_size_is_refused_before_anything_is_drawn(
    tmp_path, photographs, recipe, monkeypatch
):
    run_command("train", recipe, "--data", photographs, "--out", tmp_path / "run", "--kimg", 0.016)
    monkeypatch.setattr("tutorial_lib.metrics.evaluation.draw_images", None)
    printed = run_command("evaluate", tmp_path / "run", code=2)
    assert "8×8 pixels" in printed.splitlines()[-1]


def test_no_more_images_are_drawn_than_are_measured(monkeypatch):
    asked = []
    draw = pretrained.draw_images

    def note(generator, count, **options):
        asked.append(count)
        return draw(generator, count, **options)

    monkeypatch.setattr("tutorial_lib.metrics.evaluation.draw_images", note)
    run_command("evaluate", "cat-faces-64", "--count", 150)
    assert asked == [100]


@pytest.mark.slow
def test_the_best_network_is_kept_and_measured(tmp_path, recipe):
    out = tmp_path / "run"
    command = ("train", recipe, "--data", tmp_path / "many", "--out", out)
    save_images(make_images(8, 210), tmp_path / "many")
    printed = run_command(*command, "--kimg", 0.02, "--evaluate-every", 0.01)
    assert "frechet_lite0" in printed
    card = pretrained.load_card(out / "best")
    (record,) = read_log(out / "log.jsonl")
    assert card["score"] == {
        "name": "frechet_lite0",
        "value": record["frechet_lite0"],
        "count": 100,
    }
    run_command("evaluate", out / "best", "--data", tmp_path / "many", "--count", 100)


def test_too_few_images_to_measure_against_are_refused_at_once(tmp_path, photographs, recipe):
    out = tmp_path / "run"
    command = ("train", recipe, "--data", photographs, "--out", out, "--evaluate-every", 1)
    printed = run_command(*command, "--kimg", 1, code=2)
    assert "40 distinct images" in printed and not out.exists()
