"""A check says whether an exercise is solved, whatever the answer does."""

import pytest

from tutorial_lib.checks.verdict import check


@pytest.mark.parametrize(
    ("test", "printed"),
    [
        (lambda: True, "Correct.\n"),
        (lambda: None, "Not yet. Try 64.\n"),
        (lambda: 1 / 0, "Not yet. Try 64. (ZeroDivisionError: division by zero)\n"),
    ],
)
def test_check_tells_solved_from_unsolved(capsys, test, printed):
    check(test, "Try 64.")
    assert capsys.readouterr().out == printed
