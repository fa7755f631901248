"""Put the network of a finished run into the package, in half precision, and measure it.

Usage, from the project's root:

    python scripts/publish_network.py runs/cats cat-faces-64

Writes tutorial_lib/pretrained/NAME: the weights in float16 and their card, with the measures of
chapter 9 for the GANs of cat faces; the run's log; and three sheets of 64 samples or fewer that
nobody chose: sheet.jpg (seed 0), truncated.jpg (the same latents, `TRUNCATION` times as long) and
progress.jpg (the same samples ever later in training, a row a time). README.md, the card for
people, is written by hand beside them.
"""

import dataclasses
import shutil
import sys
from pathlib import Path

import numpy as np

from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.evaluation import evaluate_generator
from tutorial_lib.models.latents import draw_latents
from tutorial_lib.pretrained import load_card, load_generator, load_network
from tutorial_lib.show.pictures import read_sheets, save_grid
from tutorial_lib.store import save_network

PUBLISHED = Path(__file__).resolve().parent.parent / "tutorial_lib" / "pretrained"
TRUNCATION = 0.7
PROGRESS_ROWS = 6


def publish(run: str, name: str) -> Path:
    """Save the averaged network of `run` under `name`, and return its folder."""
    facts = {key: value for key, value in load_card(run).items() if key != "weights"}
    folder = PUBLISHED / name
    network = load_network(run)
    save_network(folder, network, facts, dtype="float16")
    generator = load_generator(folder)  # what readers will load, rounding included
    if facts["algorithm"] == "GAN" and facts["recipe"]["size"] == 64:
        measures = {"metrics": dataclasses.asdict(evaluate_generator(generator))}
        save_network(folder, network, facts | measures, dtype="float16")
    latents = draw_latents(64, generator.input_shape[-1], seed=0)
    for file, length in {"sheet.jpg": 1.0, "truncated.jpg": TRUNCATION}.items():
        save_grid(generator.predict(length * latents, verbose=0), folder / file, columns=8)
    shutil.copyfile(Path(run) / "log.jsonl", folder / "log.jsonl")
    save_progress(run, facts["recipe"]["size"], folder / "progress.jpg")
    return folder


def save_progress(run: str, size: int, path: Path) -> None:
    """Draw the first row of some of the run's sheets, from the first to the last."""
    rows = [sheet[:size] for sheet in read_sheets(run, cells=8)]
    chosen = np.linspace(0, len(rows) - 1, min(PROGRESS_ROWS, len(rows))).round().astype(int)
    save_grid(np.stack([rows[index] for index in chosen]), path, columns=1)


if __name__ == "__main__":
    try:
        print(publish(*sys.argv[1:]))
    except TypeError as error:
        sys.exit(f"{error}\n{__doc__}")
    except (TutorialError, OSError) as error:
        sys.exit(str(error))
