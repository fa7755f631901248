import json

import numpy as np
import pytest
from helpers.references import SIZE, normals, small_reference

from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.frechet import frechet_distance
from tutorial_lib.metrics.measures import MEASURES
from tutorial_lib.metrics.reference import (
    COUNTS,
    PHOTOGRAPHS,
    load_reference,
    make_reference,
    save_reference,
)
from tutorial_lib.pretrained import available, find_network, load_card
from tutorial_lib.store import CARD


@pytest.fixture(scope="module")
def photographs():
    return load_reference()


def test_a_reference_holds_half_the_images_and_the_floors_that_they_suffice_for():
    reference = small_reference()
    assert list(reference.floors) == [100, 200]
    assert reference.features.shape == (225, 8)
    np.testing.assert_array_equal(reference.features, normals(450)[reference.positions])
    assert set(reference.floors[100]) == set(MEASURES)
    assert reference.floors[100]["frechet_lite0"] > reference.floors[200]["frechet_lite0"] > 0
    assert list(small_reference(counts=[100]).floors) == [100]


def test_copies_count_for_the_gaussian_alone():
    features = np.concatenate([normals(450), normals(450)[:200]])
    facts = {"name": "normals", "size": SIZE, "sha256": "0" * 64}
    copied = make_reference(features, np.arange(450), **facts)
    plain = small_reference()
    assert copied.floors == plain.floors and copied.images == 650
    np.testing.assert_allclose(copied.gaussian.mean, features.mean(axis=0), atol=1e-6)


def test_too_few_distinct_images_are_refused():
    with pytest.raises(TutorialError, match="199 distinct images, but at least 200"):
        small_reference(199)


def test_a_saved_reference_comes_back_within_half_precision(tmp_path):
    reference = small_reference()
    save_reference(reference, tmp_path)
    again = load_reference(tmp_path)
    assert frechet_distance(again.gaussian, reference.gaussian) < 1e-5
    np.testing.assert_allclose(again.features, reference.features, rtol=1e-3)
    np.testing.assert_array_equal(again.positions, reference.positions)
    for field in ("name", "images", "size", "sha256", "floors"):
        assert getattr(again, field) == getattr(reference, field)


def test_damaged_statistics_and_those_of_another_network_are_refused(tmp_path):
    save_reference(small_reference(), tmp_path)
    card = json.loads((tmp_path / CARD).read_text())
    card["network"]["sha256"] = "f" * 64
    (tmp_path / CARD).write_text(json.dumps(card))
    with pytest.raises(TutorialError, match="other weights of the network"):
        load_reference(tmp_path)
    next(tmp_path.glob("statistics-*.npz")).write_bytes(b"")
    with pytest.raises(TutorialError, match=r"statistics-\w+\.npz are damaged"):
        load_reference(tmp_path)
    with pytest.raises(TutorialError, match="cannot be loaded"):
        load_reference("cat-faces-64")


def test_the_statistics_of_the_photographs_are_small_documented_and_sound(photographs):
    folder, card = find_network(PHOTOGRAPHS), load_card(PHOTOGRAPHS)
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 8_000_000
    readme = (folder / "README.md").read_text("utf-8")
    assert card["statistics"]["sha256"] in readme and card["sha256"] in readme
    assert card["sha256"] == load_card("cat-faces-64")["data"]["sha256"]
    assert PHOTOGRAPHS not in available()
    assert photographs.images == 29_843 and list(photographs.floors) == list(COUNTS)
    assert photographs.features.shape == (4000, 1280)
    assert np.linalg.eigvalsh(photographs.gaussian.covariance).min() > 0
    floors = photographs.floors
    falling = [floors[count]["frechet_lite0"] for count in COUNTS]
    assert falling == sorted(falling, reverse=True)
    assert abs(floors[10_000]["kid_lite0"]) < 3 * floors[10_000]["kid_lite0_spread"]
    for name in ("precision", "recall", "coverage"):
        assert 0.5 < floors[5000][name] <= 1
