import hashlib

import numpy as np
import pytest
from helpers.images import NO_IMAGES

from tutorial_lib.data.pixels import check_images, distinct, fingerprint, to_float, to_uint8
from tutorial_lib.errors import TutorialError


def test_every_pixel_value_survives_the_round_trip():
    values = np.arange(256, dtype=np.uint8)
    floats = to_float(values)
    assert floats.dtype == np.float32
    assert floats[0] == -1 and floats[-1] == 1
    assert np.all(np.diff(floats) > 0)
    np.testing.assert_array_equal(to_uint8(floats), values)


def test_to_uint8_rounds_and_clips():
    x = np.array([-7.0, -1.0, -1 + 0.6 / 127.5, 0.0, 1.0, 1.01, 9.0])
    np.testing.assert_array_equal(to_uint8(x), [0, 0, 1, 128, 255, 255, 255])


def test_fingerprint_is_the_digest_of_the_pixels():
    images = np.random.default_rng(0).integers(0, 256, (700, 64, 64, 4), dtype=np.uint8)
    assert images.nbytes % 2**24 and images.nbytes < 2**24
    assert fingerprint(images) == hashlib.sha256(images.tobytes()).hexdigest()
    twice = np.concatenate([images, images])
    assert fingerprint(twice) == hashlib.sha256(twice.tobytes()).hexdigest()
    assert fingerprint(images[:, ::-1]) != fingerprint(images)


def test_fingerprint_of_a_view_is_that_of_its_pixels():
    images = np.arange(10 * 4 * 6 * 3, dtype=np.uint8).reshape(10, 4, 6, 3)
    assert fingerprint(images[::2, :, ::-1]) == fingerprint(images[::2, :, ::-1].copy())


@pytest.mark.parametrize(("wrong", "named"), NO_IMAGES)
def test_other_arrays_are_refused(wrong, named):
    for function in (check_images, fingerprint):
        with pytest.raises(TutorialError, match=f"not .*{named}"):
            function(wrong)


def test_distinct_keeps_the_first_of_equal_images():
    a, b, c = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3), dtype=np.uint8)
    almost = c.copy()
    almost[0, 0, 0] ^= 1
    assert distinct(np.stack([a, b, a, c, b, almost])).tolist() == [0, 1, 3, 5]
    assert distinct(np.stack([a, b])[::-1, ::-1]).tolist() == [0, 1]  # no need to be contiguous
    assert distinct(np.empty((0, 4, 4, 3), np.uint8)).size == 0
