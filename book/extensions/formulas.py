r"""Turn TeX into MathML while the book is built, so that formulas need no script and no other host.

Chosen in _config.yml by `html_math_renderer: mathml`. A formula that cannot be converted is a
warning with its file and line, and so fails the build. `\tag{5.1}` becomes a number beside it.
"""

import re

import math_core
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

TAG = re.compile(r"\\tag\{([^{}]*)\}")
# The font draws a prime raised and small already. As a superscript it would be shrunk once more.
PRIME = re.compile(r"<msup>(<mi[^>]*>[^<]*</mi>)<mo[^>]*>(′+|″|‴)</mo></msup>")
# It asks for one style of script letters; the font has only one.
SELECTOR = "\N{VARIATION SELECTOR-1}"
CONVERTER = math_core.LatexToMathML(fancy_error=False, annotation=True, macros={"cr": r"\\"})
LOGGER = logging.getLogger(__name__)


def to_mathml(tex: str, *, display: bool, place: nodes.Node | None = None) -> str:
    """Return a formula as a MathML element; one that cannot be read, as code, with a warning."""
    try:
        element = CONVERTER.convert_with_local_state(tex.strip(), displaystyle=display)
    except math_core.LatexError as error:
        LOGGER.warning("The formula %r cannot be converted: %s", tex, error, location=place)
        return f"<code>{nodes.unescape(tex)}</code>"
    element = element.replace(SELECTOR, "")
    # One element for one: the annotated formula shows only the first child.
    return PRIME.sub(r'<mrow>\1<mo lspace="0" rspace="0">\2</mo></mrow>', element)


def visit_inline(writer, node: nodes.math) -> None:
    """Write a formula of a line, which must not end between it and a comma after it."""
    element = to_mathml(node.astext(), display=False, place=node)
    writer.body.append(writer.starttag(node, "span", "", CLASS="math") + element + "</span>")
    following = node.next_node(descend=False, siblings=True)
    if following and following.astext().startswith(tuple(",.;:!?)’”")):
        writer.body.append("\N{WORD JOINER}")
    raise nodes.SkipNode


def visit_block(writer, node: nodes.math_block) -> None:
    """Write a formula that stands by itself, with its number."""
    tex = node.astext()
    number = TAG.search(tex)
    writer.body.append(writer.starttag(node, "div", CLASS="math"))
    writer.body.append(to_mathml(TAG.sub("", tex), display=True, place=node))
    if number:
        writer.body.append(f'<span class="eqno">({number[1]})</span>')
    writer.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
