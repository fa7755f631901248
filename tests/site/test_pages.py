"""The built website: every page opens, leads on, and says what its pictures show.

`make test` builds the site first; without `_build/html` these tests skip.
"""

import re
from functools import cache
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup
from built import EXTRA_PAGES, NOTEBOOKS, PAGES, ROOT, SITE, needs_site
from fontTools.ttLib import TTFont

pytestmark = needs_site

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
ADDRESS = CONFIG["repository"]["url"]
PLACE = ADDRESS.removeprefix("https://github.com/")
MAX_PAGE_BYTES = 1_500_000
FILE_NAME = re.compile(r"\.(gif|jpe?g|png|svg|webp)$")
LEFT_OVER = re.compile(r"^\s*:::|\{(note|warning|tip|cite|eq|glue|numref|ref|doc|figure)[:}]", re.M)


@cache
def parse(page: str) -> BeautifulSoup:
    return BeautifulSoup((SITE / page).read_text("utf-8"), "html.parser")


def article(page: str):
    return parse(page).find("article", class_="bd-article")


def references(page: str) -> list[str]:
    """All addresses that a page points to or loads."""
    tags = parse(page).find_all(["a", "img", "link", "script", "source", "video"])
    found = (tag.get(attribute) for tag in tags for attribute in ("href", "src", "poster"))
    return [reference for reference in found if reference]


def problem(page: str, reference: str) -> str | None:
    """Say what is wrong with an internal reference, or None."""
    parts = urlsplit(reference)
    if parts.scheme or parts.netloc:
        return None
    target = (SITE / page).parent / unquote(parts.path) if parts.path else SITE / page
    target = target.resolve()
    if not target.is_file():
        return f"{reference} leads nowhere"
    if parts.fragment and target.suffix == ".html":
        tree = parse(str(target.relative_to(SITE.resolve())))
        if not tree.find(id=unquote(parts.fragment)):
            return f"{reference} has no such anchor"
    return None


def test_front_page_leads_to_the_book():
    refresh = parse("index.html").find("meta", attrs={"http-equiv": "Refresh"})
    assert (SITE / refresh["content"].split("url=")[1]).is_file()


def test_every_source_page_is_built_and_no_other():
    built = {str(path.relative_to(SITE)) for path in SITE.rglob("*.html")}
    assert built == {*PAGES, *EXTRA_PAGES, "index.html"}


@pytest.mark.parametrize("page", [*PAGES, *EXTRA_PAGES])
def test_internal_references_resolve(page):
    found = [problem(page, reference) for reference in references(page)]
    assert [text for text in found if text] == []


@pytest.mark.parametrize("page", PAGES)
def test_pictures_have_alt_text(page):
    pictures = article(page).find_all("img")
    # Where no alt text is given, Sphinx writes the name of the file in its place.
    silent = [
        image["src"][:80]
        for image in pictures
        if not image.get("alt", "").strip() or FILE_NAME.search(image["alt"])
    ]
    assert silent == []
    assert all(image.has_attr("alt") for image in parse(page).find_all("img"))


@pytest.mark.parametrize("page", PAGES)
def test_title_and_language(page):
    tree = parse(page)
    assert tree.html["lang"] == "en"
    assert CONFIG["title"] in tree.title.get_text()
    assert len(article(page).find_all("h1")) == 1


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_launch_buttons_point_to_the_repository(page):
    hrefs = [tag.get("href", "") for tag in parse(page).find_all("a")]
    colab = [href for href in hrefs if href.startswith("https://colab.research.google.com/")]
    binder = [href for href in hrefs if href.startswith("https://mybinder.org/")]
    notebook = page.replace(".html", ".ipynb")
    branch = CONFIG["repository"]["branch"]
    assert f"https://colab.research.google.com/github/{PLACE}/blob/{branch}/{notebook}" in colab
    assert any(f"/v2/gh/{PLACE}/{branch}?" in href and notebook in href for href in binder)


@pytest.mark.parametrize("page", PAGES)
def test_repository_button_points_to_the_repository(page):
    assert any(tag.get("href") == ADDRESS for tag in parse(page).find_all("a"))


