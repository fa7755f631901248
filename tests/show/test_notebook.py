import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from tutorial_lib.errors import TutorialError
from tutorial_lib.losses import generator_loss
from tutorial_lib.show import notebook
from tutorial_lib.training.trainer import Trainer


@pytest.mark.parametrize("budget", notebook.BUDGETS)
def test_budget_comes_from_the_environment(monkeypatch, budget):
    monkeypatch.setenv("TUTORIAL_BUDGET", budget)
    assert notebook.budget() == budget
    assert notebook.by_budget(test="test", cpu="cpu", gpu="gpu") == budget


def test_unknown_budget_lists_those_that_exist(monkeypatch):
    monkeypatch.setenv("TUTORIAL_BUDGET", "tpu")
    with pytest.raises(TutorialError, match="test, cpu, gpu, not 'tpu'"):
        notebook.budget()


def test_setup_says_what_it_runs_on(monkeypatch, capsys):
    monkeypatch.setenv("TUTORIAL_BUDGET", "test")
    notebook.setup()
    out = capsys.readouterr().out
    assert "TensorFlow 2." in out and "Keras 3." in out and "budget: test" in out


def test_source_is_the_librarys_own():
    shown = notebook.show_source(generator_loss).data
    assert shown.startswith("```python\ndef generator_loss(") and shown.endswith("```")
    method = notebook.show_source(Trainer.progress).data
    assert method.startswith("```python\ndef progress(self)")


def test_shown_images_are_enlarged_and_described():
    shown = notebook.show_images(np.zeros((4, 3, 3, 3), np.uint8), zoom=2, alt="four squares")
    assert Image.open(io.BytesIO(shown.data)).size == (16, 16)
    assert shown.metadata["alt"] == "four squares"


def test_shown_figure_is_closed_so_that_it_is_seen_once():
    figure, _ = plt.subplots()
    shown = notebook.show_figure(figure, alt="an empty plot")
    assert Image.open(io.BytesIO(shown.data)).format == "JPEG"
    assert shown.metadata["alt"] == "an empty plot" and not plt.fignum_exists(figure.number)


def test_shown_animation_moves():
    pictures = [np.full((4, 4, 3), value, np.uint8) for value in (0, 200)]
    shown = notebook.show_animation(pictures, zoom=2)
    animation = Image.open(io.BytesIO(shown.data))
    assert animation.n_frames == 2 and animation.size == (8, 8)


def test_a_table_shows_numbers_and_words():
    shown = notebook.show_table(["name", "$x$"], [("a", 1), ("b", "2.0")])
    assert shown.data == "| name | $x$ |\n| --- | --- |\n| a | 1 |\n| b | 2.0 |"
