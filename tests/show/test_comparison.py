import numpy as np
import pytest
from matplotlib.colors import to_hex

from tutorial_lib.errors import TutorialError
from tutorial_lib.losses import LossPair
from tutorial_lib.show import comparison


def test_stored_pictures_are_eight_of_one_size():
    cats = comparison.stored_pictures("relativistic", "R1 + R2")
    assert cats.shape == (8, 32, 32, 3) and cats.dtype == np.uint8
    assert (cats.std(axis=(1, 2, 3)) > 5).all()  # none is a gap


def test_a_game_that_was_not_stored_is_refused():
    with pytest.raises(TutorialError, match="hinge_R1"):
        comparison.stored_pictures("hinge", "R3")


def test_losses_are_traced_as_one_logit_moves_and_the_other_stays():
    pair = LossPair(generator=lambda r, f: 10 * r + f, discriminator=lambda r, f: r * f)

    def measure(loss, r, f, moving):
        return loss(r, f), {"r": 1, "f": 2}[moving]

    values, slopes = comparison.trace_losses({"a": pair}, [-1, 0, 1], 5, measure)
    curves = {label: curve.tolist() for label, curve in values["a"].items()}
    assert curves == {
        "D, as r moves": [-5, 0, 5],
        "D, as f moves": [-5, 0, 5],
        "G, as f moves": [-1, 0, 1],
    }
    assert slopes["a"]["D, as r moves"].tolist() == [1, 1, 1]
    assert slopes["a"]["G, as f moves"].tolist() == [2, 2, 2]


def test_panels_hold_their_curves_and_spare_ones_are_off():
    panels = {name: {"D": [1, 2], "G": [3, 4]} for name in "abc"}
    figure = comparison.plot_panels([0, 1], panels, xlabel="t", ylabel="loss", limits=(0, 5))
    assert [axis.get_title() for axis in figure.axes] == ["a", "b", "c", ""]
    curves = [line.get_xydata().tolist() for line in figure.axes[2].lines[1:]]
    assert curves == [[[0, 1], [1, 2]], [[0, 3], [1, 4]]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["D", "G"]
    assert not figure.axes[3].axison


def test_the_last_panel_of_points_has_a_colour_of_its_own():
    figure = comparison.plot_points({"fakes": np.zeros((3, 2)), "real": np.ones((4, 2))})
    fakes, real, spare = figure.axes
    assert len(real.lines[0].get_xydata()) == 4
    assert fakes.lines[0].get_color() != real.lines[0].get_color() and not spare.axison


def test_an_interval_without_0_is_thick():
    rows = {"a": {"one": (-1.0, 1.0), "other": (0.5, 2.0)}, "b": {"one": (-3, -2), "other": (0, 1)}}
    figure = comparison.plot_intervals(rows, xlabel="difference")
    lines = figure.axes[0].lines[:4]
    assert [line.get_linewidth() > 2 for line in lines] == [False, True, True, False]
    assert to_hex(lines[0].get_color()) != to_hex(lines[1].get_color())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "other"]
