import pytest
from helpers.disks import filled

from tutorial_lib.errors import TutorialError
from tutorial_lib.files import write_whole, writing_to


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
