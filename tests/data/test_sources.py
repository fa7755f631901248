from itertools import islice

import numpy as np
import pytest
from helpers.images import NO_IMAGES, numbered, numbers, take

from tutorial_lib.data import sources
from tutorial_lib.data.pixels import fingerprint, to_float, to_uint8
from tutorial_lib.data.points import draw_points
from tutorial_lib.data.sources import Images, Labelled, Pairs, Points, as_source
from tutorial_lib.errors import TutorialError

# --- images --------------------------------------------------------------------------------------


def batches(images, batch_size, *, flip=True, **arguments):
    return Images(images).batches(batch_size, flip=flip, **arguments)


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
    taken = to_uint8(take(Images(numbered(20)).batches(10), 4))
    assert (taken[..., -1, 0] == 255).all()


def test_a_memory_mapped_array_is_read_and_left_alone(tmp_path):
    images = numbered(10)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    np.testing.assert_array_equal(take(batches(mapped, 5), 4), take(batches(images, 5), 4))
    np.testing.assert_array_equal(mapped, images)


@pytest.mark.parametrize(("wrong", "named"), NO_IMAGES)
def test_other_arrays_are_refused(wrong, named):
    for make in (Images, as_source):
        with pytest.raises(TutorialError, match=named):
            make(wrong)


def test_an_array_of_images_becomes_a_source_and_a_source_stays():
    images = numbered(4)
    source = as_source(images)
    assert isinstance(source, Images) and source.shape == (4, 6, 3) and len(source) == 4
    assert as_source(source) is source
    assert source.facts() == {"images": 4, "sha256": fingerprint(images)}


# --- pairs and labels ----------------------------------------------------------------------------


def test_pairs_stay_together_and_are_mirrored_together():
    targets = numbered(200)
    inputs = targets[..., :1] // 2  # half as bright, one channel
    parts = list(zip(*islice(Pairs(inputs, targets).batches(100, flip=True), 4), strict=True))
    outlines, pictures = (to_uint8(np.stack(part)) for part in parts)
    np.testing.assert_array_equal(outlines, pictures[..., :1] // 2)
    flipped = pictures[..., 0, 0, 0] == 255
    assert 100 < flipped.sum() < 300, "about half of 400 are mirrored"
    alone = to_uint8(take(Images(targets).batches(100, flip=True), 4))
    np.testing.assert_array_equal(pictures, alone)


def test_a_source_of_pairs_says_what_it_holds():
    inputs, targets = numbered(6, channels=1), numbered(6)
    pairs = Pairs(inputs, targets)
    assert pairs.shape == ((4, 6, 1), (4, 6, 3)) and len(pairs) == 6
    assert pairs.facts() == {
        "images": 6,
        "sha256": fingerprint(targets),
        "inputs_sha256": fingerprint(inputs),
    }
    first, second = next(iter(pairs.batches(2)))
    assert first.shape == (2, 4, 6, 1) and second.shape == (2, 4, 6, 3)
    assert first.dtype == second.dtype == "float32"
    assert Pairs(targets, inputs).facts() != pairs.facts()


@pytest.mark.parametrize("labels", [np.arange(50), np.arange(100).reshape(50, 2)])
def test_labels_stay_with_their_images_and_are_no_pixels(labels):
    source = Labelled(numbered(50), labels)
    assert source.shape == ((4, 6, 3), labels.shape[1:])
    images, found = next(iter(source.batches(25, seed=2, flip=True)))
    assert images.dtype == "float32" and found.dtype == "int64"
    np.testing.assert_array_equal(found, labels[numbers(images.numpy())])


def test_bytes_as_labels_are_labels():
    """uint8 labels look like pixels, but are neither scaled nor mirrored."""
    labels = np.arange(12, dtype=np.uint8)
    images, found = next(iter(Labelled(numbered(12), labels).batches(12, flip=True)))
    np.testing.assert_array_equal(found, numbers(images.numpy()))


def test_a_source_of_labels_says_what_it_holds():
    images, labels = numbered(6), np.arange(6)
    facts = Labelled(images, labels).facts()
    assert facts["images"] == 6 and facts["sha256"] == fingerprint(images)
    assert Labelled(images, labels.astype(np.uint8)).facts() == facts, "whatever kind of integer"
    other = Labelled(images, labels[::-1]).facts()
    assert {name for name in facts if facts[name] != other[name]} == {"labels_sha256"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pairs(numbered(3), numbered(4)), "as many inputs as targets, not 3 and 4"),
        (lambda: Pairs(numbered(3), numbered(3) / 255), "uint8 .* not float64"),
        (lambda: Pairs(numbered(3)[0], numbered(3)), "uint8"),
        (lambda: Labelled(numbered(3), np.arange(4)), "as many images as labels, not 3 and 4"),
        (lambda: Labelled(numbered(3), np.zeros(3)), "integers .* not float64"),
        (lambda: Labelled(numbered(3), ["a", "b", "c"]), "integers .* not <U1"),
        (
            lambda: Labelled(numbered(3), np.zeros((3, 2, 2), int)),
            r"not int64 of shape \(3, 2, 2\)",
        ),
        (lambda: Labelled(numbered(3) / 255, np.arange(3)), "uint8 .* not float64"),
    ],
)
def test_what_does_not_belong_together_is_refused(make, message):
    with pytest.raises(TutorialError, match=message):
        make()


