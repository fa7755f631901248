import matplotlib.pyplot as plt
import numpy as np
import pytest

from tutorial_lib.show import game


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def left_is_fake(points):
    return 50 * points[:, :1]


POINTS = np.array([[0.5, 0.5], [1.0, -1.0]])


def test_a_verdict_colours_the_places_that_it_is_about():
    _, axis = plt.subplots()
    drawn = game.plot_verdict(axis, game.PLANE[:, 0] > 0, "a border")
    assert (drawn.levels[0], drawn.levels[-1]) == (0, 1)
    assert axis.get_title() == "a border"
    red, _, blue, _ = drawn.cmap(0.0)
    assert red > blue, "fake is vermilion"
    assert game.PLANE.shape == (71 * 71, 2) and game.PLANE.dtype == np.float32


def test_points_of_both_kinds_lie_on_the_verdict():
    _, axis = plt.subplots()
    game.plot_game(axis, left_is_fake, POINTS, -POINTS, "step 3")
    real, fake = axis.lines
    np.testing.assert_array_equal(real.get_xydata(), POINTS)
    np.testing.assert_array_equal(fake.get_xydata(), -POINTS)
    assert (real.get_color(), fake.get_color()) == (game.REAL, game.FAKE)
    assert axis.get_title() == "step 3"


def test_frames_are_pictures_and_leave_no_figure_open():
    frames = [
        game.film_frame(left_is_fake, POINTS, -POINTS, "step 0"),
        game.pair_frame(POINTS, -POINTS, "step 0"),
    ]
    for frame in frames:
        assert frame.dtype == np.uint8 and frame.ndim == 3 and frame.shape[2] == 3
        assert len(np.unique(frame)) > 2
    assert not plt.get_fignums()


def test_panels_have_no_numbers_and_a_bar_says_what_the_colours_mean():
    figure, axes = game.panels(3)
    assert len(axes) == 3 and not any(len(axis.get_xticks()) for axis in axes)
    game.add_colour_bar(figure, game.plot_verdict(axes[0], game.PLANE[:, 0] > 0))
    assert "real" in figure.axes[-1].get_ylabel()


def test_coverage_has_a_strip_a_run_and_a_label_a_setting():
    games = {
        label: [{"step": [0, 10, 20], "modes_covered": [0, seed, 8]} for seed in seeds]
        for label, seeds in {"calm": (1, 2, 3), "wild": (4, 5)}.items()
    }
    axis = game.plot_coverage(games).axes[0]
    assert axis.images[0].get_array().tolist() == [[0, seed, 8] for seed in (1, 2, 3, 4, 5)]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["calm", "wild"]
    assert axis.get_yticks().tolist() == [1.5, 4]
    assert axis.images[0].get_extent() == [0, 20, 5, 0]
