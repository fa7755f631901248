"""The loop around any algorithm: batches, the clock, callbacks, saving and resuming (chapter 7)."""

import contextlib
import dataclasses
import json
import math
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

import tutorial_lib
from tutorial_lib.data.pipeline import batches, fingerprint
from tutorial_lib.errors import TutorialError
from tutorial_lib.files import write_whole
from tutorial_lib.training.callbacks import Callback, default_callbacks
from tutorial_lib.training.clock import step_values
from tutorial_lib.training.lock import locked
from tutorial_lib.training.memory import keep_freed_memory
from tutorial_lib.training.precision import device_name
from tutorial_lib.training.recipes import Recipe
from tutorial_lib.training.state import TrainingState, check_config
from tutorial_lib.training.strategies import (
    check_scope,
    distribute_step,
    split_batches,
    synchronize_batch_norm,
)
from tutorial_lib.training.workers import Workers


class Algorithm(Protocol):
    """What the trainer asks of an algorithm: a `tf.Module` with these names (see `gan.GAN`)."""

    recipe: Recipe
    precision: str
    average: keras.Model  # the network that a run publishes

    def schedule(self, nimg: int) -> dict[str, float]:
        """Return the values that change over the run, at `nimg` images seen."""

    def train_step(self, batch, seed, schedule_values) -> dict[str, tf.Tensor]:
        """Update the networks, and return metrics, means over the batch; …loss are shown."""

    def draw_latents(self, count: int, seed: int = 0) -> np.ndarray:
        """Return what `sample` takes, the same for each seed."""

    def sample(self, latents: np.ndarray) -> np.ndarray:
        """Return images, float32 in [-1, 1]."""


