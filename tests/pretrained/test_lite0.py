import pytest

from tutorial_lib import pretrained
from tutorial_lib.errors import TutorialError
from tutorial_lib.hardware.precision import precision_scope
from tutorial_lib.models.lite0 import FEATURES, LITE0
from tutorial_lib.pretrained import load_lite0


def test_the_network_is_float32_and_frozen_whatever_the_policy():
    with precision_scope("mixed_float16"):
        network = load_lite0()
    assert {layer.compute_dtype for layer in network.layers[1:]} == {"float32"}
    assert network.output_shape == (None, FEATURES) and not network.trainable_weights


def test_damaged_weights_are_named(tmp_path, monkeypatch):
    original = pretrained.find_network(LITE0)
    for path in original.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = next(tmp_path.glob("weights-*.npz"))
    weights.write_bytes(weights.read_bytes()[:-1])
    monkeypatch.setattr("tutorial_lib.models.lite0.LITE0", tmp_path)
    with pytest.raises(TutorialError, match=rf"{weights.name} are damaged"):
        load_lite0()


def test_it_is_documented_licensed_and_no_generator():
    folder, card = pretrained.find_network(LITE0), pretrained.load_card(LITE0)
    readme = (folder / "README.md").read_text("utf-8")
    assert card["weights"]["sha256"] in readme and card["origin"]["sha256"] in readme
    assert "Apache License" in (folder / "LICENSE").read_text("utf-8")
    assert LITE0 not in pretrained.available()
    with pytest.raises(TutorialError, match=r"efficientnet-lite0 .* cat-faces-64"):
        pretrained.load_generator(LITE0)
