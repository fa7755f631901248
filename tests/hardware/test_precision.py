import keras
import pytest
import tensorflow as tf

from tutorial_lib.errors import TutorialError
from tutorial_lib.hardware.precision import choose_precision, precision_scope


def test_precision_follows_the_hardware(monkeypatch):
    with pytest.raises(TutorialError, match="'float8'.*mixed_bfloat16"):
        choose_precision("float8")
    details = {}
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: ["a GPU"])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details)
    for capability, expected in [
        ((7, 5), "mixed_float16"),
        ((8, 0), "mixed_bfloat16"),
        ((6, 0), "float32"),
    ]:
        details["compute_capability"] = capability
        assert choose_precision() == expected


def test_precision_scope_restores_the_policy():
    before = keras.config.dtype_policy().name
    with pytest.raises(RuntimeError), precision_scope("mixed_bfloat16"):
        raise RuntimeError
    assert keras.config.dtype_policy().name == before
