"""The clock of a run: how far it is, and what happened since the last tick (chapter 7).

Imports no TensorFlow, so that other trainers can count in the same way.
"""

import dataclasses
import math
import time

from tutorial_lib.errors import TutorialError
from tutorial_lib.training.run_folder import State


@dataclasses.dataclass(frozen=True)
class Limits:
    """Hold when a run ends: after so many images seen, or so many seconds, from its start."""

    images: float = math.inf
    seconds: float = math.inf

    @classmethod
    def of(cls, *, kimg: float | None, minutes: float | None) -> "Limits":
        """Return the limits given in thousand images and in minutes.

        Raises `TutorialError` if both are None, or one is no positive number.
        """
        if kimg is None and minutes is None:
            raise TutorialError("Say when to stop: give kimg, minutes or both.")
        for name, value in (("kimg", kimg), ("minutes", minutes)):
            if value is not None and not 0 < value < math.inf:
                raise TutorialError(f"{name} must be a positive number, not {value!r}.")
        images = math.inf if kimg is None else max(1, round(1000 * kimg, 6))
        return cls(images, math.inf if minutes is None else 60 * minutes)

    def progress(self, state: State) -> float:
        """Return how much of the run is done, from 0 to 1."""
        return min(1.0, max(state.nimg / self.images, state.seconds / self.seconds))


class Clock:
    """Keep `state.seconds`, the time that a run has lasted, over all its parts."""

    def __init__(self, state: State):
        self._state = state
        self._start = time.monotonic() - state.seconds

    def read(self) -> None:
        """Set the state's seconds to what they are now."""
        self._state.seconds = time.monotonic() - self._start


class Tick:
    """Sum up the metrics of the steps between two ticks, on the device."""

    def __init__(self, state: State, clock: Clock):
        clock.read()  # so that the speed leaves callbacks out
        self._state, self._clock = state, clock
        self._nimg, self._seconds = state.nimg, state.seconds
        self._totals: dict = {}
        self._steps = 0

    def add(self, metrics: dict) -> None:
        """Take in the metrics of a step, scalars of any kind."""
        self._totals = {key: self._totals.get(key, 0.0) + value for key, value in metrics.items()}
        self._steps += 1

    def record(self) -> dict[str, float]:
        """Return a line of the log: the clock, the speed, the means of the metrics."""
        # The means first, since they wait for the device.
        means = {key: float(total) / self._steps for key, total in self._totals.items()}
        self._clock.read()
        nimg, seconds = self._state.nimg, self._state.seconds
        speed = (nimg - self._nimg) / max(seconds - self._seconds, 1e-9)
        times = {"seconds": round(seconds, 3), "images_per_second": round(speed, 2)}
        return {"nimg": nimg} | times | means
