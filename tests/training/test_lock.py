"""Two trainers and one run folder."""

import errno
import fcntl
import os

import pytest
from helpers.commands import train_command
from helpers.runs import CallAt
from helpers.small import assert_as_if_nothing_happened, make_small_trainer
from helpers.victims import exit_code, train_forever, wait_for_new_checkpoint

from tutorial_lib.errors import TutorialError

pytestmark = pytest.mark.usefixtures("deterministic")


@pytest.mark.slow
def test_a_second_trainer_is_refused_until_the_first_is_gone(start, tmp_path):
    run = tmp_path / "run"
    first = start(train_forever, run)
    wait_for_new_checkpoint(run, first)
    second = make_small_trainer(run)
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
            make_small_trainer(run).fit(kimg=0.064)
        messages.append(str(caught.value))

    trainer = make_small_trainer(run, CallAt(40, try_another))
    trainer.fit(kimg=0.048)
    assert f"{run} is in use: process {os.getpid()} on " in messages[0]
    assert_as_if_nothing_happened(trainer, whole)
    make_small_trainer(run).fit(kimg=0.064)


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK])
def test_a_drive_without_locks_trains_all_the_same(run, capsys, monkeypatch, code):
    """Also where a killed process has left its file behind: nothing there may wait for it."""

    def refuse(descriptor, operation):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    (run / ".lock").write_text("1\nelsewhere\n")
    trainer = make_small_trainer(run)
    trainer.fit(kimg=0.016)
    assert trainer.nimg == 32
    assert f"{run} is on a drive without locks" in capsys.readouterr().out
