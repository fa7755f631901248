"""Answers to an exercise, right and wrong, and what its check says of them."""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Exercise:
    """Hold an exercise's check, and answers to it as tuples of the check's first arguments.

    `wrong` names each answer by the mistake in it. `given` makes the check's other arguments:
    what the chapter has at hand by then.
    """

    check: Callable
    right: tuple
    wrong: dict[str, tuple]
    given: Callable[[], tuple] = tuple

    def accepts(self, answer: tuple, given: tuple) -> bool:
        """Return whether every line that the check prints is "Correct."."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            self.check(*answer, *given)
        lines = said.getvalue().splitlines()
        assert lines, "a check says something"
        return all(line == "Correct." for line in lines)
