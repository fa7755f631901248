"""What the processes do that are killed for real (training/test_kills.py, test_lock.py)."""

import os
import resource
import signal
import sys
import time

import tensorflow as tf

from helpers.small import make_small_trainer
from tutorial_lib.training.log import read_log
from tutorial_lib.training.state import TrainingState


def end_a_tick_and_die(directory, later, number):
    """Do all that follows the last step of a tick, and be killed at the n-th change to a file.

    `later` is a run that is one tick ahead: its state spares the steps, which cost most time.
    """
    trainer = make_small_trainer(directory)
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
    make_small_trainer(directory).fit(kimg=0.048)


def train_forever(directory):
    tf.config.experimental.enable_op_determinism()
    make_small_trainer(directory).fit(kimg=1e6)


def wait_for_new_checkpoint(run, process, seconds=120):
    """Wait until the process has saved something of its own."""
    before = set((run / "checkpoints").glob("[0-9]*"))
    deadline = time.monotonic() + seconds
    while not set((run / "checkpoints").glob("[0-9]*")) - before:
        assert process.is_alive() and time.monotonic() < deadline
        time.sleep(0.02)


def exit_code(process, seconds=120):
    process.join(seconds)
    assert process.exitcode is not None, "the process does not end"
    return process.exitcode
