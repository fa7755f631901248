"""Where the pictures come from: photographs, folders, and drawn cats."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def open_dataset(
    name: str | os.PathLike, size: int = 64, *, count: int = 4096, seed: int = 0
) -> tuple[np.ndarray, dict[str, str]]:
    """Open a dataset by its name or path, as every command and chapter does.

    `name` is "cats" for the photographs, "drawn" for the drawn cats, else the path of a folder or
    an archive of images; `size` is the side of the square images in pixels. Of drawn cats there
    are `count`, drawn from `seed`; the other datasets have the size they have. Where there is a
    terminal, a bar shows that images are being decoded.

    Returns the images, uint8 (N, size, size, 3), memory-mapped and read-only if they come from
    the cache, and {file name: reason} of the files of a path that were skipped. Raises
    `TutorialError` if the name is unknown, or the dataset cannot be read.
    """
    if name == "cats":
        from tutorial_lib.data.cats import load_cats_sized

        return load_cats_sized(size), {}
    if name == "drawn":
        from tutorial_lib.data.drawn import draw_cats

        return draw_cats(count, size, seed=seed).images, {}
    from tutorial_lib.data.loading.folder import load_images
    from tutorial_lib.files import printable, user_path

    if not user_path(name).exists():
        from tutorial_lib.errors import TutorialError

        raise TutorialError(
            f'There is no dataset "{printable(name)}": give "cats", "drawn", or the path of a '
            "folder or an archive of images."
        )
    return load_images(name, size, progress=True)
