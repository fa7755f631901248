import os
import subprocess
import sys

import pytest

from tutorial_lib.hardware import environment
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


SAID = [
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n",
    b"I0000 00:00:1795801957.217644   11580 port.cc:153] oneDNN custom operations are on.\n",
    b"W0000 00:00:1795801957.217644   11580 computation_placer.cc:177] already registered\n",
    b"E0000 00:00:1795801957.217644   11580 cuda_dnn.cc:8310] Unable to register\n",
    b"ImportError: libcuda.so\n",
    "größe\n".encode(),
]


def speak():
    for line in SAID:
        os.write(2, line)  # past Python, as libraries in C++ do


def test_chatter_is_held_back_and_errors_are_shown(capfd):
    with environment._without_chatter():
        speak()
        assert capfd.readouterr().err == ""
    os.write(2, b"later\n")
    assert capfd.readouterr().err.encode() == b"".join(SAID[3:]) + b"later\n"


def test_an_import_that_fails_says_why(capfd):
    with pytest.raises(ImportError), environment._without_chatter():
        speak()
        raise ImportError
    assert "libcuda.so" in capfd.readouterr().err


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
    variables = {name: value for name, value in os.environ.items() if name not in NAMES}
    variables["KERAS_HOME"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, text=True, capture_output=True
    )
    assert done.stdout == "(None, 64, 64, 3) float32\n", done.stderr
