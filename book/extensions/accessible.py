"""Mend in the built pages what a screen reader would stumble over.

The logo and the buttons are mended by the templates in book/_templates.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxTranslator


def visit_citation(writer: SphinxTranslator, node: nodes.citation) -> None:
    """Write an entry of the bibliography as an item of its list; its old role is deprecated."""
    type(writer).visit_citation(writer, node)
    writer.body[-1] = writer.body[-1].replace('role="doc-biblioentry"', 'role="listitem"')


def depart_citation(writer: SphinxTranslator, node: nodes.citation) -> None:
    """Close an entry of the bibliography."""
    type(writer).depart_citation(writer, node)


def visit_entry(writer: SphinxTranslator, node: nodes.entry) -> None:
    """Write a cell of a table; the empty corner of a heading is an ordinary cell."""
    type(writer).visit_entry(writer, node)
    if not node.astext().strip():
        writer.body[-1] = writer.body[-1].replace("<th", "<td", 1)
        writer.context[-1] = writer.context[-1].replace("</th>", "</td>")


def depart_entry(writer: SphinxTranslator, node: nodes.entry) -> None:
    """Close a cell."""
    type(writer).depart_entry(writer, node)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the changes."""
    app.add_node(nodes.citation, override=True, html=(visit_citation, depart_citation))
    app.add_node(nodes.entry, override=True, html=(visit_entry, depart_entry))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
