"""Runs of the smallest algorithm: one without a fault to compare with, and one to go on from."""

import multiprocessing
import shutil
from pathlib import Path

import pytest
from helpers.small import Remember, make_small_trainer


@pytest.fixture(scope="session")
def whole(tmp_path_factory, deterministic):
    """All variables of a run that met no fault, by images seen."""
    remember = Remember()
    make_small_trainer(tmp_path_factory.mktemp("whole"), remember).fit(kimg=0.128)
    return remember.variables


@pytest.fixture(scope="session")
def finished(tmp_path_factory, deterministic):
    """A run of 32 images; tests copy it."""
    directory = tmp_path_factory.mktemp("finished") / "run"
    make_small_trainer(directory).fit(kimg=0.032)
    return directory


@pytest.fixture
def run(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture(scope="session")
def start():
    """Start a function of `helpers.victims` in a process of its own.

    One server imports TensorFlow once; every victim is forked from it, and killed for real.
    """
    forks = multiprocessing.get_context("forkserver")
    # By names that it finds without this process's sys.path
    forks.set_forkserver_preload(["tutorial_lib.training.trainer", "tutorial_lib.algorithms.gan"])

    def start(target, *arguments):
        process = forks.Process(target=target, args=arguments, daemon=True)
        process.start()
        return process

    return start
