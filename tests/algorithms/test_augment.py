import numpy as np
import pytest
import tensorflow as tf

from tutorial_lib.algorithms.augment import TRANSFORMS, augment, numbers_needed, parse_policy
from tutorial_lib.errors import TutorialError

IMAGES = tf.random.stateless_uniform((16, 16, 16, 3), [1, 2], -1, 1)
ALL = "colour, translation, cutout"


def numbers(policy, count=16, seed=0):
    shape = (count, numbers_needed(policy))
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_same_numbers_same_transform_and_each_image_its_own(name):
    same = tf.repeat(IMAGES[:1], 16, axis=0)
    first, second = (augment(same, name, numbers(name)).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert len({image.tobytes() for image in first}) > 8
    other = augment(same, name, numbers(name, seed=1)).numpy()
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16, tf.float16])
def test_shape_and_type_stay(dtype):
    shown = augment(tf.cast(IMAGES, dtype), ALL, numbers(ALL))
    assert shown.shape == IMAGES.shape and shown.dtype == dtype
    assert np.isfinite(tf.cast(shown, tf.float32).numpy()).all()


def test_an_empty_policy_changes_nothing():
    np.testing.assert_array_equal(augment(IMAGES, "", numbers("")), IMAGES)


def test_translation_moves_by_at_most_an_eighth_and_fills_with_grey():
    moved = augment(IMAGES, "translation", numbers("translation")).numpy()
    shifts = set()
    for before, after in zip(IMAGES.numpy(), moved, strict=True):
        padded = np.pad(before, ((2, 2), (2, 2), (0, 0)))
        fits = [
            (down, right)
            for down in range(5)
            for right in range(5)
            if np.array_equal(after, padded[down : down + 16, right : right + 16])
        ]
        assert len(fits) == 1
        shifts.add(fits[0])
    assert len(shifts) > 5


def test_cutout_paints_one_grey_square_of_half_the_side():
    holes = augment(tf.ones((64, 16, 16, 3)), "cutout", numbers("cutout", 64)).numpy()[..., 0] == 0
    areas = holes.sum(axis=(1, 2))
    assert areas.max() <= 8 * 8 and areas.max() >= 7 * 7 and areas.min() < areas.max()
    for hole in holes:  # a rectangle: rows times columns
        assert hole.sum() == hole.any(axis=0).sum() * hole.any(axis=1).sum()


def test_colour_keeps_the_shape_of_a_grey_image_up_to_contrast():
    grey = tf.repeat(IMAGES[..., :1], 3, axis=-1)
    shown = augment(grey, "colour", numbers("colour")).numpy()
    np.testing.assert_allclose(shown[..., 0], shown[..., 2], atol=1e-5)
    for before, after in zip(grey.numpy()[..., 0], shown[..., 0], strict=True):
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.999
        assert 0.5 <= after.std() / before.std() <= 1.5
        assert abs(after.mean() - before.mean()) <= 0.5


def test_gradients_reach_the_images():
    with tf.GradientTape() as tape:
        tape.watch(IMAGES)
        total = tf.reduce_sum(tf.square(augment(IMAGES, ALL, numbers(ALL))))
    gradients = tape.gradient(total, IMAGES).numpy()
    assert np.isfinite(gradients).all() and np.mean(gradients != 0) > 0.3


def test_an_unknown_name_is_named():
    with pytest.raises(TutorialError, match="'rotation'.*colour, translation, cutout"):
        parse_policy("colour, rotation")


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_a_share_of_the_images_goes_through(probability):
    images = tf.repeat(IMAGES, 100, axis=0)
    shown = augment(images, "colour", numbers("colour", 1600), probability=probability).numpy()
    changed = np.any(shown != images.numpy(), axis=(1, 2, 3))
    assert abs(changed.mean() - probability) < 0.05
