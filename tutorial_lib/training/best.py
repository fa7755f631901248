"""Keeping the best network of a run, measured now and then on the way (chapter 9)."""

import functools
import math
from collections.abc import Callable

import numpy as np

from tutorial_lib.data.pixels import distinct, fingerprint, to_uint8
from tutorial_lib.files import writing_to
from tutorial_lib.metrics.evaluation import evaluate_images
from tutorial_lib.metrics.reference import (
    Reference,
    load_reference,
    possible_counts,
    reference_from_images,
)
from tutorial_lib.progress import say
from tutorial_lib.store import CARD, read_card, save_network
from tutorial_lib.training.callbacks import Callback
from tutorial_lib.training.trainer import Trainer

COUNT = 1000  # images measured: few, so that it takes seconds


class KeepBest(Callback):
    """Measure the averaged network now and then, and keep the best one of the run in `best/`.

    `measure` takes uint8 images (count, size, size, 3) and returns numbers by name, for example
    `lambda images: evaluate_images(images, reference).values`; the network with the lowest
    `score` among them is kept, with a card that says so. Every `every_kimg` thousand images,
    and at the end of the run, the numbers join the record of the tick, so this callback stands
    before `Log`. They compare within a run: each is of the same latents, and of few images.
    """

    def __init__(
        self,
        measure: Callable[[np.ndarray], dict[str, float]],
        *,
        every_kimg: float = 50.0,
        count: int = COUNT,
        score: str = "frechet_lite0",
    ):
        self.measure = measure
        self.every_images = 1000 * every_kimg
        self.count = count
        self.score = score

    def on_start(self, trainer: Trainer) -> None:
        """Draw the latents; a resumed run goes on from the best score so far."""
        algorithm, best = trainer.algorithm, trainer.directory / "best"
        self._latents = algorithm.draw_latents(self.count, algorithm.recipe.seed)
        self._seen = trainer.nimg
        known = (best / CARD).is_file()
        self._best = read_card(best)["score"]["value"] if known else math.inf

    def on_tick(self, trainer: Trainer, record: dict) -> None:
        """Measure if it is time, and save the network if it is the best."""
        due = trainer.nimg // self.every_images > self._seen // self.every_images
        self._seen = trainer.nimg
        if not due and trainer.progress() < 1:
            return
        measures = self.measure(to_uint8(trainer.algorithm.sample(self._latents)))
        record.update(measures)
        if measures[self.score] < self._best:
            self._best = measures[self.score]
            score = {"name": self.score, "value": self._best, "count": self.count}
            facts = trainer.facts() | {"score": score}
            with writing_to(trainer.directory):
                save_network(trainer.directory / "best", trainer.algorithm.average, facts)


def keep_best(images: np.ndarray, name: str, *, every_kimg: float) -> KeepBest:
    """Return a callback that measures a run against its own data, uint8 (N, size, size, 3).

    It draws `COUNT` images every so many thousand seen, or fewer if the data has no floor for so
    many. What it measures against is computed when it is needed first. Raises `TutorialError` if
    the data has too few images for any floor.
    """
    counts = possible_counts(len(distinct(images)), name)

    @functools.cache
    def reference() -> Reference:
        published = load_reference()
        if published.sha256 == fingerprint(images):
            return published
        say(f"Measuring {name}, once: some 100 to 300 images a second.")
        return reference_from_images(images, name, count=COUNT)

    return KeepBest(
        lambda samples: evaluate_images(samples, reference()).values,
        every_kimg=every_kimg,
        count=min(COUNT, counts[-1]),
    )
