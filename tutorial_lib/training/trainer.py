"""The loop around any algorithm: batches, the clock, callbacks, saving and resuming (chapter 7)."""

import contextlib
import dataclasses
import math
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import tutorial_lib
from tutorial_lib.algorithms.base import Algorithm, step_values
from tutorial_lib.data.sources import Source, as_source
from tutorial_lib.errors import TutorialError
from tutorial_lib.hardware.graphs import leave_out_remapper
from tutorial_lib.hardware.memory import keep_freed_memory
from tutorial_lib.hardware.precision import device_name
from tutorial_lib.progress import say
from tutorial_lib.training import run_folder
from tutorial_lib.training.callbacks import Callback, default_callbacks
from tutorial_lib.training.devices import Devices
from tutorial_lib.training.lock import locked
from tutorial_lib.training.signals import interruptible
from tutorial_lib.training.state import TrainingState
from tutorial_lib.training.ticks import Clock, Limits, Tick


class Trainer:
    """Train an algorithm on a source of examples, in a run directory that can always be resumed.

    `data` is a source, or an array of images, uint8 (N, size, size, 3). Without a `directory`
    the run lives in memory and leaves nothing behind. A tick, every `tick_kimg` thousand images,
    is when callbacks log, sample and save; `callbacks` defaults to `default_callbacks()`. A
    resumed run ends in the same bits as one never stopped, on a CPU and with
    `tf.config.experimental.enable_op_determinism()`. With a `strategy` from `make_strategy`, for
    which the algorithm was built, several devices share each batch; callbacks act on one worker
    only. Raises `TutorialError` if the data do not fit the algorithm, or the strategy does not.

    >>> recipe = GANRecipe(size=8, width=2, latent_size=4)
    >>> trainer = Trainer(GAN(recipe), draw_cats(32, 16).images[:, ::2, ::2], callbacks=[])
    >>> trainer.fit(kimg=0.064)
    >>> trainer.nimg
    64
    """

    def __init__(
        self,
        algorithm: Algorithm,
        data: Source | np.ndarray,
        directory: str | Path | None = None,
        *,
        strategy: tf.distribute.Strategy | None = None,
        tick_kimg: float = 5.0,
        callbacks: Sequence[Callback] | None = None,
    ):
        self.algorithm = algorithm
        self.source = as_source(data)
        self._check_shape()
        self.directory = None if directory is None else Path(directory)
        self.state = TrainingState(algorithm, self.directory and self.directory / "checkpoints")
        self.devices = Devices(strategy)
        self.devices.prepare(algorithm, self.state.variables())
        self.finished = False
        self.callbacks = default_callbacks(self.directory) if callbacks is None else list(callbacks)
        self._limits = Limits()
        self._tick_images = max(1, round(tick_kimg * 1000))
        self._step = self.devices.compile(algorithm.train_step)
        self._config = {
            "algorithm": type(algorithm).__name__,
            "recipe": dataclasses.asdict(algorithm.recipe),
            "precision": algorithm.precision,
            "data": self.source.facts(),
        }

    @property
    def nimg(self) -> int:
        """The number of images seen: the one clock of schedules, logs and file names."""
        return self.state.nimg

    def progress(self) -> float:
        """Return how much of what `fit` was asked for is done, from 0 to 1."""
        return self._limits.progress(self.state)

    def facts(self) -> dict:
        """Return what a model card says of the run so far."""
        return self._config | {
            "nimg": self.nimg,
            "minutes": round(self.state.seconds / 60, 1),
            "device": device_name(),
            "replicas": self.devices.count,
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
        self._limits = Limits.of(kimg=kimg, minutes=minutes)
        self._check_learning_rate()
        self._batches()  # refuses an impossible batch size or seed before anything is written
        with self.devices.losses_named(), self._opened(resume):
            keep_freed_memory()
            leave_out_remapper()
            self._train()

    def _check_shape(self) -> None:
        """Raise `TutorialError` unless the source gives what the algorithm trains on."""
        wanted, found = self.algorithm.example_shape, self.source.shape
        if found != wanted:
            raise TutorialError(
                f"The recipe is for images of shape {wanted}, but these have shape {found}: load "
                f"them with size={self.algorithm.recipe.size}, or change the recipe."
            )

    def _check_learning_rate(self) -> None:
        """Raise `TutorialError` if the last images would be seen at a learning rate of 0."""
        images = self._limits.images
        if math.isfinite(images):
            last = max(0, math.ceil(images) - self.algorithm.recipe.batch_size)
            if self.algorithm.schedule(last).get("learning_rate") == 0:
                raise TutorialError(
                    f"The learning rate is 0 before {images / 1000:g} thousand images are "
                    "seen: train for fewer, or give the recipe a larger decay_kimg."
                )

    @contextlib.contextmanager
    def _opened(self, resume: str) -> Iterator[None]:
        """Make or check the run directory, load its newest checkpoint, and keep others out."""
        if self.directory is None:
            yield
            return
        with contextlib.ExitStack() as stack:
            try:
                if self.devices.is_chief:
                    stack.enter_context(locked(self.directory))
                started = run_folder.resume(self.directory, self._config, self.state, resume)
                self._check_agreement()
                if not started and self.devices.is_chief:
                    run_folder.begin(self.directory, self._config)
            except OSError as error:
                raise TutorialError(
                    f"The run folder {self.directory} cannot be used ({error}): choose another one."
                ) from error
            yield

    def _check_agreement(self) -> None:
        """Refuse workers that would see other images, or go on from or stop at another point."""
        limits = dataclasses.asdict(self._limits) | {"tick": self._tick_images}
        self.devices.check_agreement(self._config | limits | {"nimg": self.nimg})

    def _train(self) -> None:
        """Let the callbacks begin, take all steps, and let the callbacks end."""
        try:
            with interruptible() as interruption:
                self._call("on_start")
                self._take_steps(interruption)
                self.devices.wait()  # for the last checkpoint
        finally:
            self._call("on_end")
        if interruption.is_set() and self.progress() < 1:
            saved = (self.state.saved() or ["nothing"])[-1]
            go_on = f" To go on, train again with the same settings in {self.directory}."
            say(f"Stopped at {self.nimg} images; saved: {saved}.{go_on if self.directory else ''}")
            raise KeyboardInterrupt

    def _take_steps(self, interruption: threading.Event) -> None:
        """Take steps until there is nothing left to do, or someone interrupts."""
        self.finished = self.progress() >= 1
        if self.finished:
            return
        clock = Clock(self.state)
        tick = Tick(self.state, clock)
        for batch in self._batches():
            tick.add(self._step(batch, *step_values(self.algorithm, self.nimg)))
            self.state.nimg += self.algorithm.recipe.batch_size
            self._call("on_step")
            self.finished = self._is_over(clock, interruption)
            if self.finished or self._is_tick():
                self._call("on_tick", tick.record())
                tick = Tick(self.state, clock)
            if self.finished:
                return

    def _batches(self):
        return self.devices.batches(self.source, self.algorithm.recipe, start=self.nimg)

    def _is_tick(self) -> bool:
        return self.nimg % self._tick_images < self.algorithm.recipe.batch_size

    def _is_over(self, clock: Clock, interruption: threading.Event) -> bool:
        """Read the clock, and return whether this was the last step."""
        clock.read()
        # Several workers hear of an interruption, and read the clock, together.
        self.state.seconds, stop = self.devices.mean(self.state.seconds, interruption.is_set())
        if stop:
            interruption.set()
        return stop > 0 or self.progress() >= 1

    def _call(self, occasion: str, *arguments) -> None:
        if self.devices.is_chief:
            for callback in self.callbacks:
                getattr(callback, occasion)(self, *arguments)
