"""The built website: every page opens, leads on, and says what its pictures show.

`make test` builds the site first; without `_build/html` these tests skip.
"""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
BUILT = (SITE / "book" / "index.html").exists()
pytestmark = pytest.mark.skipif(not BUILT, reason="the site is not built: run `make book`")

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
ADDRESS = CONFIG["repository"]["url"]
PLACE = ADDRESS.removeprefix("https://github.com/")
MAX_PAGE_BYTES = 1_500_000
FILE_NAME = re.compile(r"\.(gif|jpe?g|png|svg|webp)$")
LEFT_OVER = re.compile(r"^\s*:::|\{(note|warning|tip|cite|eq|glue|numref|ref|doc|figure)[:}]", re.M)


def sources() -> list[str]:
    """The pages of the table of contents, without suffix, in its order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    parts = toc["parts"]
    return [toc["root"], *(chapter["file"] for part in parts for chapter in part["chapters"])]


PAGES = [f"{name}.html" for name in sources()]
NOTEBOOKS = [page for page in PAGES if page.startswith("notebooks/")]


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
    built = {page for page in built if not page.startswith("_static/")}
    assert built == {*PAGES, "index.html", "search.html", "genindex.html"}


@pytest.mark.parametrize("page", [*PAGES, "search.html", "genindex.html"])
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
    assert tree.find("img", src=re.compile(r"_static/logo\.png$"))
    assert tree.find("form", class_="bd-search")


def test_search_finds_the_pages():
    index = (SITE / "searchindex.js").read_text("utf-8")
    assert parse("search.html").find(id="search-results")
    assert [page for page in PAGES if f'"{page.removesuffix(".html")}"' not in index] == []


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