class Trainer:
    """Train an algorithm on images, in a run directory that can be resumed at any time.

    `images` is uint8 (N, size, size, 3). A tick, every `tick_kimg` thousand images, is when
    callbacks log, sample and save; `callbacks` defaults to `default_callbacks()`. A resumed run
    ends in the same bits as one never stopped, on a CPU and with
    `tf.config.experimental.enable_op_determinism()`. With a `strategy` from `make_strategy`, for
    which the algorithm was built, several devices share each batch; callbacks act on one worker
    only. Raises `TutorialError` if the images are not uint8 or do not have the size of the
    recipe, or if the strategy does not fit.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        images: np.ndarray,
        directory: str | Path,
        *,
        strategy: tf.distribute.Strategy | None = None,
        tick_kimg: float = 5.0,
        callbacks: Sequence[Callback] | None = None,
    ):
        size = algorithm.recipe.size
        digest = fingerprint(images)
        if images.shape[1:] != (size, size, 3):
            raise TutorialError(
                f"The recipe is for images of shape {(size, size, 3)}, but these have shape "
                f"{images.shape[1:]}: load them with size={size}, or change the recipe."
            )
        self.algorithm = algorithm
        self.images = images
        self.directory = Path(directory)
        self.state = TrainingState(algorithm, self.directory / "checkpoints")
        self.strategy = strategy or tf.distribute.get_strategy()
        self.workers = Workers(self.strategy)
        self.callbacks = default_callbacks() if callbacks is None else list(callbacks)
        self.finished = False
        self._stop_nimg = self._stop_seconds = math.inf
        self._tick_images = max(1, round(tick_kimg * 1000))
        check_scope(self.strategy, self.state.variables())
        if self.strategy.num_replicas_in_sync > 1:
            synchronize_batch_norm(algorithm)
        self._step = distribute_step(algorithm.train_step, self.strategy)
        self._config = {
            "algorithm": type(algorithm).__name__,
            "recipe": dataclasses.asdict(algorithm.recipe),
            "precision": algorithm.precision,
            "data": {"images": len(images), "sha256": digest},
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
            "replicas": self.strategy.num_replicas_in_sync,
            "versions": {
                "tutorial_lib": tutorial_lib.__version__,
                "tensorflow": tf.__version__,
                "keras": keras.__version__,
            },
        }

    def fit(
        self, *, kimg: float | None = None, minutes: float | None = None, resume: str = "auto"
    ) -> None:
        """Train until the run has seen `kimg` thousand images or has lasted `minutes`.

        Both count from the start of the run, not of this call. `resume` is "auto" (go on if
        the directory holds a run), "must" (an error if it holds none) or "never" (an error if
        it holds one). Ctrl-C saves, says how to go on and raises KeyboardInterrupt. Raises
        `TutorialError` if the run was started with other hyper-parameters or data, if a loss
        is no longer finite, if nothing can be written, if another process trains there, or if
        another worker is lost.
        """
        if kimg is None and minutes is None:
            raise TutorialError("Say when to stop: give kimg, minutes or both.")
        self._stop_nimg = 1000 * _positive("kimg", kimg)
        self._stop_seconds = 60 * _positive("minutes", minutes)
        self._check_learning_rate()
        self._batches()  # refuses an impossible batch size or seed before anything is written
        with self.workers.losses_named(), self._opened(resume):
            keep_freed_memory()
            self._train()

    def _check_learning_rate(self) -> None:
        """Raise `TutorialError` if the last images would be seen at a learning rate of 0."""
        if math.isfinite(self._stop_nimg):
            last = max(0, math.ceil(self._stop_nimg) - self.algorithm.recipe.batch_size)
            if self.algorithm.schedule(last).get("learning_rate") == 0:
                raise TutorialError(
                    f"The learning rate is 0 before {self._stop_nimg / 1000:g} thousand images are "
                    "seen: train for fewer, or give the recipe a larger decay_kimg."
                )

    def _train(self) -> None:
        """Let the callbacks begin, take all steps, and let the callbacks end."""
        try:
            with _interruptible() as interruption:
                self._call("on_start")
                self._run(interruption)
                self.workers.wait()  # for the last checkpoint
        finally:
            self._call("on_end")
        if interruption.is_set() and self.progress() < 1:
            saved = self.state.saved()
            print(
                f"Stopped at {self.nimg} images; saved: {saved[-1] if saved else 'nothing'}. "
                f"To go on, train again with the same settings in {self.directory}."
            )
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def _opened(self, resume: str) -> Iterator[None]:
        """Make or check the run directory, load its newest checkpoint, and keep others out."""
        if resume not in ("auto", "must", "never"):
            raise TutorialError(f"resume must be auto, must or never, not {resume!r}.")
        config_file = self.directory / "config.json"
        started = config_file.exists()
        if started and resume == "never":
            raise TutorialError(f"{self.directory} already holds a run: choose another folder.")
        if not started and resume == "must":
            raise TutorialError(f"{self.directory} holds no run to resume: check the path.")
        if not started and self.state.saved():
            raise TutorialError(
                f"{self.directory} holds checkpoints but no config.json: choose another folder."
            )
        with contextlib.ExitStack() as stack:
            try:
                if self.workers.is_chief:
                    stack.enter_context(locked(self.directory))
                if started:
                    check_config(config_file, self._config)
                    self.state.restore()
                self._check_agreement()
                if not started and self.workers.is_chief:
                    content = json.dumps(self._config, indent=2) + "\n"
                    write_whole(config_file, content.encode())
            except OSError as error:
                raise TutorialError(
                    f"The run folder {self.directory} cannot be used ({error}): choose another one."
                ) from error
            yield

    def _check_agreement(self) -> None:
        """Refuse workers that would see other images, or go on from or stop at another point."""
        clock = {"nimg": self.nimg, "kimg": self._stop_nimg / 1000}
        stop = {"minutes": self._stop_seconds / 60, "tick_kimg": self._tick_images / 1000}
        self.workers.check_agreement(self._config | clock | stop)

    def _batches(self) -> Iterable:
        recipe = self.algorithm.recipe
        return split_batches(
            lambda **part: batches(
                self.images,
                recipe.batch_size,
                seed=recipe.seed,
                start=self.nimg,
                flip=recipe.flip,
                **part,
            ),
            recipe.batch_size,
            self.strategy,
        )

    def _run(self, interruption: threading.Event) -> None:
        """Take steps until there is nothing left to do, or someone interrupts."""
        state, batch_size = self.state, self.algorithm.recipe.batch_size
        self.finished = self.progress() >= 1
        if self.finished:
            return
        start = time.monotonic() - state.seconds
        tick = _Tick(state)
        for batch in self._batches():
            tick.add(self._step(batch, *step_values(self.algorithm, self.nimg)))
            state.nimg += batch_size
            state.seconds = time.monotonic() - start
            self._call("on_step")
            # Several workers hear of an interruption, and read the clock, together.
            state.seconds, stop = self.workers.mean(state.seconds, interruption.is_set())
            if stop:
                interruption.set()
            self.finished = stop > 0 or self.progress() >= 1
            if self.finished or state.nimg % self._tick_images < batch_size:
                means = tick.means()  # waits for the device, so the time is read after it
                state.seconds = time.monotonic() - start
                self._call("on_tick", tick.record(state) | means)
                state.seconds = time.monotonic() - start
                tick = _Tick(state)
            if self.finished:
                return

    def _call(self, occasion: str, *arguments) -> None:
        if not self.workers.is_chief:
            return
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

    def means(self) -> dict[str, float]:
        return {key: float(total) / self._steps for key, total in self._totals.items()}

    def record(self, state: TrainingState) -> dict:
        """Return the clock's part of a line of the log; the speed leaves callbacks out."""
        speed = (state.nimg - self._nimg) / max(state.seconds - self._seconds, 1e-9)
        clock = {"nimg": state.nimg, "seconds": round(state.seconds, 3)}
        return clock | {"images_per_second": round(speed, 2)}


def _positive(name: str, value: float | None) -> float:
    """Return a limit, infinity for None, or raise `TutorialError` naming it."""
    if value is None:
        return math.inf
    if not 0 < value < math.inf:
        raise TutorialError(f"{name} must be a positive number, not {value!r}.")
    return value


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
