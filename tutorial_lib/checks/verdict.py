"""How a check says whether an exercise is solved."""

from collections.abc import Callable


def check(test: Callable[[], bool], hint: str = "") -> None:
    """Print whether a part of an exercise is solved: "Correct." or "Not yet.", with the hint.

    `test` is a function without arguments, so that an unfinished solution that raises an error
    is a "Not yet" too, and a notebook full of open exercises still runs to its end.
    """
    try:
        solved, reason = bool(test()), hint
    except Exception as error:
        solved, reason = False, f"{hint} ({type(error).__name__}: {error})"
    print("Correct." if solved else f"Not yet. {reason}".strip())
