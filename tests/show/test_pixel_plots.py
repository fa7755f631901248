import numpy as np
import pytest

from tutorial_lib.models.bayes_net import TreeNetwork
from tutorial_lib.show import pixel_plots


def test_every_sample_lies_over_the_data():
    samples = dict.fromkeys("abcd", np.array([1.0, 1.0, 3.0, 3.0]))
    edges = np.array([0.0, 2.0, 4.0])
    figure = pixel_plots.plot_shares(samples, np.array([1.0]), edges, xlabel="grey")
    assert [axis.get_title() for axis in figure.axes] == list("abcd")
    assert [bar.get_height() for bar in figure.axes[3].patches[:2]] == [0.5, 0]
    outline = figure.axes[3].patches[2].get_xy()
    assert outline[:, 1].max() == 0.25


@pytest.mark.parametrize(("largest", "top", "tip"), [(None, 3, "neither"), (2, 2, "max")])
def test_maps_share_a_scale(largest, top, tip):
    maps = {"one": np.array([[0.0, 1.0]]), "other": np.array([[np.nan, 3.0]])}
    figure = pixel_plots.plot_maps(maps, "bits", largest=largest, marked=(0, 1))
    *panels, bar = figure.axes
    assert [panel.get_title() for panel in panels] == ["one", "other"]
    assert {panel.images[0].get_clim() for panel in panels} == {(0, top)}
    assert bar.get_ylabel() == "bits" and panels[0].images[0].colorbar is None
    assert panels[1].images[0].colorbar.extend == tip
    assert panels[0].lines[0].get_xydata().tolist() == [[1, 0]]


def test_edges_of_a_tree_are_told_apart_by_where_they_lead():
    """Nine pixels: two edges across, one down, one aslant; the others have no parent."""
    parents = np.array([-1, 0, 1, 0, 0, -1, -1, -1, -1])
    network = TreeNetwork(np.arange(9), parents, np.zeros((9, 2, 2)))
    figure = pixel_plots.plot_tree(network, np.zeros((3, 3)))
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    assert said == ["across: 2", "down: 1", "aslant or further: 1"]
    ends = [line.get_xydata().tolist() for line in figure.axes[0].lines]
    assert ends == [[[1, 0], [0, 0]], [[2, 0], [1, 0]], [[0, 1], [0, 0]], [[1, 1], [0, 0]]]
