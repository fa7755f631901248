"""What the examples in docstrings may use without an import: np, and what the package defines."""

import collections
import importlib
import inspect
import pkgutil
import types

import numpy as np

import tutorial_lib


def module_names() -> list[str]:
    """Return the names of all modules of the package, but not that of the command itself."""
    found = pkgutil.walk_packages(tutorial_lib.__path__, f"{tutorial_lib.__name__}.")
    return [module.name for module in found if not module.name.endswith("__main__")]


def public_names() -> dict[str, object]:
    """Return np, and the public functions and classes, but for names that two modules define."""
    found = collections.defaultdict(list)
    for module in map(importlib.import_module, module_names()):
        for name, value in _defined(module).items():
            found[name].append(value)
    return {"np": np} | {name: values[0] for name, values in found.items() if len(values) == 1}


def _defined(module: types.ModuleType) -> dict[str, object]:
    return {
        name: value
        for name, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }
