"""Plots that open a picture: the numbers that its pixels hold."""

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BRIGHT = 110  # a mean of red, green and blue on which black letters are read best


def liveliest_square(image: np.ndarray, side: int) -> tuple[int, int]:
    """Return the top row and left column of the square of a grid in which pixels vary most.

    `image` is (h, w, 3); the grid's squares are `side` pixels wide, from the upper left corner.
    """
    rows, columns = image.shape[0] // side, image.shape[1] // side
    squares = image[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    spread = squares.std(axis=(1, 3)).mean(axis=-1)
    row, column = np.unravel_index(spread.argmax(), spread.shape)
    return int(row) * side, int(column) * side


def plot_pixel_values(image: np.ndarray, *, side: int = 6) -> "Figure":
    """Return a figure of an image, uint8 (h, w, 3), and of its liveliest square, enlarged.

    On each pixel of the square, `side` pixels wide, stands the value of its red channel.
    """
    top, left = liveliest_square(image, side)
    crop = image[top : top + side, left : left + side]
    figure, (whole, close) = plt.subplots(1, 2, figsize=(5.4, 3), layout="constrained")
    whole.imshow(image)
    frame = plt.Rectangle((left - 0.5, top - 0.5), side, side, fill=False, color="#D55E00", lw=3)
    whole.add_patch(frame)
    close.imshow(crop)
    for (row, column), red in np.ndenumerate(crop[..., 0]):
        colour = "black" if crop[row, column].mean() > BRIGHT else "white"
        close.text(column, row, red, ha="center", va="center", color=colour, fontsize=10)
    whole.set(title=f"{image.shape[0]} × {image.shape[1]} pixels", xlabel="column", ylabel="row")
    close.set(title=f"{side} × {side}: red values", xticks=[], yticks=[])
    return figure
