import numpy as np
import pytest
from helpers.runs import GOLDEN
from PIL import Image

from tutorial_lib.data.drawn import draw_cats
from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics import features
from tutorial_lib.metrics.features import lite0_features
from tutorial_lib.pretrained import load_lite0

LITE0_FEATURES = GOLDEN / "lite0.npz"  # by the conversion script


def relative_difference(found, expected):
    return np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)


@pytest.mark.parametrize("size", [64, 160])
def test_features_are_those_of_the_original_package(size):
    with np.load(LITE0_FEATURES) as golden:
        expected = golden[f"size_{size}"]
    found = lite0_features(draw_cats(len(expected), size, seed=9).images)
    assert found.dtype == np.float32 and found.shape == (len(expected), 1280)
    assert relative_difference(found, expected).max() < 1e-3


def test_features_of_an_image_do_not_depend_on_the_batch(monkeypatch):
    images = draw_cats(5, 32).images
    together = lite0_features(images)
    monkeypatch.setattr(features, "BATCH_SIZE", 2)
    assert relative_difference(lite0_features(images), together).max() < 1e-5
    assert len(np.unique(together, axis=0)) == 5


@pytest.mark.parametrize("shape", [(40, 90), (128, 128), (1, 7)])
def test_images_of_any_shape_are_resized_as_by_pillow(shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    planes = [Image.fromarray(image[..., c].astype(np.float32)) for c in range(3)]
    resized = np.stack(
        [np.asarray(p.resize((128, 128), Image.Resampling.BICUBIC)) for p in planes], axis=-1
    )
    expected = load_lite0()(resized[None].clip(0, 255)).numpy()
    assert relative_difference(lite0_features(image[None]), expected).max() < 1e-4


def test_no_images_have_no_features():
    assert lite0_features(np.zeros((0, 64, 64, 3), np.uint8)).shape == (0, 1280)


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (np.zeros((2, 8, 8, 3), np.float32), "float32 of shape"),
        (np.zeros((2, 8, 8), np.uint8), r"uint8 of shape \(2, 8, 8\)"),
        (np.zeros((2, 8, 8, 4), np.uint8), r"uint8 of shape \(2, 8, 8, 4\)"),
        (np.zeros((2, 0, 8, 3), np.uint8), r"uint8 of shape \(2, 0, 8, 3\)"),
        ([1, 2], "list"),
    ],
)
def test_what_is_no_array_of_rgb_pixels_is_refused(images, found):
    with pytest.raises(TutorialError, match=f"not {found}"):
        lite0_features(images)
