import hashlib
import json

import numpy as np
import pytest

from tutorial_lib import store
from tutorial_lib.errors import TutorialError
from tutorial_lib.models.dcgan import build_dcgan_generator
from tutorial_lib.store import (
    CARD,
    read_arrays,
    read_card,
    read_weights,
    save_arrays,
    save_network,
)

FACTS = {"recipe": {"width": 4}, "nimg": 7}


@pytest.fixture
def network():
    return build_dcgan_generator(16, 4, 4, seed=5)


def assert_weights_are_those_of(directory, network, **tolerance):
    for found, expected in zip(read_weights(directory), network.get_weights(), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, **tolerance)


def test_weights_come_back_in_their_order_and_in_every_bit(tmp_path, network):
    save_network(tmp_path, network, FACTS)
    assert_weights_are_those_of(tmp_path, network, rtol=0)


def test_half_precision_is_smaller_and_rounds(tmp_path, network):
    for dtype in ("float32", "float16"):
        save_network(tmp_path / dtype, network, FACTS, dtype=dtype)
    assert_weights_are_those_of(tmp_path / "float16", network, atol=1e-3)
    sizes = [
        path.stat().st_size
        for dtype in ("float16", "float32")
        for path in (tmp_path / dtype).glob("weights-*.npz")
    ]
    assert sizes[0] < 0.6 * sizes[1]


def test_a_card_holds_the_facts_and_the_digest_of_a_file_named_after_it(tmp_path, network):
    save_network(tmp_path, network, FACTS)
    card = read_card(tmp_path)
    entry = card.pop("weights")
    assert card == FACTS and entry["dtype"] == "float32"
    content = (tmp_path / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert entry["file"] == f"weights-{entry['sha256'][:12]}.npz"
    assert {path.name for path in tmp_path.iterdir()} == {CARD, entry["file"]}


def test_newer_weights_replace_older_ones_and_what_a_killed_process_left(tmp_path, network):
    save_network(tmp_path, network, FACTS)
    before = {path.name for path in tmp_path.iterdir()}
    (tmp_path / ".weights-0123456789ab.npz.partial").write_bytes(b"half")
    (tmp_path / "statistics-0123456789ab.npz").write_bytes(b"of another kind")
    network.set_weights([weight + 1 for weight in network.get_weights()])
    save_network(tmp_path, network, FACTS)
    after = {path.name for path in tmp_path.iterdir()}
    assert before & after == {CARD} and len(after) == 3
    assert "statistics-0123456789ab.npz" in after
    assert_weights_are_those_of(tmp_path, network, rtol=0)


def test_arrays_keep_their_names_types_and_values(tmp_path):
    arrays = {"b": np.arange(6, dtype=np.int32).reshape(2, 3), "a": np.float16([0.5])}
    save_arrays(tmp_path, "statistics", arrays, {"name": "some"}, compress=True)
    found = read_arrays(tmp_path, "statistics")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    assert read_card(tmp_path)["statistics"]["dtype"] == "float16 and int32"


def test_more_than_ten_weights_keep_their_order(tmp_path):
    weights = [np.float32([index]) for index in range(120)]
    save_arrays(tmp_path, "weights", store.number_arrays(weights), FACTS)
    np.testing.assert_array_equal(np.concatenate(read_weights(tmp_path)), np.arange(120))


def test_a_kill_between_weights_and_card_leaves_the_older_pair(tmp_path, network, monkeypatch):
    save_network(tmp_path, network, FACTS)
    before = network.get_weights()
    write = store.write_whole

    def die_before_the_card(path, content):
        if path.name == CARD:
            raise KeyboardInterrupt
        write(path, content)

    monkeypatch.setattr(store, "write_whole", die_before_the_card)
    network.set_weights([weight + 1 for weight in before])
    with pytest.raises(KeyboardInterrupt):
        save_network(tmp_path, network, FACTS)
    for found, expected in zip(read_weights(tmp_path), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_weights_that_overflow_half_precision_are_refused(tmp_path, network):
    network.set_weights([weight + 1e6 for weight in network.get_weights()])
    with pytest.raises(TutorialError, match="float16"):
        save_network(tmp_path, network, {}, dtype="float16")
    assert not list(tmp_path.iterdir())


def test_a_damaged_or_missing_file_is_named(tmp_path, network):
    save_network(tmp_path, network, FACTS)
    (path,) = tmp_path.glob("weights-*.npz")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TutorialError, match=rf"weights {path.name} are damaged"):
        read_weights(tmp_path)
    path.unlink()
    with pytest.raises(TutorialError, match=rf"weights are missing .*{path.name}"):
        read_weights(tmp_path)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b""])
def test_a_damaged_card_is_named(tmp_path, content):
    (tmp_path / CARD).write_bytes(content)
    with pytest.raises(TutorialError, match=rf"card {tmp_path / CARD} is damaged"):
        read_card(tmp_path)


def test_a_missing_card_is_named(tmp_path):
    with pytest.raises(TutorialError, match=rf"{tmp_path / CARD} .*No such file"):
        read_card(tmp_path)


def test_a_card_is_for_people_too(tmp_path, network):
    save_network(tmp_path, network, FACTS)
    text = (tmp_path / CARD).read_text("utf-8")
    assert text.endswith("}\n") and text == json.dumps(json.loads(text), indent=2) + "\n"
