import hashlib
from itertools import islice

import numpy as np
import pytest

from tutorial_lib.data.pixels import distinct, fingerprint, to_float, to_uint8
from tutorial_lib.data.sources import Images
from tutorial_lib.errors import TutorialError


def batches(images, batch_size, *, flip=True, **arguments):
    return Images(images).batches(batch_size, flip=flip, **arguments)


def numbered(count, channels=3):
    """Make images that carry their own number, and whose left and right differ."""
    images = np.zeros((count, 4, 6, channels), np.uint8)
    images[:, :, :3] = np.arange(count, dtype=np.uint8)[:, None, None, None]
    images[:, :, 3:] = 255
    return images


def take(dataset, count):
    return np.stack([batch.numpy() for batch in islice(dataset, count)])


def numbers(taken):
    pixels = to_uint8(taken)
    return np.minimum(pixels[..., 0, 0, 0], pixels[..., 0, -1, 0])


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


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_batches_hold_the_images_as_floats(channels):
    images = np.random.default_rng(0).integers(0, 256, (8, 5, 7, channels), dtype=np.uint8)
    batch = next(iter(batches(images, 8, flip=False))).numpy()
    assert batch.dtype == np.float32 and batch.shape == (8, 5, 7, channels)
    assert batch.min() >= -1 and batch.max() <= 1
    order = np.random.default_rng([0, 0]).permutation(8)
    np.testing.assert_allclose(batch, to_float(images[order]), atol=1e-6)
    np.testing.assert_array_equal(to_uint8(batch), images[order])


def test_each_epoch_is_another_permutation():
    first, second = numbers(take(batches(numbered(12), 3), 8)).reshape(2, 12)
    assert sorted(first) == sorted(second) == list(range(12))
    assert list(first) != list(second)


def test_the_remainder_is_dropped():
    epochs = numbers(take(batches(numbered(11), 4), 6)).reshape(3, 8)
    assert all(len(set(epoch)) == 8 for epoch in epochs)


def test_seeds_give_other_orders_and_the_same_seed_the_same():
    images = numbered(50)
    order = numbers(take(batches(images, 25, seed=1), 2))
    np.testing.assert_array_equal(order, numbers(take(batches(images, 25, seed=1), 2)))
    assert (order != numbers(take(batches(images, 25, seed=2), 2))).any()


@pytest.mark.parametrize("seen", [0, 1, 2, 3, 5, 9])
def test_resuming_gives_the_batches_of_an_uninterrupted_run(seen):
    images = numbered(11)
    whole = take(batches(images, 4, seed=3), 12)
    resumed = take(batches(images, 4, seed=3, start=4 * seen), 12 - seen)
    np.testing.assert_array_equal(resumed, whole[seen:])


def test_the_parts_of_several_workers_are_the_whole_batch():
    images = numbered(11)
    whole = take(batches(images, 6, seed=3, start=6), 3)
    parts = [take(batches(images, 6, seed=3, start=6, parts=3, part=part), 3) for part in range(3)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_about_half_the_images_are_flipped_and_differently_in_each_epoch():
    images = numbered(200)
    floats = take(batches(images, 100), 4)
    order = numbers(floats).reshape(2, 200)
    taken = to_uint8(floats).reshape(2, 200, *images.shape[1:])
    flipped = taken[:, :, 0, 0, 0] == 255
    assert 60 < flipped[0].sum() < 140
    assert (flipped[0][np.argsort(order[0])] != flipped[1][np.argsort(order[1])]).any()
    restored = np.where(flipped[..., None, None, None], taken[:, :, :, ::-1], taken)
    np.testing.assert_array_equal(restored, images[order])


def test_nothing_is_flipped_unless_asked():
    taken = to_uint8(take(batches(numbered(20), 10, flip=False), 4))
    assert (taken[..., -1, 0] == 255).all()


def test_a_memory_mapped_array_is_read_and_left_alone(tmp_path):
    images = numbered(10)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    np.testing.assert_array_equal(take(batches(mapped, 5), 4), take(batches(images, 5), 4))
    np.testing.assert_array_equal(mapped, images)


def test_fingerprint_is_the_digest_of_the_pixels():
    images = np.random.default_rng(0).integers(0, 256, (700, 64, 64, 4), dtype=np.uint8)
    assert images.nbytes % 2**24 and images.nbytes < 2**24
    assert fingerprint(images) == hashlib.sha256(images.tobytes()).hexdigest()
    twice = np.concatenate([images, images])
    assert fingerprint(twice) == hashlib.sha256(twice.tobytes()).hexdigest()
    assert fingerprint(images[:, ::-1]) != fingerprint(images)


def test_fingerprint_of_a_view_is_that_of_its_pixels():
    images = numbered(10)
    assert fingerprint(images[::2, :, ::-1]) == fingerprint(images[::2, :, ::-1].copy())


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (np.zeros((4, 8, 8, 3), np.float32), "float32"),
        (np.zeros((4, 8, 8), np.uint8), r"\(4, 8, 8\)"),
        ([[1, 2], [3, 4]], "list"),
        (None, "NoneType"),
    ],
)
def test_other_arrays_are_refused(wrong, named):
    for function in (lambda: batches(wrong, 2), lambda: fingerprint(wrong)):
        with pytest.raises(TutorialError, match=named):
            function()


def test_too_few_images_name_both_numbers():
    with pytest.raises(TutorialError, match=r"batch of 64 .* only 10"):
        batches(numbered(10), 64)


@pytest.mark.parametrize(
    "arguments",
    [
        {"start": 3},
        {"start": -4},
        {"start": 4.0},
        {"batch_size": 0},
        {"batch_size": 2.5},
        {"seed": -1},
        {"seed": None},
    ],
)
def test_wrong_counts_are_named(arguments):
    name, value = next(iter(arguments.items()))
    with pytest.raises(TutorialError, match=rf"{name} must be .*{value}"):
        batches(numbered(8), **{"batch_size": 4, **arguments})


@pytest.mark.parametrize(("parts", "part"), [(3, 0), (2, 2), (2, -1)])
def test_parts_that_do_not_exist_are_named(parts, part):
    with pytest.raises(TutorialError, match=f"part {part} of a batch of 4 shared by {parts}"):
        batches(numbered(8), 4, parts=parts, part=part)


def test_distinct_keeps_the_first_of_equal_images():
    a, b, c = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3), dtype=np.uint8)
    almost = c.copy()
    almost[0, 0, 0] ^= 1
    assert distinct(np.stack([a, b, a, c, b, almost])).tolist() == [0, 1, 3, 5]
    assert distinct(np.stack([a, b])[::-1, ::-1]).tolist() == [0, 1]  # no need to be contiguous
    assert distinct(np.empty((0, 4, 4, 3), np.uint8)).size == 0
