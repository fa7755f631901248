import pytest
from helpers.small import assert_as_if_nothing_happened, make_small_trainer

from tutorial_lib.training.log import append_record, read_log

pytestmark = pytest.mark.usefixtures("deterministic")


def test_log_survives_half_a_line_and_a_rollback(tmp_path):
    path = tmp_path / "log.jsonl"
    for nimg in (10, 20, 30):
        append_record(path, {"nimg": nimg, "run": 1})
    path.write_bytes(path.read_bytes()[:-5])
    for nimg in (20, 30):
        append_record(path, {"nimg": nimg, "run": 2})
    assert [(r["nimg"], r["run"]) for r in read_log(path)] == [(10, 1), (20, 2), (30, 2)]
    assert len(path.read_text().splitlines()) == 5


def test_rubbish_in_the_log_is_passed_over(run, whole):
    log = run / "log.jsonl"
    rubbish = [b"\x00" * 40, b"\x93\xff\xfe", b"5", b"null", b'"cat"', b"[48]", b'{"nimg": "48"}']
    log.write_bytes(b"\n".join([*rubbish, log.read_bytes(), *rubbish, b'{"nimg": 4']))
    trainer = make_small_trainer(run)
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
