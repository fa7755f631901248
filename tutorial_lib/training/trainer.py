"""The loop around any algorithm: batches, the clock, callbacks, saving and resuming (chapter 7)."""

import contextlib
import dataclasses
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

import tutorial_lib
from tutorial_lib.data.pipeline import batches, fingerprint
from tutorial_lib.errors import TutorialError
from tutorial_lib.training.callbacks import Callback, default_callbacks
from tutorial_lib.training.precision import device_name
from tutorial_lib.training.recipes import Recipe
from tutorial_lib.training.state import TrainingState, check_config, write_json


class Algorithm(Protocol):
    """What the trainer asks of an algorithm: a `tf.Module` with these names (see `gan.GAN`)."""

    recipe: Recipe
    precision: str
    average: keras.Model  # the network that a run publishes

    def schedule(self, nimg: int) -> dict[str, float]:
        """Return the values that change over the run, at `nimg` images seen."""

    def train_step(self, batch, seed, schedule_values) -> dict[str, tf.Tensor]:
        """Update the networks, and return metrics; those named …loss are shown."""

    def draw_latents(self, count: int, seed: int = 0) -> np.ndarray:
        """Return what `sample` takes, the same for each seed."""

    def sample(self, latents: np.ndarray) -> np.ndarray:
        """Return images, float32 in [-1, 1]."""


