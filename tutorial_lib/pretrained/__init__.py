"""Published networks: weights, each beside a card that says how they came about.

Most of them generate; `efficientnet-lite0` is the one that chapter 9 measures with, and
`cat-faces-64-statistics` is what it says of the photographs.
"""

import hashlib
import io
import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.errors import TutorialError
from tutorial_lib.files import write_whole

if TYPE_CHECKING:
    import keras

CARD = "card.json"


def save_network(
    directory: Path, network: "keras.Model", facts: dict, dtype: str = "float32"
) -> None:
    """Write a network's weights, and its card: the facts, and the weights' file and digest.

    The weights' file is named after its content, so a card never points to weights of another
    moment, not even after a kill between the two. Raises `TutorialError` if a weight does not
    fit into `dtype`, and OSError if the files cannot be written.
    """
    with np.errstate(over="ignore"):  # an overflow is an error of its own, below
        weights = [weight.astype(dtype) for weight in network.get_weights()]
    if not all(np.isfinite(weight).all() for weight in weights):
        raise TutorialError(f"A weight of the {network.name} does not fit into {dtype}.")
    compress = dtype == "float16"  # the precision of published networks: bytes count
    save_arrays(directory, "weights", number_arrays(weights), facts, compress=compress)


def number_arrays(weights: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Return weights under names whose order is theirs."""
    return {f"{index:03d}": weight for index, weight in enumerate(weights)}


def save_arrays(
    directory: Path,
    kind: str,
    arrays: dict[str, np.ndarray],
    facts: dict,
    *,
    compress: bool = False,
) -> None:
    """Write arrays, each in its own precision, and a card: the facts, and under `kind` the file.

    The file is named after its kind and content, as `save_network` says; files of that kind
    that the card named before are removed.
    """
    buffer = io.BytesIO()
    (np.savez_compressed if compress else np.savez)(buffer, **arrays)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    path = directory / f"{kind}-{digest[:12]}.npz"
    dtype = " and ".join(sorted({str(array.dtype) for array in arrays.values()}))
    card = facts | {kind: {"file": path.name, "sha256": digest, "dtype": dtype}}
    write_whole(path, buffer.getvalue())
    write_whole(directory / CARD, (json.dumps(card, indent=2) + "\n").encode())
    for outdated in {*directory.glob(f"{kind}-*.npz"), *directory.glob(f".{kind}-*")} - {path}:
        outdated.unlink()


def available() -> list[str]:
    """Return the names of the networks that come with the package and generate images."""
    folders = Path(str(resources.files(__name__))).iterdir()
    cards = [folder / CARD for folder in folders if (folder / CARD).is_file()]
    return sorted(card.parent.name for card in cards if "recipe" in load_card(card.parent))


def load_card(name_or_directory: str | Path) -> dict:
    """Return the card of a published network, or of the one in a run directory.

    Raises `TutorialError` if there is neither.
    """
    path = find_network(name_or_directory) / CARD
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TutorialError(f"The card {path} is damaged: {error}.") from error


def load_network(name_or_directory: str | Path) -> "keras.Model":
    """Return the network of a name in `available()`, or of a run directory, in float32.

    That is the generator of a GAN, or a whole autoencoder. Raises `TutorialError` if there is no
    such network, or if the weights do not match the card.
    """
    directory, card = find_network(name_or_directory), load_card(name_or_directory)
    # Only now: they import TensorFlow, for seconds, and a wrong name should fail at once.
    from tutorial_lib.training.networks import published_network
    from tutorial_lib.training.precision import precision_scope
    from tutorial_lib.training.recipes import recipe_from_dict

    if "recipe" not in card:
        raise TutorialError(
            f"The network in {directory} cannot be loaded: its card names no recipe, so it does "
            f"not generate images. Give the folder of a run, or one of {', '.join(available())}."
        )
    try:
        recipe = recipe_from_dict(card["recipe"], card["algorithm"])
        weights = load_weights(directory)
        with precision_scope("float32"):
            network = published_network(recipe)
        network.set_weights(weights)
    except (KeyError, TypeError, ValueError) as error:
        raise TutorialError(f"The network in {directory} cannot be loaded: {error}") from error
    return network


def load_generator(name_or_directory: str | Path) -> "keras.Model":
    """Return what generates: the network of `load_network`, or the decoder of an autoencoder.

    It maps latents (N, latent_size) to images (N, size, size, 3) in [-1, 1]. Raises
    `TutorialError` as `load_network` does.
    """
    network = load_network(name_or_directory)
    return network.get_layer("decoder") if network.name == "autoencoder" else network


def find_network(name_or_directory: str | Path) -> Path:
    """Return the folder of a name in `available()`, or of a path that holds a card.

    Raises `TutorialError` if there is neither.
    """
    published = Path(str(resources.files(__name__))) / name_or_directory
    for directory in (published, Path(name_or_directory)):
        if (directory / CARD).is_file():
            return directory
    raise TutorialError(
        f"There is no network in {str(name_or_directory)!r}: give the folder of a run, or one of "
        f"{', '.join(available()) or 'none yet'}."
    )


def load_weights(name_or_directory: str | Path) -> list[np.ndarray]:
    """Return the weights beside a card, float32, in the order of `keras.Model.get_weights()`.

    Raises `TutorialError` if they are missing or do not match the card.
    """
    arrays = load_arrays(name_or_directory, "weights")
    return [arrays[name].astype(np.float32) for name in sorted(arrays)]


def load_arrays(name_or_directory: str | Path, kind: str) -> dict[str, np.ndarray]:
    """Return the arrays that `save_arrays` wrote.

    Raises `TutorialError` if they are missing or do not match the card.
    """
    directory, entry = find_network(name_or_directory), load_card(name_or_directory)[kind]
    path = directory / entry["file"]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TutorialError(f"the {kind} are missing or unreadable ({error}).") from error
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise TutorialError(f"the {kind} {path.name} are damaged: their SHA-256 is another.")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)
