import numpy as np

from tutorial_lib.show import image_plots


def half_lively():
    """An image, 12×18, that is plain but for one square: rows 6 to 11, columns 12 to 17."""
    image = np.full((12, 18, 3), 200, np.uint8)
    image[6:, 12:] = np.arange(36, dtype=np.uint8).reshape(6, 6, 1)
    return image


def test_the_liveliest_square_is_found():
    assert image_plots.liveliest_square(half_lively(), 6) == (6, 12)


def test_each_pixel_of_the_square_says_its_red_value():
    figure = image_plots.plot_pixel_values(half_lively(), side=6)
    whole, close = figure.axes
    assert [text.get_text() for text in close.texts] == [str(value) for value in range(36)]
    assert {text.get_color() for text in close.texts} == {"white"}
    assert whole.patches[0].get_xy() == (11.5, 5.5)
