"""Pictures without plots: grids of images, files of them, animations."""

import io
import json
import math
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, PngImagePlugin

from tutorial_lib.data.pixels import to_uint8
from tutorial_lib.errors import TutorialError
from tutorial_lib.files import SHEET_MARK, write_whole

GAP = 2  # pixels between the images of a grid
LONGEST_SIDE = {"WEBP": 16_383, "JPEG": 65_500, "GIF": 65_535}  # pixels that a format can hold
MOST_PIXELS = 2**27  # of a sheet: up to 1.6 GB of memory while it is made


def image_grid(images: np.ndarray, columns: int | None = None) -> np.ndarray:
    """Return one picture, uint8 (H, W, 3), of images (N, h, w, 3) set in rows on white.

    Images are uint8, or floats in [-1, 1]. `columns` defaults to a square grid. Raises
    `TutorialError` if there are no images or they have another shape.

    >>> image_grid(np.zeros((6, 8, 8, 3), np.uint8), columns=3).shape  # with gaps of 2 pixels
    (18, 28, 3)
    """
    if images.ndim != 4 or images.shape[-1] != 3 or len(images) == 0:
        raise TutorialError(f"A grid needs images of shape (N, h, w, 3), not {images.shape}.")
    images = _as_uint8(images)
    count, height, width, _ = images.shape
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    rows = -(-count // columns)
    cells = np.full((rows * columns, height + GAP, width + GAP, 3), 255, np.uint8)
    cells[:count, :height, :width] = images
    cells = cells.reshape(rows, columns, height + GAP, width + GAP, 3)
    grid = cells.transpose(0, 2, 1, 3, 4).reshape(rows * (height + GAP), -1, 3)
    return grid[:-GAP, :-GAP]


def save_grid(images: np.ndarray, path: str | Path, columns: int | None = None) -> None:
    """Write `image_grid(images, columns)` to a file whose suffix gives the format.

    Raises `TutorialError` for a suffix that is no image format, or a picture that this format
    cannot hold.
    """
    _save_picture(image_grid(images, columns), Path(path), comment=SHEET_MARK)


def image_format(path: str | Path) -> str:
    """Return the image format that a file's suffix stands for, or raise `TutorialError`."""
    kind = Image.registered_extensions().get(Path(path).suffix.lower())
    if kind not in Image.SAVE:
        raise TutorialError(
            f"{path} needs the suffix of an image format, for example .png, or a / at its end, to "
            "be a folder."
        )
    return kind


def check_sheet(path: str | Path, count: int, size: int, columns: int | None = None) -> None:
    """Raise `TutorialError` if a file cannot hold a grid of images, `size` pixels a side each."""
    kind = image_format(path)
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    width, height = (size + GAP) * columns, (size + GAP) * -(-count // columns)
    most = LONGEST_SIDE.get(kind, math.inf)
    if max(width, height) > most or width * height > MOST_PIXELS:
        raise TutorialError(
            f"A sheet of {count:,} images has about {width:,}×{height:,} pixels, which {path} "
            "cannot hold: ask for fewer images, name a .png file, or a folder for one file each."
        )


def save_images(images: np.ndarray, folder: str | Path, *, first: int = 0) -> None:
    """Write each image (h, w, 3) to a file of its own in `folder`: 00000.png, 00001.png, ….

    The numbers begin at `first`.
    """
    for number, image in enumerate(_as_uint8(images), start=first):
        _save_picture(image, Path(folder) / f"{number:05d}.png")


def save_pieces(pieces: Iterable[np.ndarray], folder: str | Path, count: int) -> None:
    """Write `count` images, arriving in pieces (n, h, w, 3), as `save_images` does.

    The next piece is asked for when the last one is written. Raises `TutorialError` as soon as it
    is clear that the disk has no room for all of them.
    """
    done = 0
    for images in pieces:
        save_images(images, folder, first=done)
        done += len(images)
        needed = (count - done) * (Path(folder) / f"{done - 1:05d}.png").stat().st_size
        free = shutil.disk_usage(folder).free
        if needed > free:
            raise TutorialError(
                f"{count - done:,} more images need about {needed / 1e9:,.1f} GB, but the disk "
                f"of {folder} has {free / 1e9:,.1f} GB free: ask for fewer."
            )


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


def _save_picture(picture: np.ndarray, path: Path, comment: str = "") -> None:
    """Write a picture, uint8 (H, W, 3), so that a full disk never leaves half of one.

    PNG and JPEG, the formats that most sheets have, carry the comment.
    """
    content, kind = io.BytesIO(), image_format(path)
    try:
        Image.fromarray(picture).save(content, kind, quality=92, **_comment(kind, comment))
    except Exception as error:  # each encoder fails in its own way
        height, width, _ = picture.shape
        raise TutorialError(
            f"A picture of {width}×{height} pixels cannot be written as {kind} ({error}): name a "
            ".png file."
        ) from error
    write_whole(path, content.getvalue())


def _comment(kind: str, text: str) -> dict:
    """Return what Pillow must be told to write a comment into a file of some kinds."""
    if text and kind == "PNG":
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Comment", text)
        return {"pnginfo": notes}
    return {"comment": text} if text and kind == "JPEG" else {}


def _as_uint8(images: np.ndarray) -> np.ndarray:
    return images if images.dtype == np.uint8 else to_uint8(images)
