"""Measure programs in turns, each in a process of its own, and compare neighbours.

A machine drifts: it warms up, and other programs come and go. When the programs take turns
(A B C A B C …), a drift meets all of them, and the ratio of two neighbours says more than the
ratio of two averages. Needs the standard library alone, so that any Python can import it, and Linux
or macOS.
"""

import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable


class MeasurementError(RuntimeError):
    """A program that was to be measured failed; the message is the last line that it wrote."""


class StopWatch:
    """Time the steps of a loop: call `tick` before the first and after each, until it is False.

    The first `warmup` steps are not counted: they trace, compile and allocate. Then it runs for
    `seconds`, but for three steps at least.
    """

    def __init__(self, seconds: float, warmup: int = 2):
        self.seconds, self.warmup = seconds, warmup
        self._ends: list[float] = []

    def tick(self) -> bool:
        """Note the time, and return whether there should be another step."""
        self._ends.append(time.perf_counter())
        counted = self._ends[self.warmup :]
        return len(counted) <= 3 or counted[-1] - counted[0] < self.seconds

    def median(self) -> float:
        """Return the median of the counted steps, in seconds."""
        counted = self._ends[self.warmup :]
        return statistics.median(after - before for before, after in itertools.pairwise(counted))


def time_steps(step: Callable[[], object], seconds: float) -> float:
    """Return the median time of `step()` in seconds; it must wait for the device itself."""
    watch = StopWatch(seconds)
    while watch.tick():
        step()
    return watch.median()


def call_times(functions: dict[str, Callable[[], object]], calls: int) -> dict[str, float]:
    """Return the median time of a call of each function in seconds; they are called in turns.

    Each must wait for the device itself. Two calls before do not count.
    """
    times = {name: [] for name in functions}
    for turn in range(calls + 2):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if turn >= 2:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(column) for name, column in times.items()}


def peak_memory_mb() -> float:
    """Return the largest memory that this process has had so far."""
    import resource  # there is none on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # bytes there, else kilobytes


def run_program(
    command: list[str], *, drop: tuple[str, ...] = (), add: dict[str, str] | None = None
) -> dict:
    """Return what a program prints in its last line, as JSON.

    `drop` names environment variables that it must not see, `add` gives it others. Raises
    `MeasurementError` if it fails.
    """
    environment = {name: value for name, value in os.environ.items() if name not in drop}
    environment |= add or {}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    except OSError as error:
        raise MeasurementError(str(error)) from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise MeasurementError(said[-1])
    return json.loads(done.stdout.splitlines()[-1])


def take_turns(programs: dict[str, Callable[[], dict]], rounds: int) -> dict[str, list[dict]]:
    """Return what each program gives in each round, in the same order everywhere."""
    results = {name: [] for name in programs}
    for turn in range(rounds):
        for name, program in programs.items():
            results[name].append(program())
            print(f"round {turn + 1}, {name}: {results[name][-1]}", flush=True)
    return results


def compare(ours: list[float], theirs: list[float]) -> dict[str, float]:
    """Return median, least and greatest of the ratios of neighbours, ours / theirs."""
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}
