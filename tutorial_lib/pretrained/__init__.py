"""Published networks: from a name, or a run folder, to a network with its weights.

Most of them generate; `efficientnet-lite0` is the one that chapter 9 measures with, and
`cat-faces-64-statistics` is what it says of the photographs. Each lies in a folder beside a card
that says how it came about.
"""

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm.auto import tqdm

from tutorial_lib.data.pixels import to_uint8
from tutorial_lib.errors import TutorialError
from tutorial_lib.files import user_path
from tutorial_lib.progress import is_watched
from tutorial_lib.store import CARD, read_card, read_weights

if TYPE_CHECKING:
    import keras

    from tutorial_lib.algorithms.recipes import Recipe
AT_ONCE = 500  # images, so that many thousands never lie in memory together


def available() -> list[str]:
    """Return the names of the networks that come with the package and generate images."""
    folders = Path(str(resources.files(__name__))).iterdir()
    cards = [folder / CARD for folder in folders if (folder / CARD).is_file()]
    return sorted(card.parent.name for card in cards if "recipe" in read_card(card.parent))


def load_card(name_or_directory: str | Path) -> dict:
    """Return the card of a published network, or of the one in a run directory.

    Raises `TutorialError` if there is neither.
    """
    return read_card(find_network(name_or_directory))


def load_network(name_or_directory: str | Path) -> "keras.Model":
    """Return the network of a name in `available()`, or of a run directory, in float32.

    That is the generator of a GAN, or a whole autoencoder. Raises `TutorialError` if there is no
    such network, or if the weights do not match the card.
    """
    return _load(find_network(name_or_directory))[0]


def load_generator(name_or_directory: str | Path) -> "keras.Model":
    """Return what generates: the network of `load_network`, or the decoder of an autoencoder.

    It maps latents (N, latent_size) to images (N, size, size, 3) in [-1, 1]. Raises
    `TutorialError` as `load_network` does.

    >>> load_generator("cat-faces-64").output_shape
    (None, 64, 64, 3)
    """
    network, recipe = _load(find_network(name_or_directory))
    from tutorial_lib.algorithms.registry import generating_part

    return generating_part(recipe, network)


def draw_images(generator: "keras.Model", count: int, *, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield `count` images of a generator in pieces, each uint8 (at most 500, size, size, 3).

    `seed` is that of the latents; the images are those of `draw_latents(count, …, seed=seed)`.
    Where somebody watches, a bar shows how far it is.
    """
    random = np.random.default_rng(seed)
    with tqdm(
        total=count, desc="Drawing", unit=" images", disable=not is_watched(), leave=False
    ) as bar:
        for first in range(0, count, AT_ONCE):
            size = (min(AT_ONCE, count - first), generator.input_shape[-1])
            latents = random.standard_normal(size, dtype=np.float32)
            yield to_uint8(generator.predict(latents, verbose=0))
            bar.update(len(latents))


def find_network(name_or_directory: str | Path) -> Path:
    """Return the folder of a name in `available()`, or of a path that holds a card.

    Raises `TutorialError` if there is neither.
    """
    published = Path(str(resources.files(__name__))) / name_or_directory
    for directory in (published, user_path(name_or_directory)):
        if (directory / CARD).is_file():
            return directory
    raise TutorialError(
        f"There is no network in {str(name_or_directory)!r}: give the folder of a run, or one of "
        f"{', '.join(available()) or 'none yet'}."
    )


def load_lite0() -> "keras.Model":
    """Return EfficientNet-Lite0 with the weights from ImageNet that come with the package.

    Raises `TutorialError` if their file is missing or damaged.
    """
    from tutorial_lib.models.lite0 import LITE0, build_lite0

    try:
        weights = read_weights(find_network(LITE0))
    except (TutorialError, KeyError) as error:
        raise TutorialError(
            f"The network that measures, {LITE0}, cannot be loaded, so install tutorial_lib "
            f"again: {error}"
        ) from error
    network = build_lite0()
    network.set_weights(weights)
    network.trainable = False
    return network


def _load(directory: Path) -> tuple["keras.Model", "Recipe"]:
    """Return the network of a folder, and the recipe that it was trained with."""
    card = read_card(directory)
    if "recipe" not in card:
        raise TutorialError(
            f"The network in {directory} cannot be loaded: its card names no recipe, so it does "
            f"not generate images. Give the folder of a run, or one of {', '.join(available())}."
        )
    # Only now: they import TensorFlow, for seconds, and a wrong name should fail at once.
    from tutorial_lib.algorithms.registry import build_published, recipe_from_dict
    from tutorial_lib.hardware.precision import precision_scope

    try:
        recipe = recipe_from_dict(card["recipe"], card["algorithm"])
        weights = read_weights(directory)
        with precision_scope("float32"):
            network = build_published(recipe)
        network.set_weights(weights)
    except (KeyError, TypeError, ValueError) as error:
        raise TutorialError(f"The network in {directory} cannot be loaded: {error}") from error
    return network, recipe
