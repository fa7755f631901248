"""Ctrl-C, a polite kill and a closed terminal: a run ends between two steps, and saves."""

import contextlib
import signal
import threading
from collections.abc import Iterator

POLITE = [signal.SIGINT, signal.SIGTERM]
if hasattr(signal, "SIGHUP"):  # not on Windows
    POLITE.append(signal.SIGHUP)


@contextlib.contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Turn polite signals into an event, so that a step is never left half done.

    A second Ctrl-C interrupts at once. A signal that the process was told to ignore stays so:
    under `nohup`, a closed terminal ends nothing. Outside the main thread, signals stay as they
    are.
    """
    interruption = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return

    def note(number, frame):
        if interruption.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        interruption.set()

    heard = [number for number in POLITE if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, note) for number in heard}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
