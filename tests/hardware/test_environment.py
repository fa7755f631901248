import os
import subprocess
import sys

import pytest

from tutorial_lib.hardware.environment import prepare_tensorflow

NAMES = ("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "KERAS_BACKEND")


def test_tensorflow_is_made_quiet_and_fast(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    prepare_tensorflow()
    assert [os.environ[name] for name in NAMES] == ["2", "1", "tensorflow"]


def test_what_the_user_set_of_tensorflows_own_variables_stays(monkeypatch):
    for name in NAMES:
        monkeypatch.setenv(name, "0")
    prepare_tensorflow()
    assert [os.environ[name] for name in NAMES] == ["0", "0", "tensorflow"]


@pytest.mark.slow
def test_networks_are_the_same_whatever_keras_json_says(tmp_path):
    settings = '{"image_data_format": "channels_first", "floatx": "float16", "backend": "jax"}'
    (tmp_path / "keras.json").write_text(settings)
    code = (
        "from tutorial_lib.hardware.environment import prepare_tensorflow; prepare_tensorflow()\n"
        "from tutorial_lib.pretrained import load_generator\n"
        "generator = load_generator('cat-faces-64')\n"
        "print(generator.output_shape, generator.compute_dtype)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    environment["KERAS_HOME"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, text=True, capture_output=True
    )
    assert done.stdout == "(None, 64, 64, 3) float32\n", done.stderr
