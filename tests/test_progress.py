import json
import os
import subprocess
import sys
from types import SimpleNamespace

import IPython
import pytest

from tutorial_lib.progress import is_watched
from tutorial_lib.training.log import read_log


@pytest.mark.parametrize(
    ("on_terminal", "shell", "asked_for", "expected"),
    [
        (True, None, "", True),
        (False, None, "", False),
        (False, SimpleNamespace(kernel="a kernel"), "", True),
        (False, SimpleNamespace(), "", False),
        (True, SimpleNamespace(kernel="a kernel"), "lines", False),
    ],
)
def test_a_bar_is_for_eyes(monkeypatch, on_terminal, shell, asked_for, expected):
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: on_terminal))
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    monkeypatch.setenv("TUTORIAL_PROGRESS", asked_for)
    assert is_watched() == expected


def test_no_error_stream_is_nobody_watching(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.delenv("TUTORIAL_PROGRESS", raising=False)
    assert not is_watched()


# --- what is said when nobody listens ------------------------------------------------------------


def python(code, *arguments, **options):
    """Start a program that imports `say`."""
    code = f"import sys\nfrom tutorial_lib.progress import say\n{code}"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, text=True, stderr=subprocess.PIPE, **options)


def test_a_line_is_there_at_once():
    code = "say('first')\nsys.stdin.readline()"
    with python(code, stdout=subprocess.PIPE, stdin=subprocess.PIPE) as process:
        assert process.stdout.readline() == "first\n"  # while the program still runs
        assert process.poll() is None
        process.communicate("\n", timeout=30)


def test_a_closed_pipe_stops_nothing():
    code = "for n in range(100_000): say(f'line {n}')\nprint('end', file=sys.stderr)"
    with python(code, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == "line 0\n"
        process.stdout.close()  # as `head -1` does
        assert process.stderr.read() == "end\n"
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    "how", ["sys.stdout.close()", "import os; os.close(1)", "sys.stdout = None"]
)
def test_a_closed_standard_output_stops_nothing(how):
    with python(f"{how}\nsay('x')\nsay('y')\nprint('end', file=sys.stderr)") as process:
        assert process.stderr.read() == "end\n"
        assert process.wait(30) == 0


def test_a_line_that_cannot_be_encoded_silences_no_other():
    code = "say('first')\nsay('runs/größe: new run')\nsay('last')"
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    with python(code, stdout=subprocess.PIPE, env=environment) as process:
        first, second, last = process.stdout.read().splitlines()
        assert (first, last) == ("first", "last") and second.endswith(": new run")
        assert process.wait(30) == 0 and not process.stderr.read()


@pytest.mark.slow
def test_training_goes_on_when_only_its_first_line_is_read(tmp_path):
    recipe, run = tmp_path / "tiny.json", tmp_path / "run"
    recipe.write_text(json.dumps({"size": 16, "latent_size": 4, "width": 2, "batch_size": 50}))
    command = [sys.executable, "-m", "tutorial_lib", "train", recipe, "--data", "drawn"]
    command += ["--kimg", "11", "--precision", "float32", "--out", run]  # a line a tick, three
    process = subprocess.Popen(
        list(map(str, command)), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        assert "new run" in process.stdout.readline()
        process.stdout.close()
        complaints = process.stderr.read()
        assert process.wait(300) == 0, complaints
    assert "Traceback" not in complaints and "Error" not in complaints
    assert [record["nimg"] for record in read_log(run / "log.jsonl")] == [5000, 10_000, 11_000]
