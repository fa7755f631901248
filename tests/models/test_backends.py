"""Networks, and the formulas that they are trained by, run under any backend of Keras."""

import ast
from pathlib import Path

import pytest

import tutorial_lib

PACKAGE = Path(tutorial_lib.__file__).parent
FREE = [
    *sorted((PACKAGE / "models").glob("*.py")),
    PACKAGE / "losses.py",
    *(PACKAGE / "algorithms" / name for name in ("augment.py", "elbo.py", "schedules.py")),
]


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", FREE, ids=lambda path: path.stem)
def test_networks_and_losses_run_under_any_backend(path):
    for name in _imports(path):
        assert name.split(".")[0] not in {"tensorflow", "torch", "jax"}, name
        # What they import of the package must be as free of TensorFlow as they are.
        if name.startswith("tutorial_lib"):
            assert name.startswith(("tutorial_lib.errors", "tutorial_lib.models")), name
