"""Published networks: weights in half precision, each beside a card that says how they came."""

import hashlib
import io
import json
import os
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.errors import TutorialError

if TYPE_CHECKING:
    import keras

WEIGHTS, CARD = "weights.npz", "card.json"


def save_network(directory: Path, network: "keras.Model", facts: dict) -> None:
    """Write a network's weights (float16) and its card, the facts and the weights' digest.

    Raises `TutorialError` if a weight does not fit into float16, and OSError if the files
    cannot be written.
    """
    arrays = {}
    for index, weight in enumerate(network.get_weights()):
        arrays[f"{index:03d}"] = np.asarray(weight, np.float16)
        if not np.isfinite(arrays[f"{index:03d}"]).all():
            raise TutorialError(f"Weight {index} of {network.name} does not fit into float16.")
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    card = facts | {"weights": {"file": WEIGHTS, "sha256": digest}}
    _replace(directory / WEIGHTS, buffer.getvalue())
    _replace(directory / CARD, (json.dumps(card, indent=2) + "\n").encode())


def available() -> list[str]:
    """Return the names of the networks that come with the package."""
    folders = resources.files(__name__).iterdir()
    return sorted(folder.name for folder in folders if (folder / CARD).is_file())


def load_card(name_or_directory: str | Path) -> dict:
    """Return the card of a published network, or of the one in a run directory.

    Raises `TutorialError` if there is neither.
    """
    directory = _find(name_or_directory)
    try:
        return json.loads((directory / CARD).read_text())
    except ValueError as error:
        raise TutorialError(f"The card {directory / CARD} is damaged: {error}.") from error


def load_generator(name_or_directory: str | Path) -> "keras.Model":
    """Return a generator of a name in `available()`, or of a run directory, in float32.

    It maps latents (N, latent_size) to images (N, size, size, 3) in [-1, 1]. Raises
    `TutorialError` if there is no such network, or if the weights do not match the card.
    """
    from tutorial_lib.training.networks import get_networks
    from tutorial_lib.training.recipes import recipe_from_dict

    card = load_card(name_or_directory)
    path = _find(name_or_directory) / card["weights"]["file"]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TutorialError(f"The weights {path} are missing or unreadable ({error}).") from error
    if hashlib.sha256(content).hexdigest() != card["weights"]["sha256"]:
        raise TutorialError(f"The weights {path} are damaged: their SHA-256 is not the card's.")
    recipe = recipe_from_dict(card["recipe"])
    generator = get_networks(recipe.networks).generator(recipe)
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        generator.set_weights([arrays[name].astype(np.float32) for name in sorted(arrays)])
    return generator


def _find(name_or_directory: str | Path) -> Path:
    """Return the folder of a published name or of a path that holds a card."""
    for directory in (
        Path(str(resources.files(__name__))) / name_or_directory,
        Path(name_or_directory),
    ):
        if (directory / CARD).is_file():
            return directory
    raise TutorialError(
        f"There is no network in {str(name_or_directory)!r}: give the folder of a run, or one of "
        f"{', '.join(available()) or 'none yet'}."
    )


def _replace(path: Path, content: bytes) -> None:
    """Write a file in one piece: a reader never sees half of it."""
    partial = path.with_suffix(path.suffix + ".partial")
    partial.write_bytes(content)
    os.replace(partial, path)
