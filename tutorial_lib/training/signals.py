"""Ctrl-C, a polite kill and a closed terminal: a run ends between two steps, and saves."""

import contextlib
import signal
import threading
from collections.abc import Iterator

POLITE = [signal.SIGINT, signal.SIGTERM]
# There is no SIGHUP on Windows, and `nohup` starts a program so that it ignores it.
HANG_UP = getattr(signal, "SIGHUP", None)


@contextlib.contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Turn polite signals into an event, so that a step is never left half done.

    A second Ctrl-C interrupts at once. Where a closed terminal should end nothing, under `nohup`,
    it doesn't. Outside the main thread, signals stay as they are.
    """
    interruption = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return

    def note(number, frame):
        if interruption.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        interruption.set()

    heard = list(POLITE)
    if HANG_UP is not None and signal.getsignal(HANG_UP) != signal.SIG_IGN:
        heard.append(HANG_UP)
    before = {number: signal.signal(number, note) for number in heard}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
