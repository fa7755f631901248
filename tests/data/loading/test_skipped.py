import json
import os

import numpy as np
import pytest
from helpers.pictures import BLUE, RED, assert_colour, pack_tar, pack_zip, plain

from tutorial_lib.data.loading.archive import list_files, open_source
from tutorial_lib.data.loading.folder import load_images
from tutorial_lib.data.loading.skipped import (
    describe_skipped,
    is_passed_over,
    summarise_skipped,
    write_skipped,
)
from tutorial_lib.errors import TutorialError
from tutorial_lib.show.pictures import save_grid


def write(folder, *names, data=None):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(plain() if data is None else data)


# ---- what is passed over


def test_hidden_files_are_passed_over(tmp_path):
    for name in ("good.png", ".hidden.png", "__MACOSX/._good.png", ".git/picture.png", ".DS_Store"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(plain())
    images, skipped = load_images(tmp_path, 8)
    assert len(images) == 1 and skipped == {}


SYSTEM = [
    "@eaDir/IMG_0.jpg/SYNOPHOTO_THUMB_XL.jpg", "#recycle/old.jpg", "$RECYCLE.BIN/S-1/old.jpg",
    "lost+found/#12.jpg", ".thumbnails/1.jpg", ".AppleDouble/1.jpg", "My Previews.lrdata/1.jpg",
    ".picasaoriginals/1.jpg", "iPod Photo Cache/1.jpg", "System Volume Information/1.jpg",
    "FOUND.000/1.jpg", "Thumbs.db", "desktop.ini", "a/b/@eaDir/1.jpg", "__MACOSX/1.jpg",
    "P.photoslibrary/resources/derivatives/1.jpg", "P.photolibrary/Thumbnails/1.jpg",
]  # fmt: skip
USERS = [
    "IMG_0.jpg", "recycled/1.jpg", "previews/1.jpg", "resources/1.jpg", "thumbs/1.jpg", "./1.jpg",
    "P.photoslibrary/originals/0/1.jpg", "P.photolibrary/Masters/1.jpg", "#1/cat.jpg", "@me/1.jpg",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["folder", "a.zip"])
def test_what_systems_keep_beside_pictures_is_passed_over(tmp_path, kind):
    if kind == "folder":
        write(tmp_path, *SYSTEM, *USERS)
        source = tmp_path
    else:
        source = tmp_path / kind
        pack_zip(source, {name: plain() for name in SYSTEM + USERS})
    images, skipped = load_images(source, 8)
    assert len(images) == len(USERS) and skipped == {}


@pytest.mark.parametrize("name", SYSTEM)
def test_each_of_them(name):
    assert is_passed_over(name)
    assert is_passed_over(name.replace("/", "\\").upper())


@pytest.mark.parametrize("name", USERS)
def test_what_only_looks_like_it(name):
    assert not is_passed_over(name)


def test_a_photo_library_that_is_named_itself(tmp_path):
    library = tmp_path / "My.photoslibrary"
    write(library, "originals/0/1.png", "resources/derivatives/1.png", "database/1.png")
    assert len(load_images(library, 8)[0]) == 1


def test_a_folder_that_is_named_itself_is_read(tmp_path):
    write(tmp_path, "@eaDir/1.png", ".hidden/1.png")
    for name in ("@eaDir", ".hidden"):
        assert len(load_images(tmp_path / name, 8)[0]) == 1


# ---- runs inside the data


def make_run(folder, config=None):
    write(folder, "samples/0000000000.png", "best/picture.png", data=plain(BLUE))
    write(folder, "log.jsonl", data=b"{}")
    config = {"algorithm": "GAN", "recipe": {}} if config is None else config
    (folder / "config.json").write_text(json.dumps(config))


def test_a_run_inside_the_data_is_left_out_and_named(tmp_path):
    write(tmp_path, "a.png", "deep/b.png")
    before, _ = load_images(tmp_path, 8)
    make_run(tmp_path / "runs" / "dcgan")
    make_run(tmp_path / "deep" / "run")
    images, skipped = load_images(tmp_path, 8)
    assert len(images) == len(before) == 2
    assert_colour(images, RED)
    assert skipped == dict.fromkeys(("runs/dcgan", "deep/run"), "a run of this program")


def test_a_run_whose_folder_is_that_of_the_data(tmp_path):
    write(tmp_path, "a.png", "photos/b.png")
    make_run(tmp_path)
    images, skipped = load_images(tmp_path, 8)
    assert len(images) == 2
    assert_colour(images, RED)
    assert skipped == {"samples": "a run of this program"}


def test_the_samples_of_a_run_can_be_named(tmp_path):
    make_run(tmp_path / "run")
    images, skipped = load_images(tmp_path / "run" / "samples", 8)
    assert_colour(images, BLUE)
    assert skipped == {}


def test_a_run_without_pictures_besides_says_why_there_are_none(tmp_path):
    make_run(tmp_path)
    with pytest.raises(TutorialError, match="no readable image.*1 folder, a run of this program"):
        load_images(tmp_path, 8)


@pytest.mark.parametrize("config", [b"{}", b"[]", b"nonsense", b"[" * 100_000, b'{"size": 3}'])
def test_other_folders_with_a_config_are_no_runs(tmp_path, config):
    write(tmp_path, "export/samples/a.png", "export/b.png")
    (tmp_path / "export" / "config.json").write_bytes(config)
    images, skipped = load_images(tmp_path, 8)
    assert len(images) == 2 and list(skipped) == ["export/config.json"]


def test_a_config_alone_is_no_run(tmp_path):
    write(tmp_path, "export/b.png")
    (tmp_path / "export" / "config.json").write_text('{"recipe": {}}')
    assert len(load_images(tmp_path, 8)[0]) == 1


# ---- how it is said


@pytest.mark.skipif(os.name == "nt", reason="no such names on this system")
def test_odd_names_are_escaped_wherever_they_are_said(tmp_path):
    folder = tmp_path / "a\x1b[2J"
    folder.mkdir()
    (folder / "b\n\x1b[31m.jpg").write_bytes(b"x")
    with pytest.raises(TutorialError) as caught:
        load_images(folder, 8)
    assert "\x1b" not in str(caught.value) and "\n" not in str(caught.value)
    assert r"b\n\x1b[31m.jpg" in str(caught.value)
    pack_zip(tmp_path / "c\x1b.zip", {"\x1b[2Ja.txt": b"x", "b.png": plain()})
    assert set(load_images(tmp_path / "c\x1b.zip", 8)[1]) == {r"\x1b[2Ja.txt"}
    for wrong in ("no\x1b.zip", "c\x1b.zip"):
        (tmp_path / "c\x1b.zip").write_bytes(b"no archive")
        with pytest.raises(TutorialError) as caught:
            load_images(tmp_path / wrong, 8)
        assert "\x1b" not in str(caught.value)


SKIPPED = {
    **{f"{n:08d}.jpg.cat": "of another kind" for n in range(500)},
    "notes": "of another kind",
    "a.png": "damaged: cut short",
    "b.png": "damaged: wrong checksum",
    "c.png": "empty",
}


def test_kinds_are_counted_and_some_files_named():
    assert summarise_skipped(SKIPPED) == [
        "2 files, damaged: a.png (cut short), b.png (wrong checksum)",
        "1 file, empty: c.png",
        "501 files of other kinds (.cat, no suffix)",
    ]
    many = {f"{n}.png": "empty" for n in range(1234)}
    assert summarise_skipped(many) == ["1,234 files, empty: 0.png, 1.png, 2.png, …"]
    suffixes = {f"a.{n}": "of another kind" for n in range(9)}
    assert summarise_skipped(suffixes) == ["9 files of other kinds (.0, .1, .2, …)"]


def test_a_phrase_names_three_files_at_most():
    assert describe_skipped({"a.cat": "of another kind"}) == "1 file of another kind (.cat)"
    phrase = describe_skipped(SKIPPED)
    assert (
        phrase == "2 files, damaged: a.png (cut short), …; 1 file, empty: c.png; "
        "501 files of other kinds (.cat, …)"
    )
    kinds = {f"{n}.png": f"kind {n}: why" for n in range(10)}
    assert ".png" not in describe_skipped(kinds)


def test_files_of_marks_beside_each_picture_are_one_line(tmp_path):
    for n in range(5):
        write(tmp_path, f"{n}.jpg")
        write(tmp_path, f"{n}.jpg.cat", data=b"9 1 2 3")
    images, skipped = load_images(tmp_path, 8)
    assert len(images) == 5
    assert summarise_skipped(skipped) == ["5 files of other kinds (.cat)"]


def test_all_reasons_are_written_on_request(tmp_path):
    write_skipped(SKIPPED, tmp_path / "new" / "skipped.txt")
    lines = (tmp_path / "new" / "skipped.txt").read_text("utf-8").splitlines()
    assert len(lines) == len(SKIPPED)
    assert lines[-1] == "c.png\tempty"


@pytest.mark.parametrize("name", ["sheet.png", "sheet.jpg"])
def test_a_sheet_that_this_program_made_is_no_photograph(tmp_path, name):
    write(tmp_path, "photograph.png")
    save_grid(np.zeros((4, 8, 8, 3), np.uint8), tmp_path / name)
    images, skipped = load_images(tmp_path, 8)
    assert len(images) == 1 and skipped == {name: "a sheet of this program"}


@pytest.mark.parametrize("folder", ["", "runs/cats/"])
@pytest.mark.parametrize("pack", [pack_zip, pack_tar])
def test_a_run_inside_an_archive_is_left_out(tmp_path, pack, folder):
    members = {f"{folder}{name}": b"{}" for name in ("config.json", "log.jsonl")}
    members |= {f"{folder}samples/0000000000.png": plain(), "a/photograph.png": plain()}
    pack(tmp_path / "packed", members)
    if not folder:
        with pytest.raises(TutorialError, match="1 folder, a run of this program"):
            load_images(tmp_path / "packed", 8)
        return
    images, skipped = load_images(tmp_path / "packed", 8)
    assert len(images) == 1 and skipped == {"runs/cats": "a run of this program"}


def test_what_a_run_writes_beside_photographs_does_not_change_the_data(tmp_path):
    make_run(tmp_path)
    write(tmp_path, "photograph.png")
    before = list_files(open_source(tmp_path))
    for name in ("card.json", "weights-0123456789ab.npz", ".lock"):
        (tmp_path / name).write_bytes(b"{}")
    assert list_files(open_source(tmp_path)) == before
