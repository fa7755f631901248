import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from helpers.commands import TINY, run_command
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (12, 20, 20, 3), dtype=np.uint8)
    for index, image in enumerate(pixels):
        Image.fromarray(image).save(photographs / f"{index}.png")
    (photographs / "broken.jpg").write_bytes(b"no picture")
    return photographs


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(TINY))
    return path


@pytest.mark.parametrize("command", [[], ["data"], ["train"], ["sample"], ["evaluate"]])
def test_help_has_examples(command):
    examples = run_command(*command, "--help").split("Examples:\n")[1]
    assert examples.startswith("    python -m tutorial_lib")


def test_help_imports_nothing_slow():
    code = (
        "import sys, tutorial_lib.cli; print({'tensorflow', 'keras', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.slow
def test_train_resume_and_sample(tmp_path, folder, recipe):
    out = tmp_path / "run"
    command = ("train", recipe, "--data", folder, "--out", out)
    printed = run_command(*command, "--kimg", 0.04)
    assert "Skipped 1 file, damaged: broken.jpg" in printed and "Done: 40 images" in printed
    assert "resumed at 0.0 kimg" in run_command(*command, "--kimg", 0.08, "--resume", "must")
    run_command("sample", out, "--out", tmp_path / "sheet.png", "--count", 4)
    assert Image.open(tmp_path / "sheet.png").size == (18, 18)
    run_command("sample", out, "--out", tmp_path / "row.png", "--count", 4, "--columns", 4)
    assert Image.open(tmp_path / "row.png").size == (38, 8)
    run_command("sample", out, "--out", tmp_path / "cats", "--count", 3, "--seed", 1)
    assert len(list((tmp_path / "cats").iterdir())) == 3


@pytest.mark.slow
def test_ctrl_c_saves_and_ends_with_130(tmp_path, folder, recipe):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "tutorial_lib", "train", recipe, "--data", folder]
    process = subprocess.Popen(
        [*map(str, command), "--out", str(out), "--minutes", "5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert "new run" in process.stdout.readline()
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped at" in printed and "Traceback" not in printed
    assert list((out / "checkpoints").glob("[0-9]*"))


def test_data_commands(tmp_path, folder):
    printed = run_command("data", "inspect", folder, "--size", 8)
    assert "12 of 8x8" in printed and "broken.jpg" in printed and "sha256" in printed
    run_command("data", "sheet", "drawn", tmp_path / "cats.png", "--count", 9, "--size", 16)
    assert Image.open(tmp_path / "cats.png").size == (52, 52)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["train"], "--minutes"),
        (["train", "dcgn", "--kimg", "1", "--data", "drawn"], "dcgn"),
        (["train", "--kimg", "1", "--data", "/no/such/folder"], "/no/such/folder"),
        (["train", "--kimg", "1", "--data", "drawn", "--precision", "int8"], "int8"),
        (["train", "--kimg", "-1"], "-1"),
        (["train", "--kimg", "1", "--strategy", "mirror"], "mirror"),
        (["train", "--kimg", "1", "--data", "drawn", "--strategy", "multi-worker"], "TF_CONFIG"),
        (["sample", "no-such-run"], "no-such-run"),
        (["sample", "cat-faces-64", "--out", "cats.xyz"], "cats.xyz"),
        (["data", "inspect", "drawn", "--size", "-3"], "-3"),
        (["paint"], "paint"),
        (["data", "sheet", "drawn", "cats.psd"], "cats.psd"),
        (["sample", "cat-faces-64", "--out", "/proc/cats.png"], "/proc"),
        (["data", "sheet", "drawn", "cats.png", "--seed", "-1"], "-1"),
    ],
)
def test_mistakes_end_in_one_sentence(tmp_path, monkeypatch, arguments, named):
    monkeypatch.chdir(tmp_path)
    printed = run_command(*arguments, code=2)
    assert named in printed.splitlines()[-1] and printed.count("Error: ") == 1
    assert not list(tmp_path.iterdir()), "a mistake should leave nothing behind"


@pytest.mark.slow
def test_module_runs_as_a_command():
    command = [sys.executable, "-m", "tutorial_lib", "sample", "no-such-run"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ") and len(done.stderr.splitlines()) == 1
