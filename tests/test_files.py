import os
from pathlib import Path

import pytest
from helpers.disks import filled

from tutorial_lib.errors import TutorialError
from tutorial_lib.files import check_writable, printable, user_path, write_whole, writing_to

# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cat 1.jpg", "cat 1.jpg"),
        ("Katze ä 猫 🐈.jpg", "Katze ä 猫 🐈.jpg"),
        ("\x1b[2J\x1b]0;x\x07.jpg", r"\x1b[2J\x1b]0;x\x07.jpg"),
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\u2066x\u2069\u200f", r"\u2066x\u2069\u200f"),
        ("\x9b31m\x7f\x85", r"\x9b31m\x7f\x85"),
        ("caf\udce9", r"caf\udce9"),
        ("\u2028", r"\u2028"),
        ("👩\u200d🚀", "👩\u200d🚀"),
    ],
)
def test_names_are_escaped(name, shown):
    assert printable(name) == shown
    printable(name).encode()


def test_a_tilde_is_the_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    assert user_path("~/runs/cats") == Path("/home/someone/runs/cats")
    assert user_path(Path("~")) == Path("/home/someone")
    for other in ("runs/~", "/runs", "~nobody-of-that-name/runs", "."):
        assert user_path(other) == Path(other)


# --- whole writes --------------------------------------------------------------------------------


def test_a_file_is_written_with_its_folder_and_leaves_no_other(tmp_path):
    path = tmp_path / "new" / "folder" / "file.txt"
    for content in (b"first", b"second, and longer"):
        write_whole(path, content)
        assert path.read_bytes() == content
        assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_replaced_is_left_as_it_was(tmp_path):
    path = tmp_path / "file.txt"
    path.mkdir()  # nothing can be renamed to a folder
    (path / "inside").write_text("kept")
    with pytest.raises(OSError):
        write_whole(path, b"new")
    assert (path / "inside").read_text() == "kept" and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_older_file_whole(small_disk):
    path = small_disk / "file.bin"
    write_whole(path, bytes(8192))
    with filled(small_disk), pytest.raises(OSError, match="No space left"):
        write_whole(path, b"x" * 100_000)
    assert path.read_bytes() == bytes(8192) and list(small_disk.iterdir()) == [path]


def test_what_a_run_folder_refuses_is_told_in_one_sentence(tmp_path):
    with pytest.raises(TutorialError) as caught, writing_to(tmp_path / "run"):
        (tmp_path / "run" / "log.jsonl").open("w")
    sentence = str(caught.value)
    assert sentence.startswith(f"The run folder {tmp_path / 'run'} could not be written (")
    assert "No such file" in sentence and "train again" in sentence
    assert isinstance(caught.value.__cause__, OSError)


def test_other_errors_pass_through(tmp_path):
    with pytest.raises(KeyError), writing_to(tmp_path):
        raise KeyError
    with pytest.raises(TutorialError, match="mine"), writing_to(tmp_path):
        raise TutorialError("mine")


def test_what_a_link_stands_for_is_written_and_the_link_stays(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    write_whole(tmp_path / "link.txt", b"new")
    assert (tmp_path / "real.txt").read_bytes() == b"new" and (tmp_path / "link.txt").is_symlink()


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, b"content")
    assert os.read(reader, 100) == b"content" and pipe.is_fifo()
    os.close(reader)


def test_a_path_that_cannot_be_written_is_told_before_the_work(tmp_path):
    check_writable(tmp_path / "not" / "there" / "yet.png")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TutorialError, match="/proc/nowhere/cats.png cannot be written .*another"):
        check_writable(Path("/proc/nowhere/cats.png"))
    with pytest.raises(TutorialError, match="empty"):
        user_path("")
