"""Two workers on this machine, each a process of its own."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.cluster import free_addresses
from helpers.commands import TINY
from PIL import Image

from tutorial_lib.algorithms.registry import build_algorithm, load_recipe
from tutorial_lib.data import open_dataset
from tutorial_lib.pretrained import load_network
from tutorial_lib.training.callbacks import Checkpoints, Log
from tutorial_lib.training.log import read_log
from tutorial_lib.training.trainer import Trainer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve photographs, and two recipes."""
    folder = tmp_path_factory.mktemp("workers")
    (folder / "photographs").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    for index, image in enumerate(pixels):
        Image.fromarray(image).save(folder / "photographs" / f"{index:02d}.png")
    (folder / "tiny.json").write_text(json.dumps(TINY))
    (folder / "wide.json").write_text(json.dumps(TINY | {"width": 8}))
    return folder


@pytest.fixture(scope="module")
def one_device(folder):
    """A run of 48 images on one device, with a tick after 24."""
    algorithm = build_algorithm(load_recipe(str(folder / "tiny.json")), precision="float32")
    images, _ = open_dataset(str(folder / "photographs"), 8)
    callbacks = [Log(), Checkpoints(every_seconds=0)]
    Trainer(algorithm, images, folder / "one", tick_kimg=0.024, callbacks=callbacks).fit(kimg=0.048)
    return folder / "one"


@pytest.fixture(scope="module")
def two_workers(folder):
    """A run of 24 images by two workers."""
    out = folder / "two"
    with train(folder, out, "--kimg", "0.024") as workers:
        assert [worker.wait(150) for worker in workers] == [0, 0], outputs(workers)
        assert "new run" in output(workers[0]) and "new run" not in output(workers[1])
    return out


@contextlib.contextmanager
def train(folder, out, *arguments, recipes=("tiny.json", "tiny.json")):
    """Start two workers that train together, and end whatever of them is left."""
    addresses = free_addresses()
    workers = []
    try:
        for index, recipe in enumerate(recipes):
            cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            command = [sys.executable, "-m", "tutorial_lib", "train", str(folder / recipe)]
            command += ["--data", str(folder / "photographs"), "--out", str(out), *arguments]
            command += ["--precision", "float32", "--strategy", "multi-worker"]
            environment = {"TF_CONFIG": json.dumps(cluster), "PYTHONUNBUFFERED": "1"}
            with open(folder / f"output{index}.txt", "w") as file:
                worker = subprocess.Popen(
                    command, env=os.environ | environment, stdout=file, stderr=file
                )
            worker.output = Path(file.name)
            workers.append(worker)
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def output(worker):
    return worker.output.read_text()


def outputs(workers):
    return "\n".join(map(output, workers))


def losses(run):
    records = read_log(run / "log.jsonl")
    return {r["nimg"]: [r["generator_loss"], r["discriminator_loss"]] for r in records}


@pytest.mark.slow
def test_two_workers_compute_what_one_device_does(one_device, two_workers):
    np.testing.assert_allclose(losses(two_workers)[24], losses(one_device)[24], rtol=1e-4)
    assert losses(two_workers).keys() == {24}
    assert [path.name for path in sorted((two_workers / "samples").iterdir())] == [
        "0000000000.png",
        "0000000024.png",
    ]


@pytest.mark.slow
def test_when_a_worker_is_killed_the_other_ends_and_the_run_goes_on(
    tmp_path, folder, one_device, two_workers
):
    run = shutil.copytree(two_workers, tmp_path / "run")
    with train(folder, run, "--minutes", "30") as workers:
        deadline = time.monotonic() + 150
        while "resumed" not in output(workers[0]):
            assert time.monotonic() < deadline, outputs(workers)
            time.sleep(0.1)
        workers[1].send_signal(signal.SIGKILL)
        assert workers[0].wait(120) == 2
        said = output(workers[0])
        assert said.splitlines()[-1].startswith("Error: Another worker ended"), said
        assert "Traceback" not in said
    with train(folder, run, "--kimg", "0.048", "--resume", "must") as workers:
        assert [worker.wait(150) for worker in workers] == [0, 0], outputs(workers)
    np.testing.assert_allclose(losses(run)[48], losses(one_device)[48], rtol=1e-4)
    weights = [load_network(directory).get_weights() for directory in (run, one_device)]
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.slow
def test_workers_with_different_recipes_are_refused(tmp_path, folder):
    with train(
        folder, tmp_path / "run", "--kimg", "1", recipes=("tiny.json", "wide.json")
    ) as workers:
        assert [worker.wait(150) for worker in workers] == [2, 2]
        assert "Error: The workers do not agree on recipe" in output(workers[0])
    assert not (tmp_path / "run").exists()
