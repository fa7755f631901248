"""Whether anybody watches: a progress bar for eyes, plain lines for logs and stored notebooks."""

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


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")  # a notebook has imported it long ago
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
