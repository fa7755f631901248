"""Full and read-only disks: every fault ends in one sentence, and nothing is lost but the tick."""

import contextlib
import json
import re

import numpy as np
import publish_network
import pytest
from helpers.commands import train_command
from helpers.disks import filled, read_only
from helpers.runs import CallAt, make_images
from helpers.small import (
    assert_as_if_nothing_happened,
    assert_files_are_complete,
    make_small_trainer,
)
from PIL import Image

from tutorial_lib.errors import TutorialError
from tutorial_lib.models.dcgan import build_dcgan_generator
from tutorial_lib.pretrained import load_network
from tutorial_lib.show.pictures import save_images
from tutorial_lib.store import save_network
from tutorial_lib.training.log import read_log

pytestmark = pytest.mark.usefixtures("deterministic")


@pytest.mark.slow
def test_a_full_disk_loses_one_tick_wherever_it_strikes(small_disk, whole):
    trainer = make_small_trainer(small_disk / "run")
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
    resumed = make_small_trainer(small_disk / "run")
    resumed.fit(kimg=0.064, resume="must")
    assert_as_if_nothing_happened(resumed, whole)


def test_half_a_line_that_a_full_disk_leaves_harms_no_other(small_disk):
    run = small_disk / "run"
    trainer = make_small_trainer(run)
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
        make_small_trainer(small_disk / "run").fit(kimg=0.016)
    make_small_trainer(small_disk / "run").fit(kimg=0.016)


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
        trainer = make_small_trainer(run, CallAt(40, lambda: stack.enter_context(read_only(run))))
        with pytest.raises(TutorialError, match=f"{run} could not be written"):
            trainer.fit(kimg=0.064)
    assert_files_are_complete(run)
    resumed = make_small_trainer(run)
    resumed.fit(kimg=0.064, resume="must")
    assert_as_if_nothing_happened(resumed, whole)


def test_a_folder_that_is_read_only_is_refused(run, tmp_path):
    with read_only(tmp_path):
        for directory in (run, tmp_path / "new"):
            with pytest.raises(TutorialError, match=f"{directory} cannot be used"):
                make_small_trainer(directory).fit(kimg=0.064)


@pytest.mark.slow
def test_the_command_line_ends_in_one_sentence(tmp_path):
    (tmp_path / "closed").mkdir()
    with read_only(tmp_path / "closed"):
        printed = train_command(tmp_path, "--out", tmp_path / "closed" / "run", code=2)
    assert "closed" in printed.splitlines()[-1] and printed.count("Error: ") == 1
