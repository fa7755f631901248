"""What happens beside the training steps: progress, log, samples, checkpoints.

Imports no TensorFlow, so that other trainers can call them too.
"""

import math
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm.auto import tqdm

from tutorial_lib.errors import TutorialError
from tutorial_lib.files import writing_to
from tutorial_lib.progress import is_watched, say
from tutorial_lib.show.pictures import save_grid
from tutorial_lib.store import save_network
from tutorial_lib.training.log import append_record

if TYPE_CHECKING:
    from tutorial_lib.training.trainer import Trainer


class Callback:
    """Do nothing at every occasion that the trainer offers; subclasses override some."""

    def on_start(self, trainer: "Trainer") -> None:
        """Act before the first step of a call of `fit`."""

    def on_step(self, trainer: "Trainer") -> None:
        """Act after a step; whatever is slow or waits for a GPU belongs into `on_tick`."""

    def on_tick(self, trainer: "Trainer", record: dict) -> None:
        """Act at the end of a tick, with its means; `trainer.finished` tells the last one."""

    def on_end(self, trainer: "Trainer") -> None:
        """Act when `fit` ends, however it ends."""


class StopOnNonFinite(Callback):
    """Stop the run, before anything is saved, when a loss or a weight is NaN or infinite."""

    def on_tick(self, trainer: "Trainer", record: dict) -> None:
        """Raise `TutorialError` naming the loss and the last good checkpoint."""
        wrong = [name for name, value in record.items() if not math.isfinite(value)]
        if not wrong and trainer.state.is_finite():
            return
        what = f"{wrong[0]} is {record[wrong[0]]}" if wrong else "a weight is NaN or infinite"
        saved = trainer.state.saved()
        kept = f"the last good checkpoint is {saved[-1]}" if saved else "no checkpoint was made yet"
        raise TutorialError(
            f"Training stopped because {what} at {trainer.nimg} images; {kept}. Start a new run "
            "with a lower learning_rate, or with precision float32."
        )


class Log(Callback):
    """Append the record of every tick to `log.jsonl` in the run directory."""

    def on_tick(self, trainer: "Trainer", record: dict) -> None:
        """Append one line."""
        with writing_to(trainer.directory):
            append_record(trainer.directory / "log.jsonl", record)


class SampleGrid(Callback):
    """Write `samples/<nimg>.png` from one fixed set of latents, so that sheets can be compared.

    `count` images a sheet. There is a sheet at every tick of a young run, later whenever the
    images seen have grown by a tenth: a network changes ever more slowly.
    """

    def __init__(self, count: int = 64):
        self.count = count

    def on_start(self, trainer: "Trainer") -> None:
        """Draw the latents; a new run begins with a sheet of the untrained network."""
        self._latents = trainer.algorithm.draw_latents(self.count, trainer.algorithm.recipe.seed)
        if trainer.nimg == 0:
            self._write(trainer)
        stems = [path.stem for path in (trainer.directory / "samples").glob("*.png")]
        sheets = [int(stem) for stem in stems if stem.isdecimal()]  # no copies, "64 (1).png"
        self._next = 1.1 * max(nimg for nimg in [0, *sheets] if nimg <= trainer.nimg)

    def on_tick(self, trainer: "Trainer", record: dict) -> None:
        """Write a sheet if it is time, or if the run ends."""
        if trainer.finished or trainer.nimg >= self._next:
            self._write(trainer)
            self._next = 1.1 * trainer.nimg

    def _write(self, trainer: "Trainer") -> None:
        images = trainer.algorithm.sample(self._latents)
        with writing_to(trainer.directory):
            save_grid(images, trainer.directory / "samples" / f"{trainer.nimg:010d}.png")


class Checkpoints(Callback):
    """Save the state, and the averaged network by itself, at ticks and at the end.

    Between two savings lie at least `every_seconds`: on a fast machine, ticks are short.
    """

    def __init__(self, every_seconds: float = 30.0):
        self.every_seconds = every_seconds
        self._last = 0.0

    def on_start(self, trainer: "Trainer") -> None:
        """Start the clock."""
        self._last = time.monotonic()

    def on_tick(self, trainer: "Trainer", record: dict) -> None:
        """Save if it is time, or if the run ends."""
        if not trainer.finished and time.monotonic() - self._last < self.every_seconds:
            return
        # The network first: if the state is there, the rest is complete.
        with writing_to(trainer.directory):
            save_network(trainer.directory, trainer.algorithm.average, trainer.facts())
        trainer.state.save()
        self._last = time.monotonic()


SHOWN = re.compile("loss$|^frechet")


class Progress(Callback):
    """Show a live bar where somebody watches (see `progress.is_watched`), plain lines elsewhere."""

    def __init__(self):
        self._bar = None

    def on_start(self, trainer: "Trainer") -> None:
        """Say where the run stands, and open the bar."""
        run = trainer.directory or "run in memory"
        state = f"resumed at {trainer.nimg / 1000:.1f} kimg" if trainer.nimg else "new run"
        say(f"{run}: {state}, {trainer.algorithm.precision}")
        if is_watched():
            layout = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
            self._bar = tqdm(total=1.0, initial=trainer.progress(), bar_format=layout)

    def on_step(self, trainer: "Trainer") -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(trainer.progress() - self._bar.n)

    def on_tick(self, trainer: "Trainer", record: dict) -> None:
        """Show the means of the tick."""
        losses = {key: value for key, value in record.items() if SHOWN.search(key)}
        speed = f"{record['images_per_second']:.0f} images/s"
        if self._bar is not None:
            losses = {key: f"{value:.2f}" for key, value in losses.items()}
            self._bar.set_postfix({"kimg": f"{record['nimg'] / 1000:.1f}", **losses})
            return
        minutes, seconds = divmod(round(record["seconds"]), 60)
        shown = "  ".join(f"{key} {value:.2f}" for key, value in losses.items())
        say(f"{record['nimg'] / 1000:8.1f} kimg  {minutes:3d}:{seconds:02d}  {speed}  {shown}")

    def on_end(self, trainer: "Trainer") -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def default_callbacks(directory: Path | None) -> list[Callback]:
    """Return what a run does unless told otherwise; what may stop it comes first."""
    if directory is None:
        return [StopOnNonFinite(), Progress()]
    return [StopOnNonFinite(), Log(), SampleGrid(), Checkpoints(), Progress()]
