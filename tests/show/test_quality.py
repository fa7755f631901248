"""Plots of measures of quality show what they are given."""

import matplotlib.pyplot as plt
import numpy as np

from tutorial_lib.show import quality


def test_a_measure_has_a_panel_and_a_fault_a_curve_that_starts_untouched():
    panels = {
        "distance": {"blur": [1, 2], "noise": [1, 5]},
        "share": {"blur": [3, 0], "noise": [3, 1]},
    }
    figure = quality.plot_measures(panels, ("none", "strong"))
    distance, share = figure.axes
    assert [axis.get_title() for axis in figure.axes] == ["distance", "share"]
    blur, noise, untouched = distance.lines
    assert list(blur.get_ydata()) == [1, 2] and list(noise.get_ydata()) == [1, 5]
    assert untouched.get_ydata()[0] == 1 and share.lines[-1].get_ydata()[0] == 3
    assert blur.get_color() != noise.get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["blur", "noise"]
    plt.close(figure)


def test_every_real_point_has_its_ball():
    real = np.array([[0.0, 0.0], [1.0, 2.0]])
    figure = quality.plot_balls(real, {"near": real, "far": real + 2}, np.array([0.5, 1.5]))
    near, far = figure.axes
    assert [patch.radius for patch in near.patches] == [0.5, 1.5]
    assert far.get_title() == "far" and np.array_equal(far.lines[1].get_xdata(), [2, 3])
    plt.close(figure)
