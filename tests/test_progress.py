import sys
from types import SimpleNamespace

import IPython
import pytest

from tutorial_lib.progress import is_watched


@pytest.mark.parametrize(
    ("on_terminal", "shell", "asked_for", "expected"),
    [
        (True, None, "", True),
        (False, None, "", False),
        (False, SimpleNamespace(kernel="a kernel"), "", True),
        (False, SimpleNamespace(), "", False),
        (True, SimpleNamespace(kernel="a kernel"), "lines", False),
    ],
)
def test_a_bar_is_for_eyes(monkeypatch, on_terminal, shell, asked_for, expected):
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: on_terminal))
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    monkeypatch.setenv("TUTORIAL_PROGRESS", asked_for)
    assert is_watched() == expected


def test_no_error_stream_is_nobody_watching(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.delenv("TUTORIAL_PROGRESS", raising=False)
    assert not is_watched()
