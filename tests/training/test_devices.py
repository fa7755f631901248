import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from tutorial_lib.errors import TutorialError
from tutorial_lib.training.devices import lost, make_strategy

HERE = Path(__file__).parent


def test_unknown_strategies_list_those_that_exist():
    with pytest.raises(TutorialError, match="'mirror'.*none, mirrored, multi-worker"):
        make_strategy("mirror")


def test_the_loss_of_a_worker_is_one_line():
    message = "Graph execution error:\n\nCollective ops is aborted by: Connection reset\nMore"
    sentence = str(lost(tf.errors.UnavailableError(None, None, message)))
    assert sentence.endswith("(Connection reset).") and "\n" not in sentence


@pytest.mark.slow
def test_training_on_two_logical_devices():
    """The tests of `two_devices.py`, in a process of their own."""
    command = [sys.executable, "-m", "pytest", "-q", str(HERE / "two_devices.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-5000:]
