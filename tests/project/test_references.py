"""The bibliography is complete and well formed, and holds every paper that a page links to."""

import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIB = ROOT / "book" / "references.bib"
PAGES = sorted([*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "book").glob("*.md")])
IDENTIFIERS = ("doi", "eprint", "isbn", "url")
ENTRY = re.compile(r"^@(\w+)\{(\w+),\n(.*?)^\}$", re.M | re.S)
FIELD = re.compile(r"^  (\w+) = \{(.*)\},$", re.M)
ARXIV = re.compile(r"arxiv\.org/(?:abs|pdf)/(\d{4}\.\d{4,5})", re.I)
DOI = re.compile(r"doi\.org/(10\.\d{4,9}/[^\s)\]\"'<>]+)", re.I)
ARXIV_AS_DOI = "10.48550/arxiv."


def read_entries(text: str) -> dict[str, dict[str, str]]:
    """Entries by key; a field stands on one line, as everywhere in the file."""
    return {key: dict(FIELD.findall(body)) for _, key, body in ENTRY.findall(text)}


ENTRIES = read_entries(BIB.read_text("utf-8"))
each_entry = pytest.mark.parametrize("key", ENTRIES)


def is_isbn(text: str) -> bool:
    """Whether the 13 digits have the check digit that they should."""
    digits = [int(digit) for digit in text.replace("-", "")]
    return len(digits) == 13 and sum(digits[::2] + [3 * d for d in digits[1::2]]) % 10 == 0


def linked(text: str) -> set[str]:
    """The arXiv numbers and DOIs (in small letters) that a text links to."""
    found = {doi.rstrip(".,;").lower() for doi in DOI.findall(text)}
    return set(ARXIV.findall(text)) | {doi.removeprefix(ARXIV_AS_DOI) for doi in found}


def listed() -> set[str]:
    kinds = ("doi", "eprint")
    return {entry[kind].lower() for entry in ENTRIES.values() for kind in kinds if kind in entry}


def source(page: Path) -> str:
    """What an author wrote on a page: a notebook's cells, without outputs."""
    if page.suffix == ".md":
        return page.read_text("utf-8")
    return "\n".join(cell.source for cell in nbformat.read(page, as_version=4).cells)


def test_every_entry_is_read_and_has_a_key_of_its_own():
    text = BIB.read_text("utf-8")
    assert len(ENTRIES) == len(re.findall(r"^@", text, re.M)) > 50
    fields = sum(len(entry) for entry in ENTRIES.values())
    assert fields == len(re.findall(r"^ +\w+ *=", text, re.M))


@each_entry
def test_entry_says_who_what_when_and_where(key):
    entry = ENTRIES[key]
    assert {"author", "title", "year"} <= set(entry)
    assert [kind for kind in IDENTIFIERS if kind in entry], "give a doi, eprint, isbn or url"
    assert re.fullmatch(rf"[a-z]+{entry['year']}[a-z]*", key), "a key is author, year, and a word"


@each_entry
def test_identifiers_are_well_formed(key):
    entry = ENTRIES[key]
    assert re.fullmatch(r"10\.\d{4,9}/\S+", entry.get("doi", "10.1000/1"))
    assert re.fullmatch(r"https://\S+", entry.get("url", "https://example.org"))
    assert is_isbn(entry.get("isbn", "978-0-262-01319-2"))
    assert ("eprint" in entry) == (entry.get("archivePrefix") == "arXiv")


@pytest.mark.parametrize("key", [key for key in ENTRIES if "eprint" in ENTRIES[key]])
def test_arxiv_number_agrees_with_the_year(key):
    """It begins with year and month: a paper comes out up to two years after its preprint."""
    number = re.fullmatch(r"(\d\d)(0[1-9]|1[0-2])\.\d{4,5}", ENTRIES[key]["eprint"])
    assert -1 <= int(ENTRIES[key]["year"]) - (2000 + int(number[1])) <= 2


def test_no_work_is_listed_twice():
    for kind in (*IDENTIFIERS, "title"):
        values = Counter(entry[kind].lower() for entry in ENTRIES.values() if kind in entry)
        assert [value for value, times in values.items() if times > 1] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_papers_that_a_page_links_to_are_listed(page):
    missing = linked(source(page)) - listed()
    assert sorted(missing) == [], "add them to book/references.bib"


def test_links_are_recognised_in_every_spelling():
    text = (
        "[a](https://arxiv.org/abs/1406.2661), (http://arxiv.org/pdf/1701.07875v2), see "
        "https://doi.org/10.1109/TIT.1968.1054142. <https://dx.doi.org/10.48550/arXiv.1312.6114>"
    )
    expected = {"1406.2661", "1701.07875", "1312.6114", "10.1109/tit.1968.1054142"}
    assert linked(text) == expected


def test_a_wrong_digit_of_an_isbn_is_noticed():
    assert is_isbn("978-0-387-31073-2")
    assert not is_isbn("978-0-387-31074-2")
    assert not is_isbn("0-387-31073-8")


def test_the_page_prints_the_whole_list():
    page = (ROOT / "book" / "references.md").read_text("utf-8")
    assert re.search(r"```\{bibliography\}\n(?::\w+:.*\n)*:all:\n", page)
    configuration = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    assert configuration["bibtex_bibfiles"] == ["book/references.bib"]


def test_an_independent_parser_reads_the_same():
    database = pytest.importorskip(
        "pybtex.database", reason="pybtex comes with the website's tools: run `make book`"
    )
    parsed = database.parse_file(str(BIB), bib_format="bibtex").entries
    assert set(parsed) == set(ENTRIES)
    for key, entry in ENTRIES.items():
        theirs = {name.lower(): value for name, value in parsed[key].fields.items()}
        ours = {name.lower(): value for name, value in entry.items() if name != "author"}
        assert theirs == ours
        assert len(parsed[key].persons["author"]) == len(entry["author"].split(" and "))
