"""Put the network of a finished run into the package, in half precision, with its sheet.

Usage, from the project's root:

    python scripts/publish_network.py runs/cats cat-faces-64

Writes tutorial_lib/pretrained/NAME: the weights in float16, their card, and sheet.jpg, 64 samples
of seed 0 that nobody chose. README.md, the card for people, is written by hand beside them.
"""

import sys
from pathlib import Path

from tutorial_lib.errors import TutorialError
from tutorial_lib.models.latents import draw_latents
from tutorial_lib.plotting import save_grid
from tutorial_lib.pretrained import load_card, load_generator, load_network, save_network

PUBLISHED = Path(__file__).resolve().parent.parent / "tutorial_lib" / "pretrained"


def publish(run: str, name: str) -> Path:
    """Save the averaged network of `run` under `name`, and return its folder."""
    facts = {key: value for key, value in load_card(run).items() if key != "weights"}
    folder = PUBLISHED / name
    save_network(folder, load_network(run), facts, dtype="float16")
    generator = load_generator(folder)  # what readers will load, rounding included
    latents = draw_latents(64, generator.input_shape[-1], seed=0)
    save_grid(generator.predict(latents, verbose=0), folder / "sheet.jpg", columns=8)
    return folder


if __name__ == "__main__":
    try:
        print(publish(*sys.argv[1:]))
    except TypeError as error:
        sys.exit(f"{error}\n{__doc__}")
    except (TutorialError, OSError) as error:
        sys.exit(str(error))
