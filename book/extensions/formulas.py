r"""Turn TeX into MathML while the book is built, so that formulas need no script and no other host.

Chosen in _config.yml by `html_math_renderer: mathml`. A formula that cannot be converted is a
warning with its file and line, and so fails the build. `\tag{5.1}` becomes a number beside it.
"""

import html
import re

import math_core
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

TAG = re.compile(r"\\tag\{([^{}]*)\}")
# What must not begin a line after a formula
CLOSING = re.compile(r"[-,.;:!?)\]’”]+")
# The font has one style of script letters, so nothing can choose between two; and of primes, which
# it has for superscripts, the single one.
SIGNS = str.maketrans({"\N{VARIATION SELECTOR-1}": "", "″": "′′", "‴": "′′′"})
CONVERTER = math_core.LatexToMathML(fancy_error=False, macros={"cr": r"\\"})
LOGGER = logging.getLogger(__name__)


def to_mathml(tex: str, *, display: bool, place: nodes.Node | None = None) -> str:
    """Return a formula as a MathML element; one that cannot be read, as code, with a warning."""
    try:
        element = CONVERTER.convert_with_local_state(tex.strip(), displaystyle=display)
    except math_core.LatexError as error:
        LOGGER.warning("The formula %r cannot be converted: %s", tex, error, location=place)
        return f"<code>{html.escape(tex)}</code>"
    return element.translate(SIGNS)


class KeepPunctuation(SphinxPostTransform):
    """Keep a formula of a line together with the comma after it."""

    default_priority = 500
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Put both into one element that the stylesheet does not break."""
        for formula in list(self.document.findall(nodes.math)):
            following = formula.next_node(descend=False, siblings=True)
            closing = isinstance(following, nodes.Text) and CLOSING.match(following)
            if closing:
                rest = nodes.Text(following[closing.end() :])
                following.parent.replace(following, rest)
                together = nodes.inline(classes=["together"])
                formula.replace_self(together)
                together += [formula, nodes.Text(closing[0])]


def visit_inline(writer, node: nodes.math) -> None:
    """Write a formula of a line."""
    element = to_mathml(node.astext(), display=False, place=node)
    writer.body.append(writer.starttag(node, "span", "", CLASS="math") + element + "</span>")
    raise nodes.SkipNode


def visit_block(writer, node: nodes.math_block) -> None:
    """Write a formula that stands by itself, with its number."""
    tex = node.astext()
    numbers = TAG.findall(tex)
    if len(numbers) > 1:
        LOGGER.warning("The formula %r has more than one number.", tex, location=node)
    writer.body.append(writer.starttag(node, "div", CLASS="math"))
    writer.body.append(to_mathml(TAG.sub("", tex), display=True, place=node))
    writer.body += [f'<span class="eqno">({html.escape(number)})</span>' for number in numbers]
    writer.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    app.add_post_transform(KeepPunctuation)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
