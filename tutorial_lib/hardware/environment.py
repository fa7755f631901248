"""What must be said to TensorFlow and Keras before they are imported, and how to import them."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

# What TensorFlow says of itself while it is imported, whatever TF_CPP_MIN_LOG_LEVEL asks for: that
# it logs, and lines of the levels information and warning. Errors begin with E, or look different.
CHATTER = r"WARNING: All log messages before absl|[IW]\d{4} \d\d:\d\d:"
PASS_ON = f"""
import re, sys
for line in sys.stdin.buffer:
    if not re.match(rb"{CHATTER}", line):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
"""


def prepare_tensorflow() -> None:
    """Make TensorFlow quiet, and fast on every CPU, and let Keras compute with it.

    Call it before TensorFlow's first import. What the user has set of TensorFlow's own variables
    stays. It uses its oneDNN kernels by default only on CPUs with certain instructions (AVX-512
    VNNI, bfloat16), but on others too a training step takes nearly half as long with them
    (chapter 8).
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # training needs it, whatever keras.json says


def import_tensorflow() -> None:
    """Import TensorFlow without its chatter; all else that it says there is still shown.

    Raises what the import raises.
    """
    with _without_chatter():
        import tensorflow  # noqa: F401


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    """Hold back what libraries write past Python to standard error, and show what matters of it.

    A process of its own passes the lines on, so that the last words of a crash are not lost.
    """
    try:
        stderr = os.dup(2)
        listener = subprocess.Popen([sys.executable, "-ISc", PASS_ON], stdin=subprocess.PIPE)
    except OSError:  # standard error is closed, so nobody listens, or there is no room
        yield
        return
    os.dup2(listener.stdin.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        listener.communicate()
