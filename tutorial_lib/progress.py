"""Whether anybody watches, and what they are told: a bar for eyes, plain lines for logs."""

import contextlib
import os
import sys


def is_watched() -> bool:
    """Return whether a moving bar makes sense: on a terminal, or in a live notebook.

    The environment variable TUTORIAL_PROGRESS=lines asks for plain lines everywhere, for
    notebooks that run with nobody watching.
    """
    if os.environ.get("TUTORIAL_PROGRESS") == "lines":
        return False
    on_terminal = sys.stderr is not None and sys.stderr.isatty()
    return on_terminal or _in_notebook()


def say(text: str, *, aside: bool = False) -> None:
    """Print a line at once, so that a log shows it even if the process is killed.

    What is said `aside` goes to standard error: it is no part of what was asked for.

    What standard output cannot encode is escaped. Nothing happens where nobody listens any more:
    a closed pipe or terminal stops no training.
    """
    stream = sys.stderr if aside else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
    except (OSError, ValueError):  # ValueError: standard output was closed
        # Or Python would try to write the rest at its end, and complain.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")  # a notebook has imported it long ago
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
