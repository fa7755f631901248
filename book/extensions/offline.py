"""Leave out of the built pages what they do not use, and whatever would ask another host.

Thebe runs code through other hosts, which no page of ours does. The theme's icons come from fonts;
the script that brings the same icons once more is larger than all the rest of a page. The fonts
hold thousands of icons, a page shows a dozen.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from fontTools import subset
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

ICON_SCRIPT = re.compile(r'\s*<script defer src="[^"]*/fontawesome\.js[^"]*"></script>')
# A rule of the theme's stylesheet that says which sign of a font some names of icons stand for
ICON_RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([0-9a-f]+)"\}')
ICON_NAME = re.compile(r"\bfa-([\w-]+)")
# How a stylesheet may write such a sign elsewhere: as its number, or as itself
SIGN = re.compile(r'"\\([0-9a-f]{4})"|([\ue000-\uf8ff])')


def prune(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Take Thebe's files off the list of what a page loads."""

    def is_used(file) -> bool:
        body = (getattr(file, "attributes", None) or {}).get("body") or ""
        return "thebe" not in f"{getattr(file, 'filename', file)} {body}".lower()

    for kind in ("script_files", "css_files"):
        context[kind] = [file for file in context[kind] if is_used(file)]


def lighten(app: Sphinx, error: Exception | None) -> None:
    """Take the icons' script off every page, and out of the icons' fonts what no page shows."""
    if error is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    static = site / "_static"
    left_out = 0
    for page in site.rglob("*.html"):
        text, found = ICON_SCRIPT.subn("", page.read_text("utf-8"))
        # Without scripts nothing chooses between light and dark, and colours need one of them.
        page.write_text(text.replace('data-theme="auto"', 'data-theme="light"', 1), "utf-8")
        left_out += found
    if not left_out:
        raise ExtensionError("The theme brings its icons' script in another way than it did.")
    spare = ["scripts/fontawesome.js", "webpack-macros.html", "sbt-webpack-macros.html"]
    spare += ["sphinx-thebe.js", "sphinx-thebe.css", "**/*.map", "vendor/**/*.ttf"]
    for path in [path for pattern in spare for path in static.glob(pattern)]:
        path.unlink()
    shrink_icons(site)


def shrink_icons(site: Path) -> None:
    """Keep in the fonts of icons those signs that a page, a script or a stylesheet asks for."""
    static = site / "_static"
    pages = _read_all(site.rglob("*.html")) + _read_all(static.rglob("*.js"))
    styles = _read_all(static.rglob("*.css"))
    named = {
        name: int(code, 16)
        for names, code in ICON_RULE.findall(styles)
        for name in ICON_NAME.findall(names)
    }
    if not named:
        raise ExtensionError("The theme's stylesheet names its icons in another way than it did.")
    signs = {named[name] for name in set(ICON_NAME.findall(pages)) & named.keys()}
    for number, sign in SIGN.findall(ICON_RULE.sub("", styles)):
        signs.add(int(number, 16) if number else ord(sign))
    for path in static.glob("vendor/**/*.woff2"):
        _subset(path, signs)


def _read_all(paths: Iterable[Path]) -> str:
    return "\n".join(path.read_text("utf-8") for path in paths)


def _subset(path: Path, signs: set[int]) -> None:
    """Keep these signs in a font, given by their numbers in Unicode."""
    options = subset.Options(flavor="woff2")
    font = subset.load_font(path, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=signs)
    subsetter.subset(font)
    subset.save_font(font, path, options)


def setup(app: Sphinx) -> dict[str, bool]:
    """Take part at the end of a page and at the end of the build."""
    app.connect("html-page-context", prune, priority=900)
    app.connect("build-finished", lighten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
