"""Recipes: all that decides how a run turns out, in small frozen dataclasses (chapter 7)."""

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path

from tutorial_lib.errors import TutorialError


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Hold what every algorithm needs to know; change it with `dataclasses.replace`.

    Raises `TutorialError` for a value that no training could use.
    """

    # Networks
    size: int = 64  # pixels a side
    latent_size: int = 128
    width: int = 32  # channels of the layer nearest the image
    # Optimisation. A small batch gives more steps in the same time where compute is scarce.
    batch_size: int = 16
    learning_rate: float = 3e-4
    beta_1: float = 0.0
    beta_2: float = 0.99
    ema_halflife_kimg: float = 10.0
    # Data
    flip: bool = True
    seed: int = 0

    def __post_init__(self):
        for field in dataclasses.fields(self):
            _check_type(field.name, getattr(self, field.name), type(field.default))
        self._check("be positive", lambda value: value > 0, POSITIVE)
        self._check("not be negative", lambda value: value >= 0, NOT_NEGATIVE)
        self._check("be in [0, 1)", lambda value: 0 <= value < 1, ("beta_1", "beta_2"))
        self._check("be below 2**31", lambda value: value < 2**31, ("seed",))

    def _check(self, rule: str, holds: Callable, names: tuple[str, ...]) -> None:
        for name in names:
            if hasattr(self, name) and not holds(getattr(self, name)):
                raise TutorialError(f"{name} must {rule}, but is {getattr(self, name)!r}.")


POSITIVE = (
    "size",
    "latent_size",
    "width",
    "batch_size",
    "learning_rate",
    "penalty_interval",
    "sigma",
)
NOT_NEGATIVE = (
    "generator_blocks",
    "discriminator_blocks",
    "r1_gamma",
    "r2_gamma",
    "slope_weight",
    "beta",
    "warmup_kimg",
    "decay_kimg",
    "final_learning_rate",
    "ema_halflife_kimg",
    "seed",
)


@dataclasses.dataclass(frozen=True)
class GANRecipe(Recipe):
    """Hold the hyper-parameters of a GAN (chapter 7)."""

    networks: str = "dcgan"  # a key of networks.NETWORKS
    # Residual blocks at each size, where the networks can have any
    generator_blocks: int = 0
    discriminator_blocks: int = 0
    loss: str = "non-saturating"  # a key of losses.LOSSES
    # Weights of the gradient penalties, and how many steps lie from one to the next
    r1_gamma: float = 1.0  # on real images
    r2_gamma: float = 0.0  # on generated images
    slope_weight: float = 0.0  # of the Wasserstein penalty, in between
    penalty_interval: int = 8
    # The learning rate falls to `final_learning_rate` over `decay_kimg`; 0 keeps it as it is.
    decay_kimg: float = 0.0
    final_learning_rate: float = 0.0
    # What the discriminator sees images through: names of augment.TRANSFORMS, between commas
    augment: str = ""


@dataclasses.dataclass(frozen=True)
class VAERecipe(Recipe):
    """Hold the hyper-parameters of a variational autoencoder (chapter 3)."""

    batch_size: int = 32
    learning_rate: float = 1e-3
    beta_1: float = 0.9  # one loss, one minimum: momentum helps here
    beta_2: float = 0.999
    # Objective
    # Standard deviation of a pixel around the decoder's mean. At 1 the loss is half the squared
    # error plus the KL; a smaller one reconstructs better, but then N(0, I) makes worse samples.
    sigma: float = 1.0
    beta: float = 1.0  # weight of the KL divergence: 1 is the ELBO (Higgins 2017)
    warmup_kimg: float = 10.0  # over which that weight rises from 0


KINDS: dict[str, type[Recipe]] = {"gan": GANRecipe, "vae": VAERecipe}


def _check_type(name: str, value: object, kind: type) -> None:
    """Raise `TutorialError` unless a value has its field's type; an int will do for a float."""
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or isinstance(value, bool) != (kind is bool):
        raise TutorialError(f"{name} must be of type {kind.__name__}, not {value!r}.")
    if kind is float and not math.isfinite(value):
        raise TutorialError(f"{name} must be finite, not {value!r}.")


DOCUMENT = GANRecipe(
    # The source document's networks and optimiser; it gives no batch size, and averages nothing.
    networks="document",
    latent_size=100,
    r1_gamma=0.0,
    batch_size=64,
    learning_rate=1e-4,
    beta_1=0.9,
    beta_2=0.999,
    ema_halflife_kimg=0.0,
    flip=False,
)
DCGAN = GANRecipe()
# For runs of hours (chapter 8): the generator is deeper than its opponent.
MODERN = GANRecipe(networks="resnet", generator_blocks=2)

SIZES = (32, 64, 128)


def at_size(recipe: GANRecipe, size: int) -> GANRecipe:
    """Return a recipe for images of another size (chapter 8).

    The slope that a penalty punishes is summed over pixels, so its weight goes with their number
    (Karras 2019). It is a rule of thumb: only the recipes for 64 pixels were trained for long.
    """
    scale = (size / recipe.size) ** 2
    return dataclasses.replace(
        recipe, size=size, r1_gamma=recipe.r1_gamma * scale, r2_gamma=recipe.r2_gamma * scale
    )


GANS = {"document": DOCUMENT, "dcgan": DCGAN, "modern": MODERN}
RECIPES: dict[str, Recipe] = GANS | {"vae": VAERecipe()}
RECIPES |= {
    f"{name}-{size}": at_size(recipe, size)
    for name, recipe in GANS.items()
    for size in SIZES
    if size != recipe.size
}


def load_recipe(name_or_path: str) -> Recipe:
    """Return a recipe by its name in `RECIPES`, or from a JSON file of fields that differ.

    Fields that the file leaves out keep their defaults. A field "algorithm" says what the recipe
    is for: "gan", the default, or "vae". Raises `TutorialError` for an unknown name, a file that
    is not JSON, or a field that does not exist.
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
        fields = json.loads(path.read_text("utf-8"))
        if not isinstance(fields, dict):
            raise TutorialError("a recipe is a JSON object of names and values.")
        return recipe_from_dict(fields, fields.pop("algorithm", "gan"))
    except (OSError, ValueError) as error:
        raise TutorialError(f"The recipe {path} cannot be used: {error}") from error


def recipe_from_dict(fields: dict, algorithm: str = "gan") -> Recipe:
    """Return the recipe with these fields, or raise `TutorialError` naming what is at fault.

    `algorithm` is a key of `KINDS`, in capitals or not.
    """
    kind = KINDS.get(str(algorithm).lower())
    if kind is None:
        raise TutorialError(f"algorithm must be one of {', '.join(KINDS)}, not {algorithm!r}.")
    names = [field.name for field in dataclasses.fields(kind)]
    for name in fields:
        if name not in names:
            raise TutorialError(f"there is no field {name!r}; the fields are {', '.join(names)}.")
    return kind(**fields)
