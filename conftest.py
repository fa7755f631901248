"""For `pytest --doctest-modules tutorial_lib`, which sees no other conftest.py."""

import pytest


@pytest.fixture(scope="session")
def doctest_namespace() -> dict[str, object]:
    """Return what the examples in docstrings may use without an import."""
    from helpers.examples import public_names

    return public_names()
