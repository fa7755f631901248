"""Run folders, with a state that needs no network."""

import json

import pytest

from tutorial_lib.errors import TutorialError
from tutorial_lib.training.run_folder import begin, check_config, resume

CONFIG = {"algorithm": "GAN", "recipe": {"size": 8, "beta": 0.5}, "data": {"sha256": "abc"}}


class Counter:
    """A state that only counts what is asked of it."""

    def __init__(self, saved=()):
        self.nimg, self.seconds, self.restored, self.kept = 0, 0.0, 0, list(saved)

    def saved(self):
        return self.kept

    def restore(self):
        self.restored += 1


def change(config, name, value):
    """Return a copy with another value of "recipe.size"."""
    copy = json.loads(json.dumps(config))
    *path, last = name.split(".")
    inner = copy
    for key in path:
        inner = inner[key]
    inner[last] = value
    return copy


def test_a_new_folder_is_begun_and_then_resumed(tmp_path):
    state, run = Counter(), tmp_path / "new" / "run"
    assert not resume(run, CONFIG, state, "auto") and not run.exists()
    begin(run, CONFIG)
    assert json.loads((run / "config.json").read_text()) == CONFIG
    assert [path.name for path in run.iterdir()] == ["config.json"]
    assert state.restored == 0
    assert resume(run, CONFIG, state, "auto") and state.restored == 1
    assert resume(run, CONFIG, state, "must") and state.restored == 2


def test_must_and_never_are_kept_to(tmp_path):
    state = Counter()
    with pytest.raises(TutorialError, match=f"{tmp_path} holds no run to resume: check the path"):
        resume(tmp_path, CONFIG, state, "must")
    assert not resume(tmp_path, CONFIG, state, "never")
    begin(tmp_path, CONFIG)
    with pytest.raises(TutorialError, match=f"{tmp_path} already holds a run: choose another"):
        resume(tmp_path, CONFIG, state, "never")
    with pytest.raises(TutorialError, match="auto, must or never, not 'yes'"):
        resume(tmp_path, CONFIG, state, "yes")
    assert state.restored == 0


def test_checkpoints_without_a_configuration_are_left_alone(tmp_path):
    state = Counter(saved=[tmp_path / "checkpoints" / "0000000016"])
    with pytest.raises(TutorialError, match=r"checkpoints but no config\.json: choose another"):
        resume(tmp_path, CONFIG, state, "auto")
    assert state.restored == 0


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("algorithm", "VAE", "algorithm = 'GAN', now it is 'VAE'"),
        ("recipe.size", 16, "recipe.size = 8, now it is 16"),
        ("recipe.size", "8", "recipe.size = 8, now it is '8'"),
        ("recipe.new", 1.0, "recipe.new = None, now it is 1.0"),
        ("recipe.new", None, "recipe.new = None, now it is None"),
        ("data.sha256", "abd", "data.sha256 = 'abc', now it is 'abd'"),
        ("data", {"sha256": "abc", "labels_sha256": "d"}, "data.labels_sha256 = None, now"),
    ],
)
def test_the_first_difference_is_named(tmp_path, name, value, sentence):
    begin(tmp_path, CONFIG)
    state = Counter()
    with pytest.raises(TutorialError) as caught:
        resume(tmp_path, change(CONFIG, name, value), state, "auto")
    assert sentence in str(caught.value) and str(tmp_path) in str(caught.value)
    assert state.restored == 0, "nothing of another run is loaded"


def test_what_this_version_does_not_know_is_passed_over(tmp_path):
    begin(tmp_path, CONFIG | {"later": {"field": 1}})
    assert resume(tmp_path, CONFIG, Counter(), "auto")


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b"5", b"[]", b"null"])
def test_a_damaged_configuration_is_named(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(TutorialError, match=rf"{path} is damaged \(.*: start a new run folder"):
        check_config(path, CONFIG)


def test_a_folder_that_cannot_be_read_is_the_callers_to_name(tmp_path):
    (tmp_path / "config.json").mkdir()
    with pytest.raises(OSError):
        resume(tmp_path, CONFIG, Counter(), "auto")