@pytest.mark.parametrize("page", PAGES)
def test_logo_favicon_and_search(page):
    tree = parse(page)
    icon = tree.find("link", rel=lambda value: value and "icon" in value)
    assert icon["href"].endswith("favicon.png")
    assert tree.find("img", src=re.compile(r"_static/logo\.webp$"))
    assert tree.find("form", class_="bd-search")


def test_search_finds_the_pages():
    index = (SITE / "searchindex.js").read_text("utf-8")
    assert parse("search.html").find(id="search-results")
    assert [page for page in PAGES if f'"{page.removesuffix(".html")}"' not in index] == []


def test_the_index_has_every_term_and_every_see_leads_to_one():
    pages = yaml.safe_load((ROOT / "book" / "index_terms.yml").read_text("utf-8"))
    entries = [term for headings in pages.values() for terms in headings.values() for term in terms]
    seen = [entry.removeprefix("see: ").split("; ") for entry in entries if "see: " in entry]
    terms = {entry.split("; ")[0] for entry in entries if "see: " not in entry}
    assert [target for _, target in seen if target not in terms] == []
    index = parse("genindex.html").find("article").find_all(["td", "li"])
    shown = {line.strip() for cell in index for line in cell.get_text("\n").splitlines()}
    assert [term for term in [*terms, *(words for words, _ in seen)] if term not in shown] == []


@pytest.mark.parametrize("page", PAGES)
def test_page_with_its_pictures_is_light(page):
    images = {image["src"] for image in article(page).find_all("img")}
    files = [((SITE / page).parent / unquote(src)).resolve() for src in images if ":" not in src]
    total = (SITE / page).stat().st_size + sum(file.stat().st_size for file in files)
    assert total <= MAX_PAGE_BYTES, f"{total / 1e6:.1f} MB"


@pytest.mark.parametrize("page", PAGES)
def test_no_markup_left_over(page):
    text = BeautifulSoup(str(article(page)), "html.parser")
    for code in text.find_all(["pre", "code"]):
        code.decompose()
    assert LEFT_OVER.search(text.get_text()) is None


@cache
def signs_of_the_math_font() -> set[str]:
    path = ROOT / "book" / "_static" / "fonts" / "math.woff2"
    return {chr(number) for number in TTFont(path).getBestCmap()}


@pytest.mark.parametrize("page", PAGES)
def test_the_font_has_every_sign_of_the_formulas(page):
    used = {sign for formula in article(page).find_all("math") for sign in formula.get_text()}
    missing = used - signs_of_the_math_font() - {"\n"}
    assert missing == set(), "add them to scripts/make_math_font.py and run it"


def test_pages_leave_out_what_they_do_not_use():
    assert not list(SITE.glob("_static/**/*.map"))
    for page in [*PAGES, *EXTRA_PAGES]:
        assert not parse(page).find("script", src=re.compile("fontawesome|thebe"))
    # An icon that no page shows was taken out of the fonts, those that they show are there.
    fonts = SITE.glob("_static/vendor/fontawesome/webfonts/*.woff2")
    signs = {number for path in fonts for number in TTFont(path).getBestCmap()}
    sun, moon, github, anchor = 0xF185, 0xF186, 0xF09B, 0xF13D
    assert {sun, moon, github} <= signs and anchor not in signs


@pytest.mark.parametrize("page", PAGES)
def test_previous_and_next(page):
    place = PAGES.index(page)
    area = parse(page).find(class_="prev-next-area")
    expected = {"left-prev": PAGES[place - 1] if place else None}
    expected["right-next"] = PAGES[place + 1] if place + 1 < len(PAGES) else None
    for kind, target in expected.items():
        link = area.find("a", class_=kind)
        if target is None:
            assert link is None
        else:
            assert ((SITE / page).parent / link["href"]).resolve() == (SITE / target).resolve()


@pytest.mark.parametrize("page", PAGES)
def test_licences_in_the_footer(page):
    footer = parse(page).find("footer", class_="bd-footer-content")
    assert footer.find("a", href="https://creativecommons.org/licenses/by/4.0/")
