"""Every exercise of the book has a check that takes a right answer and refuses wrong ones."""

import importlib
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted(path.stem for path in Path(__file__).parent.glob("[ac]*_*.py"))  # appendices too
EXERCISES = {
    f"{chapter}.{number}": exercise
    for chapter in CHAPTERS
    for number, exercise in enumerate(
        importlib.import_module(f"checks.{chapter}").EXERCISES, start=1
    )
}

each_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES.keys())


@each_exercise
def test_check_takes_the_right_answer_and_refuses_each_wrong_one(exercise):
    given = exercise.given()
    assert exercise.accepts(exercise.right, given)
    assert len(exercise.wrong) >= 3
    taken = [name for name, answer in exercise.wrong.items() if exercise.accepts(answer, given)]
    assert not taken, "wrong answers that pass"


@each_exercise
def test_check_of_an_open_exercise_says_not_yet(exercise, capsys):
    untouched = tuple(
        (lambda *args, **named: ...) if callable(part) else None for part in exercise.right
    )
    assert not exercise.accepts(untouched, exercise.given())


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_exercise_of_a_chapter_is_here(chapter):
    kind, number = chapter.split("_")
    start = f"A{number}" if kind == "appendix" else f"{number:0>2}"
    (path,) = (ROOT / "notebooks").glob(f"{start}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    exercises = [cell for cell in cells if "exercise" in cell.metadata.get("tags", [])]
    assert len(exercises) == len([name for name in EXERCISES if name.startswith(f"{chapter}.")])
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    for number in range(1, 1 + len(exercises)):
        assert f"{chapter}.exercise_{number}(" in code
