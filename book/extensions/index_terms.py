"""Put the entries of book/index_terms.yml into the index, each at the heading it belongs to.

Notebooks have no directives (Colab would show them raw), so the entries stand in a file of their
own. The site's search looks them up too. A heading that does not exist is a warning, and so fails
the build.
"""

from functools import cache
from pathlib import Path

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

TERMS = Path(__file__).resolve().parent.parent / "index_terms.yml"
LOGGER = logging.getLogger(__name__)


@cache
def read_terms() -> dict[str, dict[str, list[str]]]:
    """Return the terms by page and by heading."""
    return yaml.safe_load(TERMS.read_text("utf-8"))


def check_pages(app: Sphinx, env, docnames: list[str]) -> None:
    """Warn of a page that does not exist."""
    for docname in read_terms().keys() - env.found_docs:
        LOGGER.warning("index_terms.yml: there is no page %s", docname)


def depend_on_terms(app: Sphinx, docname: str, source: list[str]) -> None:
    """Have a page read anew when the terms change."""
    app.env.note_dependency(str(TERMS))


class IndexTerms(SphinxTransform):
    """Add a page's entries, each at the top of the section with its heading."""

    default_priority = 800  # before Sphinx collects the index, at 850

    def apply(self, **kwargs) -> None:
        """Change the page's tree."""
        sections = {
            section.next_node(nodes.title).astext(): section
            for section in self.document.findall(nodes.section)
        }
        for heading, terms in read_terms().get(self.env.docname, {}).items():
            if heading not in sections:
                LOGGER.warning("index_terms.yml: %s has no heading %r", self.env.docname, heading)
                continue
            section = sections[heading]
            entries = [entry(term, section["ids"][0]) for term in terms]
            section.insert(1, addnodes.index(entries=entries))


def entry(term: str, target: str) -> tuple[str, str, str, str, None]:
    """Return what Sphinx keeps of an entry: its kind, words, place, weight and sorting key."""
    kind, _, words = term.partition(": ") if term.startswith("see: ") else ("single", "", term)
    return kind, words, target, "", None


def setup(app: Sphinx) -> dict[str, bool]:
    """Take part before and while pages are read."""
    app.connect("env-before-read-docs", check_pages)
    app.connect("source-read", depend_on_terms)
    app.add_transform(IndexTerms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
