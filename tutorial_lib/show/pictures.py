"""Pictures without plots: grids of images, files of them, animations."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from tutorial_lib.data.pixels import to_uint8
from tutorial_lib.errors import TutorialError
from tutorial_lib.files import write_whole

GAP = 2  # pixels between the images of a grid


def image_grid(images: np.ndarray, columns: int | None = None) -> np.ndarray:
    """Return one picture, uint8 (H, W, 3), of images (N, h, w, 3) set in rows on white.

    Images are uint8, or floats in [-1, 1]. `columns` defaults to a square grid. Raises
    `TutorialError` if there are no images or they have another shape.
    """
    if images.ndim != 4 or images.shape[-1] != 3 or len(images) == 0:
        raise TutorialError(f"A grid needs images of shape (N, h, w, 3), not {images.shape}.")
    images = _as_uint8(images)
    count, height, width, _ = images.shape
    columns = columns or int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    cells = np.full((rows * columns, height + GAP, width + GAP, 3), 255, np.uint8)
    cells[:count, :height, :width] = images
    cells = cells.reshape(rows, columns, height + GAP, width + GAP, 3)
    grid = cells.transpose(0, 2, 1, 3, 4).reshape(rows * (height + GAP), -1, 3)
    return grid[:-GAP, :-GAP]


def save_grid(images: np.ndarray, path: str | Path, columns: int | None = None) -> None:
    """Write `image_grid(images, columns)` to a file whose suffix gives the format.

    Raises `TutorialError` for a suffix that is no image format.
    """
    _save_picture(image_grid(images, columns), Path(path))


def image_format(path: str | Path) -> str:
    """Return the image format that a file's suffix stands for, or raise `TutorialError`."""
    kind = Image.registered_extensions().get(Path(path).suffix.lower())
    if kind not in Image.SAVE:
        raise TutorialError(f"{path} needs the suffix of an image format, for example .png.")
    return kind


def save_images(images: np.ndarray, folder: str | Path) -> None:
    """Write each image (h, w, 3) to a file of its own in `folder`: 00000.png, 00001.png, …."""
    for index, image in enumerate(_as_uint8(images)):
        _save_picture(image, Path(folder) / f"{index:05d}.png")


def read_sheets(run: str | Path, *, cells: int = 4) -> list[np.ndarray]:
    """Return the corner of `cells` × `cells` images of each of a run's sheets, in order.

    Raises `TutorialError` if the run has no sheets.
    """
    sheets = sorted((Path(run) / "samples").glob("*.png"))
    if not sheets:
        raise TutorialError(f"There are no sheets in {Path(run) / 'samples'}: train first.")
    size = json.loads((Path(run) / "config.json").read_text())["recipe"]["size"]
    side = cells * (size + GAP) - GAP
    return [np.asarray(Image.open(sheet).convert("RGB"))[:side, :side] for sheet in sheets]


def save_animation(pictures: Sequence[np.ndarray], file: str | Path | BinaryIO) -> None:
    """Write an endless animation (GIF) of pictures, uint8 (H, W, 3), that rests on the last."""
    frames = [Image.fromarray(picture) for picture in pictures]
    pauses = [400] * (len(frames) - 1) + [2500]  # milliseconds
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=pauses, loop=0)


def _save_picture(picture: np.ndarray, path: Path) -> None:
    """Write a picture, uint8 (H, W, 3), so that a full disk never leaves half of one."""
    content = io.BytesIO()
    Image.fromarray(picture).save(content, image_format(path), quality=92)
    write_whole(path, content.getvalue())


def _as_uint8(images: np.ndarray) -> np.ndarray:
    return images if images.dtype == np.uint8 else to_uint8(images)
