import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from helpers.images import take
from helpers.runs import TINY_GAN, make_images

from tutorial_lib.data.sources import Images
from tutorial_lib.errors import TutorialError
from tutorial_lib.training.devices import Devices, lost, make_strategy

HERE = Path(__file__).parent


def test_unknown_strategies_list_those_that_exist():
    with pytest.raises(TutorialError, match="'mirror'.*none, mirrored, multi-worker"):
        make_strategy("mirror")


def test_the_loss_of_a_worker_is_one_line():
    message = "Graph execution error:\n\nCollective ops is aborted by: Connection reset\nMore"
    sentence = str(lost(tf.errors.UnavailableError(None, None, message)))
    assert sentence.endswith("(Connection reset).") and "\n" not in sentence


def test_only_where_there_are_workers_one_can_be_lost():
    with pytest.raises(tf.errors.UnavailableError), Devices().losses_named():
        raise tf.errors.UnavailableError(None, None, "a disk is gone")


def test_one_device_takes_whole_batches_and_agrees_with_itself():
    devices = Devices()
    assert devices.count == 1 and devices.is_chief
    assert devices.mean(1.5, 2.5) == [1.5, 2.5]
    devices.check_agreement({"recipe": {"size": 8}})
    source, recipe = Images(make_images()), dataclasses.replace(TINY_GAN, flip=True, seed=3)
    found = take(devices.batches(source, recipe, start=16), 4)
    expected = take(source.batches(8, seed=3, start=16, flip=True), 4)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_training_on_two_logical_devices():
    """The tests of `two_devices.py`, in a process of their own."""
    # By its name alone: pytest takes brackets in a path for parameters.
    command = [sys.executable, "-m", "pytest", "-q", "two_devices.py"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-5000:]
