"""Processes that are killed for real: nothing may be lost but the current tick."""

import itertools
import random
import shutil
import signal
import time

import pytest
from helpers.runs import copy_variables
from helpers.small import (
    assert_as_if_nothing_happened,
    assert_bits_of,
    assert_files_are_complete,
    make_small_trainer,
)
from helpers.victims import (
    end_a_tick_and_die,
    exit_code,
    train_and_die_at_bytes,
    train_forever,
    wait_for_new_checkpoint,
)

pytestmark = pytest.mark.usefixtures("deterministic")


@pytest.mark.slow
def test_a_kill_at_any_change_to_a_file_loses_at_most_the_tick(start, finished, whole, tmp_path):
    later, run = tmp_path / "later", tmp_path / "run"
    make_small_trainer(later).fit(kimg=0.048)
    survivor = make_small_trainer(run)
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
        assert_bits_of(whole, survivor)
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
    survivor = make_small_trainer(run)
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
    resumed, whole = make_small_trainer(run), make_small_trainer(tmp_path / "whole")
    resumed.fit(kimg=1e-9, resume="must")
    assert resumed.nimg >= 16 * kills, "each victim has saved"
    end = (resumed.nimg + 16) / 1000
    for trainer in (resumed, whole):
        trainer.fit(kimg=end)
    assert_as_if_nothing_happened(resumed, {resumed.nimg: copy_variables(whole)})
