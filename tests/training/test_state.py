import itertools
import shutil
import subprocess
from pathlib import Path

import pytest
import tensorflow as tf
from helpers.small import assert_as_if_nothing_happened, cut, flip_a_bit, make_small_trainer

from tutorial_lib.errors import TutorialError

pytestmark = pytest.mark.usefixtures("deterministic")


# --- damaged files -------------------------------------------------------------------------------


def test_a_damaged_file_is_named_and_the_checkpoint_before_taken(finished, tmp_path, whole, capsys):
    trainer = make_small_trainer(tmp_path / "run")
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
    _, newest = make_small_trainer(run).state.saved()
    damage(newest / "SHA256SUMS")
    trainer = make_small_trainer(run)
    trainer.fit(kimg=0.016)
    assert trainer.nimg == 16
    assert f"{newest} is damaged" in capsys.readouterr().out


def test_a_checkpoint_that_may_not_be_read_is_not_called_damaged_and_stays(run, monkeypatch):
    def refuse(checkpoint):
        raise PermissionError(13, "Permission denied", str(checkpoint))

    monkeypatch.setattr("tutorial_lib.training.state._check_digests", refuse)
    with pytest.raises(TutorialError, match="cannot be used .*Permission denied"):
        make_small_trainer(run).fit(kimg=0.064)
    assert len(list((run / "checkpoints").iterdir())) == 2


def test_digests_are_those_of_sha256sum(run):
    if shutil.which("sha256sum") is None:
        pytest.skip("there is no command sha256sum here")
    for checkpoint in make_small_trainer(run).state.saved():
        subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=checkpoint, check=True)


def test_checkpoints_of_earlier_versions_have_no_digests_and_still_load(run):
    for path in run.glob("checkpoints/*/SHA256SUMS"):
        path.unlink()
    trainer = make_small_trainer(run)
    trainer.fit(kimg=0.016, resume="must")
    assert trainer.nimg == 32


def test_damage_in_every_checkpoint_is_named_and_refused(run, capsys):
    names = ["state.index", "state.data-00000-of-00001"]
    for checkpoint, name in zip(make_small_trainer(run).state.saved(), names, strict=True):
        flip_a_bit(checkpoint / name)
    with pytest.raises(TutorialError, match=f"No checkpoint in {run}.* can be read"):
        make_small_trainer(run).fit(kimg=0.064)
    out = capsys.readouterr().out
    assert all(name in out for name in names)
    assert len(list((run / "checkpoints").iterdir())) == 2, "someone may still mend them"


# --- half of what was to be written --------------------------------------------------------------


def test_what_a_killed_process_left_is_removed(run, whole):
    (run / ".weights-0123456789ab.npz.partial").write_bytes(b"half")
    (run / "checkpoints" / "partial").mkdir()
    (run / "checkpoints" / "partial" / "state.index").write_bytes(b"half")
    trainer = make_small_trainer(run)
    trainer.fit(kimg=0.048)
    assert_as_if_nothing_happened(trainer, whole)


def test_half_written_checkpoint_is_never_loaded(run, monkeypatch):
    trainer = make_small_trainer(run)

    def die_halfway(path):
        (run / "checkpoints" / "partial" / "state.index").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer.state._checkpoint, "write", die_halfway)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(kimg=0.064)
    assert (run / "checkpoints" / "partial").exists()
    resumed = make_small_trainer(run)
    resumed.fit(kimg=0.032)
    assert resumed.nimg == 32


def test_full_disk_ends_in_one_sentence_and_loses_one_tick(run, monkeypatch):
    trainer = make_small_trainer(run)

    def full(path):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(trainer.state._checkpoint, "write", full)
    with pytest.raises(TutorialError, match="0000000048 could not be written .No space left"):
        trainer.fit(kimg=0.064)
    assert trainer.state.saved()[-1].name == "0000000032"