# --- points --------------------------------------------------------------------------------------


def draw_ring(count, seed):
    return draw_points("ring", count, seed=seed)


@pytest.fixture
def small_pools(monkeypatch):
    """Draw points for four batches at once, so that a few batches cross a border."""
    monkeypatch.setattr(sources, "BATCHES_A_POOL", 4)


def test_points_are_new_in_every_batch_and_follow_the_seed(small_pools):
    def seen(seed):
        return take(Points(draw_ring).batches(16, seed=seed), 9).reshape(-1, 2)

    first, again, other = seen(0), seen(0), seen(1)
    assert first.dtype == np.float32 and len(np.unique(first, axis=0)) == 9 * 16
    np.testing.assert_array_equal(first, again)
    assert not np.isin(first[:, 0], other[:, 0]).any()


@pytest.mark.parametrize("seen", [4, 6])
def test_points_do_not_depend_on_where_a_run_starts(small_pools, seen):
    source = Points(draw_ring)
    whole = take(source.batches(16), 11)
    late = take(source.batches(16, start=16 * seen), 11 - seen)
    np.testing.assert_array_equal(late, whole[seen:])


def test_the_points_of_several_workers_are_the_whole_batch(small_pools):
    source = Points(draw_ring)
    parts = [take(source.batches(6, start=6, parts=3, part=part), 5) for part in range(3)]
    np.testing.assert_array_equal(
        np.concatenate(parts, axis=1), take(source.batches(6, start=6), 5)
    )


def test_points_are_not_mirrored_and_have_no_digest():
    source = Points(draw_ring)
    assert source.shape == (2,) and source.facts() == {}
    assert as_source(source) is source
    np.testing.assert_array_equal(
        take(source.batches(8, flip=True), 3), take(source.batches(8, flip=False), 3)
    )


def test_points_of_another_shape_are_refused_before_training():
    source = Points(lambda count, seed: np.zeros((count, 3)))
    with pytest.raises(TutorialError, match=r"must return .* shape \(2048, 2\), not .*, 3\)"):
        source.batches(8)


# --- what no source gives ------------------------------------------------------------------------


def test_too_few_images_name_both_numbers():
    with pytest.raises(TutorialError, match=r"batch of 64 .* only 10"):
        batches(numbered(10), 64)


ALL = [
    Images(numbered(8)),
    Pairs(numbered(8), numbered(8)),
    Labelled(numbered(8), np.arange(8)),
    Points(draw_ring),
]
each_source = pytest.mark.parametrize("source", ALL, ids=lambda source: type(source).__name__)


@each_source
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
def test_wrong_counts_are_named(source, arguments):
    name, value = next(iter(arguments.items()))
    with pytest.raises(TutorialError, match=rf"{name} must be .*{value}"):
        source.batches(**{"batch_size": 4, **arguments})


@each_source
@pytest.mark.parametrize(("parts", "part"), [(3, 0), (2, 2), (2, -1)])
def test_parts_that_do_not_exist_are_named(source, parts, part):
    with pytest.raises(TutorialError, match=f"part {part} of a batch of 4 shared by {parts}"):
        source.batches(4, parts=parts, part=part)
