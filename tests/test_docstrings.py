"""The examples in docstrings say what comes out; `pytest --doctest-modules tutorial_lib` too."""

import doctest
import importlib
import inspect
from pathlib import Path

import pytest
from helpers.examples import module_names, public_names

import tutorial_lib

PACKAGE = Path(tutorial_lib.__file__).parent
WITH_EXAMPLES = [
    path.relative_to(PACKAGE.parent).with_suffix("").as_posix().replace("/", ".")
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>>" in path.read_text("utf-8")
]


@pytest.fixture(scope="module")
def names():
    return public_names()


@pytest.mark.parametrize("name", [name.removesuffix(".__init__") for name in WITH_EXAMPLES])
def test_examples_give_what_they_say(name, names, capsys):
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    examples = 0
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, extraglobs=names):
        examples += len(test.examples)
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0, capsys.readouterr().out
    assert examples == inspect.getsource(module).count(">>> "), "some of them were not found"


def test_every_module_is_known_to_the_examples():
    files = {path for path in PACKAGE.rglob("*.py") if path.name != "__main__.py"}
    found = {PACKAGE / "__init__.py"}
    for name in module_names():
        found.add(Path(importlib.import_module(name).__file__))
    assert found == files
