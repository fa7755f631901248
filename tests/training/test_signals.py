"""Ctrl-C, a polite kill and a closed terminal: the run saves, says how to go on, and ends."""

import os
import signal
import threading

import pytest
from helpers.runs import CallAt, assert_same_bits, make_trainer
from helpers.small import assert_bits_of, make_small_trainer

from tutorial_lib.training.callbacks import Checkpoints, Log
from tutorial_lib.training.signals import HANG_UP, POLITE, interruptible

ALL = [*POLITE, HANG_UP]

pytestmark = pytest.mark.usefixtures("deterministic")


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path, capsys):
    stop = CallAt(24, lambda: os.kill(os.getpid(), signal.SIGINT))
    trainer = make_trainer(tmp_path, callbacks=[stop, Log(), Checkpoints(every_seconds=1e9)])
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(kimg=0.064)
    out = capsys.readouterr().out
    assert "Stopped at 24 images" in out and "0000000024" in out
    resumed = make_trainer(tmp_path)
    resumed.fit(kimg=0.064, resume="must")
    whole = make_trainer(tmp_path / "whole")
    whole.fit(kimg=0.064)
    assert_same_bits(whole, resumed)


@pytest.mark.parametrize("number", ALL, ids=lambda number: number.name)
def test_polite_signals_save_and_say_how_to_go_on(tmp_path, whole, capsys, number):
    before = [signal.getsignal(each) for each in ALL]
    stop = CallAt(24, lambda: os.kill(os.getpid(), number))
    with pytest.raises(KeyboardInterrupt):
        make_small_trainer(tmp_path, stop).fit(kimg=0.064)
    assert [signal.getsignal(each) for each in ALL] == before
    out = capsys.readouterr().out
    assert "Stopped at 24 images" in out and "0000000024" in out and str(tmp_path) in out
    resumed = make_small_trainer(tmp_path)
    resumed.fit(kimg=0.064, resume="must")
    assert_bits_of(whole, resumed)


def test_a_closed_terminal_ends_nothing_under_nohup(tmp_path, whole):
    """`nohup` starts a program with this signal ignored, and it must stay so."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        close = CallAt(24, lambda: os.kill(os.getpid(), signal.SIGHUP))
        trainer = make_small_trainer(tmp_path, close)
        trainer.fit(kimg=0.064)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert trainer.nimg == 64
    assert_bits_of(whole, trainer)


def test_a_second_ctrl_c_interrupts_at_once():
    with interruptible() as interruption:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)  # whoever asks politely twice is still polite
        assert interruption.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_a_second_ctrl_c_leaves_the_last_checkpoint_whole(tmp_path, whole):
    def press_twice():
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        make_small_trainer(tmp_path, CallAt(24, press_twice)).fit(kimg=0.064)
    resumed = make_small_trainer(tmp_path)
    resumed.fit(kimg=1e-9, resume="must")
    assert resumed.nimg == 16, "nothing was saved at 24"
    resumed.fit(kimg=0.064)
    assert_bits_of(whole, resumed)


def test_signals_stay_as_they_are_outside_the_main_thread(tmp_path, whole):
    before, trainer = [signal.getsignal(each) for each in ALL], make_small_trainer(tmp_path)
    seen = CallAt(24, lambda: handlers.extend(signal.getsignal(each) for each in ALL))
    trainer.callbacks.append(seen)
    handlers = []
    thread = threading.Thread(target=lambda: trainer.fit(kimg=0.032))
    thread.start()
    thread.join(60)
    assert handlers == before and trainer.nimg == 32
    assert_bits_of(whole, trainer)


def test_ctrl_c_at_the_very_end_is_no_interruption(tmp_path):
    stop = CallAt(16, lambda: os.kill(os.getpid(), signal.SIGINT))
    trainer = make_trainer(tmp_path, callbacks=[stop])
    trainer.fit(kimg=0.016)
    assert trainer.nimg == 16
