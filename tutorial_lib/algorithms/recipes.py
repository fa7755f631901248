"""Recipes: all that decides how a run turns out, in small frozen dataclasses (chapter 7).

Each algorithm has a type of recipe of its own, a subclass of `Recipe` whose fields carry their
bounds. No TensorFlow is imported here, so that recipes can be read where there is none.
"""

import dataclasses
import json
import sys
from pathlib import Path

from tutorial_lib.errors import TutorialError


def positive(default: float) -> dataclasses.Field:
    """Return a field of a recipe whose value must be greater than 0."""
    return _bounded(default, "be positive", lambda value: value > 0)


def not_negative(default: float) -> dataclasses.Field:
    """Return a field of a recipe whose value must be 0 or more."""
    return _bounded(default, "not be negative", lambda value: value >= 0)


def fraction(default: float) -> dataclasses.Field:
    """Return a field of a recipe whose value must be in [0, 1)."""
    return _bounded(default, "be in [0, 1)", lambda value: 0 <= value < 1)


def seed_number(default: int) -> dataclasses.Field:
    """Return a field of a recipe for a seed: TensorFlow takes 31 bits."""
    return _bounded(default, "be from 0 to 2**31 - 1", lambda value: 0 <= value < 2**31)


def _bounded(default: float, rule: str, holds) -> dataclasses.Field:
    return dataclasses.field(default=default, metadata={"rule": rule, "holds": holds})


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Hold what every algorithm needs to know; change it with `dataclasses.replace`.

    Raises `TutorialError` for a value that no training could use.

    >>> dataclasses.replace(Recipe(), batch_size=0)
    Traceback (most recent call last):
    tutorial_lib.errors.TutorialError: batch_size must be positive, but is 0.
    """

    # Networks
    size: int = positive(64)  # pixels a side
    latent_size: int = positive(128)
    width: int = positive(32)  # channels of the layer nearest the image
    # Optimisation. A small batch gives more steps in the same time where compute is scarce.
    batch_size: int = positive(16)
    learning_rate: float = positive(3e-4)
    beta_1: float = fraction(0.0)
    beta_2: float = fraction(0.99)
    ema_halflife_kimg: float = not_negative(10.0)
    # Data
    flip: bool = True
    seed: int = seed_number(0)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            _check_field(field, getattr(self, field.name))


def _check_field(field: dataclasses.Field, value: object) -> None:
    """Raise `TutorialError` unless a value has its field's type and is within its bounds.

    A whole number will do for a float.
    """
    kind = type(field.default)
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or isinstance(value, bool) != (kind is bool):
        raise TutorialError(f"{field.name} must be of type {kind.__name__}, not {value!r}.")
    if kind is float and not abs(value) <= sys.float_info.max:  # nor NaN, nor a huge integer
        raise TutorialError(f"{field.name} must be finite, not {value!r}.")
    if field.metadata and not field.metadata["holds"](value):
        raise TutorialError(f"{field.name} must {field.metadata['rule']}, but is {value!r}.")


def from_fields(kind: type[Recipe], fields: dict) -> Recipe:
    """Return a recipe with these fields, the others as they are by default.

    Raises `TutorialError` naming a field that does not exist, or one with an impossible value.
    """
    names = [field.name for field in dataclasses.fields(kind)]
    for name in fields:
        if name not in names:
            raise TutorialError(f"there is no field {name!r}; the fields are {', '.join(names)}.")
    return kind(**fields)


def read_fields(path: Path) -> dict:
    """Return what a recipe's JSON file says: names and values.

    A byte order mark, which some editors write, is passed over. Raises `TutorialError` if it is
    not an object in JSON, and OSError if it cannot be read.
    """
    try:
        fields = json.loads(path.read_text("utf-8-sig"))
    except ValueError as error:  # of the JSON, or of the characters
        raise TutorialError(f"it is no JSON in UTF-8 ({error}).") from error
    if not isinstance(fields, dict):
        raise TutorialError("a recipe is a JSON object of names and values.")
    return fields
