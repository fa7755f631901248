"""Faults as they happen: kills, full and read-only disks, damaged files, NaN, a second trainer.

Nothing may be lost but the current tick, and every fault ends in one sentence.
"""

import contextlib
import errno
import fcntl
import hashlib
import itertools
import json
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from test_cli import run as run_command
from test_training import CallAt, deterministic, make_images  # noqa: F401

from tutorial_lib.algorithms.ema import update_average
from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.errors import TutorialError
from tutorial_lib.models.dcgan import build_dcgan_generator
from tutorial_lib.models.latents import draw_latents
from tutorial_lib.pretrained import load_card, load_network
from tutorial_lib.show.pictures import save_images
from tutorial_lib.store import save_network
from tutorial_lib.training.callbacks import (
    Callback,
    Checkpoints,
    Log,
    SampleGrid,
    StopOnNonFinite,
)
from tutorial_lib.training.log import append_record, read_log
from tutorial_lib.training.state import TrainingState
from tutorial_lib.training.trainer import Trainer

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

import publish_network

RECIPE = GANRecipe(size=8, latent_size=4, batch_size=8)


class Small(tf.Module):
    """The smallest algorithm with noise, an optimiser and an average: traced in no time.

    At `nan_data_at` or `nan_gradient_at` images seen, the step's data or gradients are NaN.
    """

    recipe, precision = RECIPE, "float32"

    def __init__(self, nan_data_at=None, nan_gradient_at=None):
        super().__init__(name="small")
        self.nan_data_at, self.nan_gradient_at = nan_data_at, nan_gradient_at
        self.network, self.average = build_small(), build_small()
        self.optimizer = keras.optimizers.Adam(0.01)
        self.optimizer.build(self.network.trainable_variables)

    def schedule(self, nimg):
        return {
            "data_fault": float("nan") if nimg == self.nan_data_at else 0.0,
            "gradient_fault": float("nan") if nimg == self.nan_gradient_at else 0.0,
        }

    def train_step(self, images, seed, values):
        weights = self.network.trainable_variables
        latents = tf.random.stateless_normal([RECIPE.batch_size, RECIPE.latent_size], seed)
        with tf.GradientTape() as tape:
            error = self.network(latents) - images + values["data_fault"]
            loss = tf.reduce_mean(error**2)
        gradients = tape.gradient(loss, weights)
        self.optimizer.apply([g + values["gradient_fault"] for g in gradients], weights)
        update_average(self.average, self.network, tf.constant(0.9))
        return {"loss": loss}

    def draw_latents(self, count, seed=0):
        return draw_latents(count, RECIPE.latent_size, seed=seed)

    def sample(self, latents):
        return self.average(latents).numpy()


def build_small():
    start = keras.initializers.GlorotUniform(seed=0)
    layers = [keras.layers.Dense(8 * 8 * 3, kernel_initializer=start)]
    return keras.Sequential([keras.Input((4,)), *layers, keras.layers.Reshape((8, 8, 3))])


def make_trainer(directory, *extra, algorithm=None):
    saving = Checkpoints(every_seconds=0)
    callbacks = [*extra, StopOnNonFinite(), Log(), SampleGrid(4), saving]
    algorithm = algorithm or Small()
    return Trainer(algorithm, make_images(), directory, tick_kimg=0.016, callbacks=callbacks)


class Remember(Callback):
    """Keep a copy of every variable at each tick, by images seen."""

    def __init__(self):
        self.variables = {}

    def on_tick(self, trainer, record):
        self.variables[trainer.nimg] = copy_variables(trainer)


def copy_variables(trainer):
    return [variable.numpy().copy() for variable in trainer.state.variables()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """All variables of a run that met no fault, by images seen."""
    remember = Remember()
    make_trainer(tmp_path_factory.mktemp("whole"), remember).fit(kimg=0.128)
    return remember.variables


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    directory = tmp_path_factory.mktemp("finished") / "run"
    make_trainer(directory).fit(kimg=0.032)
    return directory


@pytest.fixture
def run(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "run"))


def assert_same_bits(trainer, whole):
    for found, expected in zip(copy_variables(trainer), whole[trainer.nimg], strict=True):
        np.testing.assert_array_equal(found, expected)


