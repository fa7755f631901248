import io
import json

import numpy as np
import pytest
from helpers.images import coloured
from PIL import Image

from tutorial_lib.errors import TutorialError
from tutorial_lib.show import pictures


def test_grid_sets_images_in_rows_on_white():
    grid = pictures.image_grid(coloured(10, 20, 30), columns=2)
    assert grid.shape == (8, 8, 3)
    assert [grid[0, 0, 0], grid[0, 5, 0], grid[5, 0, 0]] == [10, 20, 30]
    assert (grid[5:, 5:] == 255).all() and (grid[3:5] == 255).all()


def test_a_grid_has_no_more_columns_than_images():
    images = coloured(10, 200)
    wide, fitting = (pictures.image_grid(images, columns) for columns in (10**8, 2))
    np.testing.assert_array_equal(wide, fitting)


def test_grid_takes_floats():
    images = np.stack([np.full((2, 2, 3), value) for value in (-1.0, 0.0, 2.0)])
    grid = pictures.image_grid(images, columns=3)
    assert [grid[0, 0, 0], grid[0, 4, 0], grid[0, 8, 0]] == [0, 128, 255]


@pytest.mark.parametrize("shape", [(0, 4, 4, 3), (4, 4, 3), (2, 4, 4, 1)])
def test_grid_refuses_what_is_no_list_of_images(shape):
    with pytest.raises(TutorialError, match=str(shape[0])):
        pictures.image_grid(np.zeros(shape, np.uint8))


def test_saved_grid_is_the_grid(tmp_path):
    images = coloured(10, 200)
    pictures.save_grid(images, tmp_path / "new" / "sheet.png")
    saved = np.asarray(Image.open(tmp_path / "new" / "sheet.png"))
    np.testing.assert_array_equal(saved, pictures.image_grid(images))


@pytest.mark.parametrize("name", ["sheet.cat", "sheet.psd", "sheet"])
def test_saving_needs_a_format(tmp_path, name):
    with pytest.raises(TutorialError, match=rf"{name}.*\.png"):
        pictures.save_grid(coloured(1), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_images_in_files_of_their_own(tmp_path):
    pictures.save_images(coloured(10, 200), tmp_path / "cats")
    files = sorted((tmp_path / "cats").iterdir())
    assert [file.name for file in files] == ["00000.png", "00001.png"]
    assert np.asarray(Image.open(files[1]))[0, 0, 0] == 200


def test_sheets_are_read_in_order(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"recipe": {"size": 3}}))
    for number in (20, 100, 3):
        path = tmp_path / "samples" / f"{number:010d}.png"
        pictures.save_grid(coloured(*[number] * 9), path)
    sheets = pictures.read_sheets(tmp_path, cells=2)
    assert [sheet[0, 0, 0] for sheet in sheets] == [3, 20, 100]
    assert sheets[0].shape == (8, 8, 3)


def test_sheets_of_an_empty_run_are_refused(tmp_path):
    with pytest.raises(TutorialError, match="train first"):
        pictures.read_sheets(tmp_path)


def test_animation_holds_every_picture_and_runs_for_ever():
    file = io.BytesIO()
    pictures.save_animation([np.full((8, 8, 3), 60 * i, np.uint8) for i in range(4)], file)
    animation = Image.open(file)
    assert animation.n_frames == 4 and animation.info["loop"] == 0
