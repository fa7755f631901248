"""The diagrams are whole, say in words what they show, and can be read on a phone."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import tutorial_lib

DIAGRAMS = sorted((Path(tutorial_lib.__file__).parent / "show" / "diagrams").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"

each_diagram = pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)


@each_diagram
def test_fits_a_phone_and_stands_on_a_ground_of_its_own(path):
    """At 330 pixels a letter of 13 is still 10 high; the ground serves a light page and a dark."""
    drawing = ElementTree.parse(path).getroot()
    _, _, width, height = map(float, drawing.get("viewBox").split())
    assert width == 400
    sizes = [
        float(element.get("font-size")) for element in drawing.iter() if element.get("font-size")
    ]
    assert min(sizes) >= 13
    ground = next(drawing.iter(f"{SVG}rect"))
    assert (float(ground.get("width")), float(ground.get("height"))) == (width, height)
    assert ground.get("fill") == "#fdfcf9"


@each_diagram
def test_is_said_in_words_and_asks_nothing_from_elsewhere(path):
    drawing = ElementTree.parse(path).getroot()
    assert len(drawing.findtext(f"{SVG}title")) > 5 and len(drawing.findtext(f"{SVG}desc")) > 60
    content = path.read_text("utf-8")
    assert "http" not in content.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"<(style|script|image|foreignObject)", content)


def test_marks_have_names_of_their_own():
    """On a page with two diagrams, an arrow would take the tip of the other one."""
    names = [
        name for path in DIAGRAMS for name in re.findall(r' id="(.+?)"', path.read_text("utf-8"))
    ]
    assert len(names) == len(set(names))
