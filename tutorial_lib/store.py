"""Arrays on disk, each file named after its content, beside a card that says how they came about.

A card is JSON. It knows nothing of recipes or networks: `tutorial_lib.pretrained` does.
"""

import hashlib
import io
import json
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


def read_card(directory: Path) -> dict:
    """Return the card in a folder, or raise `TutorialError` if it is damaged or missing."""
    path = directory / CARD
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TutorialError(f"The card {path} is damaged: {error}.") from error


def read_weights(directory: Path) -> list[np.ndarray]:
    """Return the weights beside a card, float32, in the order of `keras.Model.get_weights()`.

    Raises `TutorialError` if they are missing or do not match the card.
    """
    arrays = read_arrays(directory, "weights")
    return [arrays[name].astype(np.float32) for name in sorted(arrays)]


def read_arrays(directory: Path, kind: str) -> dict[str, np.ndarray]:
    """Return the arrays that `save_arrays` wrote.

    Raises `TutorialError` if they are missing or do not match the card.
    """
    entry = read_card(directory)[kind]
    path = directory / entry["file"]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TutorialError(f"the {kind} are missing or unreadable ({error}).") from error
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise TutorialError(f"the {kind} {path.name} are damaged: their SHA-256 is another.")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)