def assert_as_if_nothing_happened(trainer, whole):
    """The trainer has the bits of a run without faults, and its folder has all of its files."""
    assert_same_bits(trainer, whole)
    assert_files_are_complete(trainer.directory)
    ticks = list(range(16, trainer.nimg + 1, 16))
    assert [record["nimg"] for record in read_log(trainer.directory / "log.jsonl")] == ticks
    sheets = {int(path.stem) for path in (trainer.directory / "samples").iterdir()}
    assert sheets >= set(ticks[:10]), "a young run has a sheet a tick"
    kept = [int(path.name) for path in (trainer.directory / "checkpoints").iterdir()]
    assert sorted(kept) == ticks[-2:]
    expected = {"config.json", "card.json", "log.jsonl", "samples", "checkpoints"}
    (weights,) = {path.name for path in trainer.directory.iterdir()} - expected
    assert weights == load_card(trainer.directory)["weights"]["file"]


def assert_files_are_complete(directory):
    """Every file under its own name is whole: checkpoints, sheets, and the card with weights."""
    checkpoints = sorted((directory / "checkpoints").glob("[0-9]*"))
    assert checkpoints
    for checkpoint in checkpoints:
        for line in (checkpoint / "SHA256SUMS").read_text().splitlines():
            digest, name = line.split()
            assert hashlib.sha256((checkpoint / name).read_bytes()).hexdigest() == digest
    for sheet in (directory / "samples").glob("[0-9]*"):
        Image.open(sheet).load()
    weights = load_card(directory)["weights"]
    content = (directory / weights["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == weights["sha256"]


# --- killed processes ----------------------------------------------------------------------------

# One server imports TensorFlow once; every victim is forked from it, and killed for real.
FORKS = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module")
def start():
    FORKS.set_forkserver_preload(["tutorial_lib.training.trainer", "tutorial_lib.algorithms.gan"])

    def start(target, *arguments):
        process = FORKS.Process(target=target, args=arguments, daemon=True)
        process.start()
        return process

    return start


def exit_code(process, seconds=120):
    process.join(seconds)
    assert process.exitcode is not None, "the process does not end"
    return process.exitcode


def end_a_tick_and_die(directory, later, number):
    """Do all that follows the last step of a tick, and be killed at the n-th change to a file.

    `later` is a run that is one tick ahead: its state spares the steps, which cost most time.
    """
    trainer = make_trainer(directory)
    after = TrainingState(trainer.algorithm, later / "checkpoints")
    after.restore()
    trainer.state.nimg, trainer.state.seconds = after.nimg, after.seconds
    left = number

    def count(event, arguments):
        nonlocal left
        if event in {"os.rename", "os.remove", "os.rmdir"} or (
            event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        ):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    for callback in trainer.callbacks:
        callback.on_start(trainer)
    sys.addaudithook(count)
    for callback in trainer.callbacks:
        callback.on_tick(trainer, read_log(later / "log.jsonl")[-1])


def train_and_die_at_bytes(directory, size):
    """Die inside the system call that makes a file larger than `size`."""
    tf.config.experimental.enable_op_determinism()
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    make_trainer(directory).fit(kimg=0.048)


def train_forever(directory):
    tf.config.experimental.enable_op_determinism()
    make_trainer(directory).fit(kimg=1e6)


@pytest.mark.slow
def test_a_kill_at_any_change_to_a_file_loses_at_most_the_tick(start, finished, whole, tmp_path):
    later, run = tmp_path / "later", tmp_path / "run"
    make_trainer(later).fit(kimg=0.048)
    survivor = make_trainer(run)
    for number in itertools.count(1):
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(finished, run)
        victim = start(end_a_tick_and_die, run, later, number)
        if exit_code(victim) == 0:
            break
        assert victim.exitcode == -signal.SIGKILL
        assert_files_are_complete(run)
        survivor.fit(kimg=0.016, resume="must")
        assert survivor.nimg in (32, 48)
        assert_same_bits(survivor, whole)
    assert number > 15, "the kills missed the saving"
    survivor.fit(kimg=0.064)
    assert_as_if_nothing_happened(survivor, whole)


@pytest.mark.slow
def test_a_kill_in_the_middle_of_a_checkpoints_file_loses_one_tick(start, run, whole):
    sizes = [path.stat().st_size for path in run.glob("weights-*")]
    sizes += [path.stat().st_size for path in run.glob("checkpoints/*32/state.data*")]
    victim = start(train_and_die_at_bytes, run, sum(sizes) // 2)
    assert exit_code(victim) == -signal.SIGXFSZ
    assert list((run / "checkpoints" / "partial").iterdir()), "it died elsewhere"
    assert_files_are_complete(run)
    survivor = make_trainer(run)
    survivor.fit(kimg=0.064, resume="must")
    assert_as_if_nothing_happened(survivor, whole)


@pytest.mark.slow
def test_kills_at_random_moments_end_in_the_same_bits(start, tmp_path):
    lottery = random.Random(0)
    run, kills = tmp_path / "killed", 4
    for _ in range(kills):
        victim = start(train_forever, run)
        wait_for_new_checkpoint(run, victim)
        time.sleep(lottery.uniform(0, 0.2))
        victim.kill()
        assert exit_code(victim) == -signal.SIGKILL
    resumed, whole = make_trainer(run), make_trainer(tmp_path / "whole")
    resumed.fit(kimg=1e-9, resume="must")
    assert resumed.nimg >= 16 * kills, "each victim has saved"
    end = (resumed.nimg + 16) / 1000
    for trainer in (resumed, whole):
        trainer.fit(kimg=end)
    assert_as_if_nothing_happened(resumed, {resumed.nimg: copy_variables(whole)})


def wait_for_new_checkpoint(run, process, seconds=120):
    """Wait until the process has saved something of its own."""
    before = set((run / "checkpoints").glob("[0-9]*"))
    deadline = time.monotonic() + seconds
    while not set((run / "checkpoints").glob("[0-9]*")) - before:
        assert process.is_alive() and time.monotonic() < deadline
        time.sleep(0.02)


def test_a_polite_kill_saves_and_says_how_to_go_on(tmp_path, whole, capsys):
    stop = CallAt(24, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(KeyboardInterrupt):
        make_trainer(tmp_path, stop).fit(kimg=0.064)
    out = capsys.readouterr().out
    assert "Stopped at 24 images" in out and "0000000024" in out
    resumed = make_trainer(tmp_path)
    resumed.fit(kimg=0.064, resume="must")
    assert_same_bits(resumed, whole)


# --- two trainers --------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_second_trainer_is_refused_until_the_first_is_gone(start, tmp_path):
    run = tmp_path / "run"
    first = start(train_forever, run)
    wait_for_new_checkpoint(run, first)
    second = make_trainer(run)
    for _ in range(2):  # being refused must not open the door
        with pytest.raises(TutorialError, match=f"{run} is in use: .* trains there"):
            second.fit(kimg=0.064)
    printed = train_command(tmp_path, "--out", run, code=2)
    assert str(run) in printed.splitlines()[-1] and printed.count("Error: ") == 1
    assert first.is_alive()
    first.kill()
    exit_code(first)
    second.fit(kimg=0.016, resume="must")
    assert second.nimg > 0
    assert not (run / ".lock").exists()


def test_the_process_in_the_way_is_named_and_its_end_opens_the_door(run, whole):
    messages = []

    def try_another():
        with pytest.raises(TutorialError) as caught:
            make_trainer(run).fit(kimg=0.064)
        messages.append(str(caught.value))

    trainer = make_trainer(run, CallAt(40, try_another))
    trainer.fit(kimg=0.048)
    assert f"{run} is in use: process {os.getpid()} on " in messages[0]
    assert_as_if_nothing_happened(trainer, whole)
    make_trainer(run).fit(kimg=0.064)


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK])
def test_a_drive_without_locks_trains_all_the_same(run, capsys, monkeypatch, code):
    """Also where a killed process has left its file behind: nothing there may wait for it."""

    def refuse(descriptor, operation):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    (run / ".lock").write_text("1\nelsewhere\n")
    trainer = make_trainer(run)
    trainer.fit(kimg=0.016)
    assert trainer.nimg == 32
    assert f"{run} is on a drive without locks" in capsys.readouterr().out


def train_command(tmp_path, *options, code):
    recipe = tmp_path / "tiny.json"
    recipe.write_text(json.dumps({"size": 8, "latent_size": 4, "width": 4, "batch_size": 8}))
    images = tmp_path / "images"
    save_images(make_images(), images)
    return run_command("train", recipe, "--data", images, "--kimg", 0.016, *options, code=code)


# --- full and read-only disks --------------------------------------------------------------------


def mount(*arguments):
    """Mount something, or skip the test with the reason."""
    if shutil.which("mount") is None:
        pytest.skip("there is no command mount here")
    done = subprocess.run(["mount", *map(str, arguments)], text=True, capture_output=True)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.splitlines()[0]}")


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount("-t", "tmpfs", "-o", "size=512k", "tmpfs", disk)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@contextlib.contextmanager
def filled(disk, free=0):
    """Leave only so many bytes of a disk."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    os.truncate(filler, filler.stat().st_size - free)
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def read_only(directory):
    """Forbid writing: by a mount where root, whom no permission stops, runs the tests."""
    if os.getuid() == 0:
        mount("--bind", directory, directory)
        try:
            mount("-o", "remount,bind,ro", directory)
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(directory)], check=True)
        return
    modes = {path: path.stat().st_mode for path in [directory, *directory.rglob("*")]}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


@pytest.mark.slow
def test_a_full_disk_loses_one_tick_wherever_it_strikes(small_disk, whole):
    trainer = make_trainer(small_disk / "run")
    trainer.fit(kimg=0.032)
    messages = []
    for pages in range(40):
        with filled(small_disk, free=4096 * pages):
            try:
                trainer.fit(kimg=0.048)
                break
            except TutorialError as error:
                messages.append(str(error))
                assert re.search(r"\((\[Errno 28\] )?No space left on device\)", messages[-1])
                assert str(trainer.directory) in messages[-1]
            assert [path.name for path in trainer.state.saved()] == ["0000000016", "0000000032"]
            assert_files_are_complete(trainer.directory)
    struck = {re.search("run folder|checkpoint", message).group() for message in messages}
    assert struck == {"run folder", "checkpoint"}, "both kinds of files should have met it"
    assert_as_if_nothing_happened(trainer, whole)
    with filled(small_disk), pytest.raises(TutorialError, match="No space left"):
        trainer.fit(kimg=0.064)
    resumed = make_trainer(small_disk / "run")
    resumed.fit(kimg=0.064, resume="must")
    assert_as_if_nothing_happened(resumed, whole)


def test_half_a_line_that_a_full_disk_leaves_harms_no_other(small_disk):
    run = small_disk / "run"
    trainer = make_trainer(run)
    trainer.fit(kimg=0.032)
    log = run / "log.jsonl"
    older = log.read_text().splitlines()[:2]
    padding = " " * (4096 - 40 - len("\n".join(older)) - 1)  # a new page begins in the next line
    log.write_text(older[0] + padding + "\n" + older[1] + "\n")
    with filled(small_disk), pytest.raises(TutorialError, match="No space left"):
        trainer.fit(kimg=0.048)
    assert len(log.read_bytes()) == 4096 and not log.read_bytes().endswith(b"\n")
    assert [record["nimg"] for record in read_log(log)] == [16, 32]
    trainer.fit(kimg=0.048)
    assert [record["nimg"] for record in read_log(log)] == [16, 32, 48]


def test_a_run_that_begins_on_a_full_disk_is_refused(small_disk):
    with filled(small_disk), pytest.raises(TutorialError, match="cannot be used .*No space left"):
        make_trainer(small_disk / "run").fit(kimg=0.016)
    make_trainer(small_disk / "run").fit(kimg=0.016)


def test_pictures_on_a_full_disk_are_new_or_old_but_whole(small_disk):
    save_images(make_images(16, 8), small_disk)
    with filled(small_disk, free=40_000), pytest.raises(OSError, match="No space left"):
        save_images(make_images(64, 8), small_disk)
    sizes = []
    for path in sorted(small_disk.glob("*.png")):
        Image.open(path).load()
        sizes.append(Image.open(path).width)
    assert len(sizes) == 8 and set(sizes) == {64, 16}


@pytest.mark.slow
def test_a_full_disk_leaves_the_network_that_was_published(small_disk, tmp_path, monkeypatch):
    monkeypatch.setattr(publish_network, "PUBLISHED", small_disk)
    facts = {"algorithm": "GAN", "recipe": {"size": 16, "latent_size": 4, "width": 4}}
    for seed in (0, 1):
        network = build_dcgan_generator(16, 4, 4, seed=seed)
        run = tmp_path / f"run-{seed}"
        save_network(run, network, facts)
        (run / "config.json").write_text(json.dumps(facts))
        (run / "log.jsonl").write_text('{"nimg": 0}\n')
        save_images(make_images(16, 1), run / "samples")
    publish_network.publish(tmp_path / "run-0", "cats")
    before = load_network(small_disk / "cats").get_weights()
    (weights,) = (small_disk / "cats").glob("weights-*")
    for free in (0, weights.stat().st_size + 4095):  # no room for the weights, none for the card
        with filled(small_disk, free), pytest.raises(OSError, match="No space left"):
            publish_network.publish(tmp_path / "run-1", "cats")
        after = load_network(small_disk / "cats").get_weights()
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    publish_network.publish(tmp_path / "run-1", "cats")
    assert len(list((small_disk / "cats").iterdir())) == 6, "weights, card, log, three sheets"


def test_a_folder_that_becomes_read_only_loses_one_tick(run, whole):
    with contextlib.ExitStack() as stack:
        trainer = make_trainer(run, CallAt(40, lambda: stack.enter_context(read_only(run))))
        with pytest.raises(TutorialError, match=f"{run} could not be written"):
            trainer.fit(kimg=0.064)
    assert_files_are_complete(run)
    resumed = make_trainer(run)
    resumed.fit(kimg=0.064, resume="must")
    assert_as_if_nothing_happened(resumed, whole)


def test_a_folder_that_is_read_only_is_refused(run, tmp_path):
    with read_only(tmp_path):
        for directory in (run, tmp_path / "new"):
            with pytest.raises(TutorialError, match=f"{directory} cannot be used"):
                make_trainer(directory).fit(kimg=0.064)


@pytest.mark.slow
def test_the_command_line_ends_in_one_sentence(tmp_path):
    (tmp_path / "closed").mkdir()
    with read_only(tmp_path / "closed"):
        printed = train_command(tmp_path, "--out", tmp_path / "closed" / "run", code=2)
    assert "closed" in printed.splitlines()[-1] and printed.count("Error: ") == 1


# --- damaged files -------------------------------------------------------------------------------


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_file_is_named_and_the_checkpoint_before_taken(finished, tmp_path, whole, capsys):
    trainer = make_trainer(tmp_path / "run")
    newest = tmp_path / "run" / "checkpoints" / "0000000032"
    names = ["state.index", "state.data-00000-of-00001"]
    for name, damage in itertools.product(names, [cut, flip_a_bit, Path.unlink]):
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        shutil.copytree(finished, tmp_path / "run")
        damage(newest / name)
        trainer.fit(kimg=0.016, resume="must")
        assert trainer.nimg == 16
        assert f"{newest} is damaged ({name} is missing or damaged" in capsys.readouterr().out
        assert not newest.exists()
    trainer.fit(kimg=0.048)
    assert_as_if_nothing_happened(trainer, whole)


@pytest.mark.parametrize("damage", [cut, lambda path: path.write_bytes(b"\xff\x00rubbish")])
def test_damaged_digests_damage_the_checkpoint(run, capsys, damage):
    _, newest = make_trainer(run).state.saved()
    damage(newest / "SHA256SUMS")
    trainer = make_trainer(run)
    trainer.fit(kimg=0.016)
    assert trainer.nimg == 16
    assert f"{newest} is damaged" in capsys.readouterr().out


def test_digests_are_those_of_sha256sum(run):
    if shutil.which("sha256sum") is None:
        pytest.skip("there is no command sha256sum here")
    for checkpoint in make_trainer(run).state.saved():
        subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=checkpoint, check=True)


def test_checkpoints_of_earlier_versions_have_no_digests_and_still_load(run):
    for path in run.glob("checkpoints/*/SHA256SUMS"):
        path.unlink()
    trainer = make_trainer(run)
    trainer.fit(kimg=0.016, resume="must")
    assert trainer.nimg == 32


def test_damage_in_every_checkpoint_is_named_and_refused(run, capsys):
    names = ["state.index", "state.data-00000-of-00001"]
    for checkpoint, name in zip(make_trainer(run).state.saved(), names, strict=True):
        flip_a_bit(checkpoint / name)
    with pytest.raises(TutorialError, match=f"No checkpoint in {run}.* can be read"):
        make_trainer(run).fit(kimg=0.064)
    out = capsys.readouterr().out
    assert all(name in out for name in names)
    assert len(list((run / "checkpoints").iterdir())) == 2, "someone may still mend them"


def test_what_a_killed_process_left_is_removed(run, whole):
    (run / ".weights-0123456789ab.npz.partial").write_bytes(b"half")
    (run / "checkpoints" / "partial").mkdir()
    (run / "checkpoints" / "partial" / "state.index").write_bytes(b"half")
    trainer = make_trainer(run)
    trainer.fit(kimg=0.048)
    assert_as_if_nothing_happened(trainer, whole)


def test_rubbish_in_the_log_is_passed_over(run, whole):
    log = run / "log.jsonl"
    rubbish = [b"\x00" * 40, b"\x93\xff\xfe", b"5", b"null", b'"cat"', b"[48]", b'{"nimg": "48"}']
    log.write_bytes(b"\n".join([*rubbish, log.read_bytes(), *rubbish, b'{"nimg": 4']))
    trainer = make_trainer(run)
    trainer.fit(kimg=0.048)
    assert_as_if_nothing_happened(trainer, whole)


def test_a_log_cut_anywhere_loses_only_the_cut_line(tmp_path):
    log = tmp_path / "log.jsonl"
    lines = ['{"nimg": 10, "loss": 1.5}', '{"nimg": 20, "loss": 1.5}']
    whole = "\n".join(lines)
    for length in range(len(whole) + 1):
        log.write_text(whole[:length])
        append_record(log, {"nimg": 30, "loss": 1.5})
        kept = [10] * (length >= len(lines[0])) + [20] * (length == len(whole))
        assert [record["nimg"] for record in read_log(log)] == [*kept, 30]


# --- NaN and clocks ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "named"),
    [("nan_data_at", "loss is nan"), ("nan_gradient_at", "a weight is NaN or infinite")],
)
def test_nan_stops_before_anything_is_saved(run, whole, where, named):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    last = run / "checkpoints" / "0000000032"
    with pytest.raises(TutorialError, match=f"{named} at 48 images; .* checkpoint is {last}"):
        make_trainer(run, algorithm=Small(**{where: 40})).fit(kimg=0.064)
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    resumed = make_trainer(run)
    resumed.fit(kimg=0.064, resume="must")
    assert_as_if_nothing_happened(resumed, whole)


def test_a_clock_set_back_changes_nothing(run, whole, monkeypatch):
    backwards = itertools.count(2e9, -3600)
    monkeypatch.setattr(time, "time", lambda: next(backwards))
    trainer = make_trainer(run)
    trainer.fit(kimg=0.096)
    assert_as_if_nothing_happened(trainer, whole)
    assert_time_passes(run)


def test_the_time_of_a_run_goes_on_after_the_machine_has_started_anew(run, whole, monkeypatch):
    """The monotonic clock begins again then, below the time that the run has lasted."""
    monotonic, start = time.monotonic, time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() - start)
    trainer = make_trainer(run)
    trainer.fit(kimg=0.064)
    assert_as_if_nothing_happened(trainer, whole)
    assert_time_passes(run)


def assert_time_passes(run):
    records = read_log(run / "log.jsonl")
    seconds = [record["seconds"] for record in records]
    assert seconds[0] > 0 and seconds == sorted(seconds)
    assert all(record["images_per_second"] > 0 for record in records)
