"""The site's own extensions, each on a page of a few lines."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from built import ROOT, needs_site

pytestmark = needs_site


@pytest.fixture
def build(tmp_path):
    """Build one page of reStructuredText with an extension; return its folder and the warnings."""

    def build(text: str, extension: str, terms: str = "{}") -> tuple[Path, str]:
        source, out = tmp_path / "source", tmp_path / "out"
        shutil.copytree(ROOT / "book" / "extensions", source / "extensions")
        (source / "index_terms.yml").write_text(terms, "utf-8")
        (source / "index.rst").write_text(f"Page\n====\n\n{text}", "utf-8")
        renderer = "html_math_renderer = 'mathml'" if extension == "formulas" else ""
        (source / "conf.py").write_text(
            f"import sys; sys.path.insert(0, {str(source / 'extensions')!r})\n"
            f"extensions = [{extension!r}]\n{renderer}\n",
            "utf-8",
        )
        command = [sys.executable, "-m", "sphinx", "-q", "--no-color", str(source), str(out)]
        return out, subprocess.run(command, text=True, capture_output=True, check=True).stderr

    return build


def read(folder: Path, page: str = "index.html") -> str:
    return (folder / page).read_text("utf-8")


def test_a_formula_becomes_mathml_with_its_number(build):
    text = "A :math:`\\sqrt{x}`, and\n\n.. math:: f'' = \\frac12 \\tag{5.1}\n"
    folder, warnings = build(text, "formulas")
    page = read(folder)
    assert warnings == ""
    assert "<msqrt><mi>x</mi></msqrt>" in page and '<math display="block">' in page
    assert "<msup><mi>f</mi><mo>′′</mo></msup>" in page
    assert '<span class="eqno">(5.1)</span>' in page and r"\tag" not in page
    together = r'<span class="together"><span class="math.*</math></span>,</span> and'
    assert re.search(together, page)


def test_a_formula_has_one_number(build):
    _, warnings = build(".. math:: x \\tag{1} \\tag{2}\n", "formulas")
    assert "has more than one number" in warnings


def test_a_formula_that_cannot_be_read_is_named_with_its_line(build):
    folder, warnings = build("A :math:`\\frac{1<2` here.\n", "formulas")
    assert re.search(r"index\.rst:4: WARNING: The formula .*frac", warnings)
    assert r"<code>\frac{1&lt;2</code>" in read(folder)


def test_the_empty_corner_of_a_table_is_no_heading(build):
    table = ".. list-table::\n   :header-rows: 1\n\n   * -\n     - a\n   * - b\n     - 1\n"
    folder, _ = build(table, "accessible")
    first, second = re.search(r"<thead>(.*?)</thead>", read(folder), re.S)[1].split("</t", 1)
    assert "<td" in first and "<th" not in first
    assert "<th" in second


def test_a_term_is_indexed_at_its_heading(build):
    terms = 'index:\n  "Second part":\n    - mode collapse\n    - "see: collapse; mode collapse"\n'
    text = "First part\n----------\n\nx\n\nSecond part\n-----------\n\ny\n"
    folder, warnings = build(text, "index_terms", terms)
    assert warnings == ""
    index = read(folder, "genindex.html")
    assert 'href="index.html#second-part">mode collapse' in index and "see mode collapse" in index


def test_a_heading_or_page_that_does_not_exist_is_named(build):
    terms = 'index:\n  "Third part":\n    - mode collapse\nnowhere:\n  "Page":\n    - logit\n'
    _, warnings = build("x\n", "index_terms", terms)
    assert "index_terms.yml: there is no page nowhere" in warnings
    assert "index_terms.yml: index has no heading 'Third part'" in warnings
