"""Plots of stored measurements say what these say."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tutorial_lib.show import measured, pictures, tables


@pytest.mark.parametrize("stored", ["training_speed", "training_speed_half"])
def test_every_loop_has_a_bar_as_long_as_it_is_fast(stored):
    loops = tables.load_results(stored)["networks"]["dcgan"]["loops"]
    (axis,) = measured.plot_speeds(stored).axes
    lengths = [bar.get_width() for bar in axis.patches]
    assert lengths == [loop["images_per_second"] for loop in loops.values()]
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert len(set(labels)) == len(loops) and labels[0] == "eager"
    assert axis.patches[-1].get_facecolor() != axis.patches[0].get_facecolor()


def test_every_loop_of_the_tables_has_a_short_name():
    assert set(measured.SHORT) == set(tables.LOOPS)


def test_runs_are_dots_with_a_mean_and_a_floor():
    figure = measured.plot_runs({"a": [1, 3], "b": [4, 6]}, "distance", ["b"], floor=0.5)
    (axis,) = figure.axes
    dots, mean, _, kept, floor = axis.lines
    assert list(dots.get_xdata()) == [1, 3] and list(mean.get_xdata()) == [2, 2]
    assert list(kept.get_xdata()) == [5, 5] and floor.get_xdata()[0] == 0.5
    assert mean.get_color() != kept.get_color()


def test_samples_of_the_ablation_are_cut_from_its_sheets():
    samples = measured.ablation_samples("small batch")
    assert samples.shape == (16, 32, 32, 3)
    path = Path(tables.__file__).parents[1] / "results" / "ablation" / "small_batch.png"
    assert np.array_equal(pictures.image_grid(samples, 8), np.asarray(Image.open(path)))
