"""The one kind of error that a user can cause and mend."""

from collections.abc import Mapping
from typing import TypeVar

Option = TypeVar("Option")


class TutorialError(ValueError):
    """Say in one sentence what is wrong with an input and what to do about it."""


def choose(kind: str, name: str, options: Mapping[str, Option]) -> Option:
    """Return the option of that name, or raise `TutorialError` listing the names.

    `kind` says what the options are, in the singular: "loss".
    """
    if name not in options:
        raise TutorialError(
            f"There is no {kind} named {name!r}. Choose from: {', '.join(options)}."
        )
    return options[name]
