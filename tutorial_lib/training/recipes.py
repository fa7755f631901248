"""Recipes: all that decides how a run turns out, in one small frozen dataclass (chapter 7)."""

import dataclasses
import json
import math
from pathlib import Path

from tutorial_lib.errors import TutorialError


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Hold the hyper-parameters of a GAN; change them with `dataclasses.replace`.

    Raises `TutorialError` for a value that no training could use.
    """

    # Networks
    networks: str = "dcgan"  # a key of networks.NETWORKS
    size: int = 64  # pixels a side
    latent_size: int = 128
    width: int = 32  # channels of the layer nearest the image
    # Objective
    loss: str = "non-saturating"  # a key of losses.LOSSES
    r1_gamma: float = 1.0  # weight of the gradient penalty on real images
    r1_interval: int = 8  # steps from one penalty to the next
    # Optimisation. A small batch gives more steps in the same time where compute is scarce.
    batch_size: int = 16
    learning_rate: float = 3e-4
    beta_1: float = 0.0  # momentum makes two players circle each other
    beta_2: float = 0.99
    ema_halflife_kimg: float = 10.0
    # Data
    flip: bool = True
    seed: int = 0

    def __post_init__(self):
        for field in dataclasses.fields(self):
            _check_type(field.name, getattr(self, field.name), type(field.default))
        for name in ("size", "latent_size", "width", "batch_size", "learning_rate", "r1_interval"):
            if not getattr(self, name) > 0:
                raise TutorialError(f"{name} must be positive, not {getattr(self, name)!r}.")
        for name in ("r1_gamma", "ema_halflife_kimg", "seed"):
            if getattr(self, name) < 0:
                raise TutorialError(f"{name} must not be negative, but is {getattr(self, name)!r}.")
        for name in ("beta_1", "beta_2"):
            if not 0 <= getattr(self, name) < 1:
                raise TutorialError(f"{name} must be in [0, 1), not {getattr(self, name)!r}.")
        if self.seed >= 2**31:
            raise TutorialError(f"seed must be below 2**31, not {self.seed}.")


def _check_type(name: str, value: object, kind: type) -> None:
    """Raise `TutorialError` unless a value has its field's type; an int will do for a float."""
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or isinstance(value, bool) != (kind is bool):
        raise TutorialError(f"{name} must be of type {kind.__name__}, not {value!r}.")
    if kind is float and not math.isfinite(value):
        raise TutorialError(f"{name} must be finite, not {value!r}.")


RECIPES: dict[str, Recipe] = {
    # The source document's networks and optimiser; it gives no batch size.
    "document": Recipe(
        networks="document",
        latent_size=100,
        r1_gamma=0.0,
        batch_size=64,
        learning_rate=1e-4,
        beta_1=0.9,
        beta_2=0.999,
        flip=False,
    ),
    "dcgan": Recipe(),
}


def load_recipe(name_or_path: str) -> Recipe:
    """Return a recipe by its name in `RECIPES`, or from a JSON file of fields that differ.

    Fields that the file leaves out keep the defaults of `Recipe`. Raises `TutorialError` for an
    unknown name, a file that is not JSON, or a field that does not exist.
    """
    if name_or_path in RECIPES:
        return RECIPES[name_or_path]
    path = Path(name_or_path)
    if path.suffix != ".json" or not path.is_file():
        raise TutorialError(
            f"There is no recipe named {name_or_path!r}. Choose from: {', '.join(RECIPES)}, "
            "or give the path of a .json file."
        )
    try:
        return recipe_from_dict(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise TutorialError(f"The recipe {path} cannot be used: {error}") from error


def recipe_from_dict(fields: dict) -> Recipe:
    """Return the recipe with these fields, or raise `TutorialError` naming the one at fault."""
    if not isinstance(fields, dict):
        raise TutorialError("a recipe is a JSON object of names and values.")
    names = [field.name for field in dataclasses.fields(Recipe)]
    for name in fields:
        if name not in names:
            raise TutorialError(f"there is no field {name!r}; the fields are {', '.join(names)}.")
    return Recipe(**fields)
