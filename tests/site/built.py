"""The built website, for the tests of its pages: where it is, and which pages it has."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
SITE = ROOT / "_build" / "html"
needs_site = pytest.mark.skipif(
    not (SITE / "book" / "index.html").exists(), reason="the site is not built: run `make book`"
)


def sources() -> list[str]:
    """The pages of the table of contents, without suffix, in its order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    parts = toc["parts"]
    return [toc["root"], *(chapter["file"] for part in parts for chapter in part["chapters"])]


PAGES = [f"{name}.html" for name in sources()]
NOTEBOOKS = [page for page in PAGES if page.startswith("notebooks/")]
EXTRA_PAGES = ["search.html", "genindex.html"]