class Trainer:
    """Train an algorithm on images, in a run directory that can be resumed at any time.

    `images` is uint8 (N, size, size, 3). A tick, every `tick_kimg` thousand images, is when
    callbacks log, sample and save; `callbacks` defaults to `default_callbacks()`. Raises
    `TutorialError` if the images do not have the size of the recipe.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        images: np.ndarray,
        directory: str | Path,
        *,
        tick_kimg: float = 5.0,
        callbacks: Sequence[Callback] | None = None,
    ):
        size = algorithm.recipe.size
        if images.shape[1:] != (size, size, 3):
            raise TutorialError(
                f"The recipe is for images of shape {(size, size, 3)}, but these have shape "
                f"{images.shape[1:]}: load them with size={size}, or change the recipe."
            )
        self.algorithm = algorithm
        self.images = images
        self.directory = Path(directory)
        self.state = TrainingState(algorithm, self.directory / "checkpoints")
        self.callbacks = default_callbacks() if callbacks is None else list(callbacks)
        self.finished = False
        self._tick_images = max(1, round(tick_kimg * 1000))
        self._step = tf.function(algorithm.train_step)
        self._config = {
            "algorithm": type(algorithm).__name__,
            "recipe": dataclasses.asdict(algorithm.recipe),
            "precision": algorithm.precision,
            "data": {"images": len(images), "sha256": fingerprint(images)},
        }

    @property
    def nimg(self) -> int:
        """The number of images seen: the one clock of schedules, logs and file names."""
        return self.state.nimg

    def progress(self) -> float:
        """Return how much of what `fit` was asked for is done, from 0 to 1."""
        return min(1.0, max(self.nimg / self._stop_nimg, self.state.seconds / self._stop_seconds))

    def facts(self) -> dict:
        """Return what a model card says of the run so far."""
        return self._config | {
            "nimg": self.nimg,
            "minutes": round(self.state.seconds / 60, 1),
            "device": device_name(),
            "versions": {
                "tutorial_lib": tutorial_lib.__version__,
                "tensorflow": tf.__version__,
                "keras": keras.__version__,
            },
        }

    def fit(
        self, *, kimg: float | None = None, minutes: float | None = None, resume: str = "auto"
    ) -> None:
        """Train until the run has seen `kimg` thousand images or has trained for `minutes`.

        Both count from the start of the run, not of this call. `resume` is "auto" (go on if
        the directory holds a run), "must" (an error if it holds none) or "never" (an error if
        it holds one). Ctrl-C saves, says how to resume and raises KeyboardInterrupt. Raises
        `TutorialError` if the run was started with other hyper-parameters or data, if a loss
        is no longer finite, or if nothing can be written.
        """
        if kimg is None and minutes is None:
            raise TutorialError("Say when to stop: give kimg, minutes or both.")
        self._stop_nimg = float("inf") if kimg is None else kimg * 1000
        self._stop_seconds = float("inf") if minutes is None else minutes * 60
        self._open(resume)
        self._call("on_start")
        try:
            with _interruptible() as interruption:
                self._run(interruption)
        finally:
            self._call("on_end")
        if interruption.is_set():
            print(f"Stopped and saved at {self.nimg} images. To go on, fit {self.directory} again.")
            raise KeyboardInterrupt

    def _open(self, resume: str) -> None:
        """Make or check the run directory, and load its newest checkpoint."""
        if resume not in ("auto", "must", "never"):
            raise TutorialError(f"resume must be auto, must or never, not {resume!r}.")
        config_file = self.directory / "config.json"
        if config_file.exists() and resume == "never":
            raise TutorialError(f"{self.directory} already holds a run: choose another folder.")
        if not config_file.exists() and resume == "must":
            raise TutorialError(f"{self.directory} holds no run to resume: check the path.")
        try:
            (self.directory / "samples").mkdir(parents=True, exist_ok=True)
            if config_file.exists():
                check_config(config_file, self._config)
                self.state.restore()
            else:
                write_json(config_file, self._config)
        except OSError as error:
            raise TutorialError(
                f"The run folder {self.directory} cannot be used ({error}): choose another one."
            ) from error

    def _run(self, interruption: threading.Event) -> None:
        """Take steps until there is nothing left to do, or someone interrupts."""
        recipe, state = self.algorithm.recipe, self.state
        self.finished = self.progress() >= 1
        if self.finished:
            return
        start = time.monotonic() - state.seconds
        tick = _Tick(state)
        for batch in batches(
            self.images, recipe.batch_size, seed=recipe.seed, start=state.nimg, flip=recipe.flip
        ):
            tick.add(self._step(batch, *self._step_values()))
            state.nimg += recipe.batch_size
            state.seconds = time.monotonic() - start
            self._call("on_step")
            self.finished = interruption.is_set() or self.progress() >= 1
            if self.finished or state.nimg % self._tick_images < recipe.batch_size:
                self._call("on_tick", tick.record(state))
                tick = _Tick(state)
            if self.finished:
                return

    def _step_values(self) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Return the seed and the schedule of the next step: tensors, so nothing is retraced."""
        seed = tf.constant([self.algorithm.recipe.seed, self.nimg], tf.int64)
        values = self.algorithm.schedule(self.nimg)
        return seed, {name: tf.constant(value, tf.float32) for name, value in values.items()}

    def _call(self, occasion: str, *arguments) -> None:
        try:
            for callback in self.callbacks:
                getattr(callback, occasion)(self, *arguments)
        except OSError as error:
            raise TutorialError(
                f"The run folder {self.directory} could not be written ({error}): mend that and "
                "fit again, to go on from the last checkpoint."
            ) from error


class _Tick:
    """Sum up the metrics of the steps between two ticks, on the device."""

    def __init__(self, state: TrainingState):
        self._nimg, self._seconds = state.nimg, state.seconds
        self._totals: dict[str, tf.Tensor] = {}
        self._steps = 0

    def add(self, metrics: dict[str, tf.Tensor]) -> None:
        self._totals = {key: self._totals.get(key, 0.0) + value for key, value in metrics.items()}
        self._steps += 1

    def record(self, state: TrainingState) -> dict:
        """Return one line of the log; this is where the device is waited for."""
        means = {key: float(total) / self._steps for key, total in self._totals.items()}
        speed = (state.nimg - self._nimg) / max(state.seconds - self._seconds, 1e-9)
        clock = {"nimg": state.nimg, "seconds": round(state.seconds, 3)}
        return clock | {"images_per_second": round(speed, 2)} | means


@contextlib.contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Turn Ctrl-C and a polite kill into an event, so that a step is never left half done.

    A second Ctrl-C interrupts at once. Outside the main thread, signals stay as they are.
    """
    interruption = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return

    def note(number, frame):
        if interruption.is_set():
            raise KeyboardInterrupt
        interruption.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
