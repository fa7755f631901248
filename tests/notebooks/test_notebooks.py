"""The stored chapters are one clean run, and the solutions of their exercises work."""

import os
import re
from pathlib import Path

import nbformat
import pytest
import set_address
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CHECK = re.compile(r"^(?:(?:appendix|chapter)_\d+\.exercise_\d)\(", re.M)
SOLUTION = re.compile(r"<details>.*?```python\n(.*?)```", re.S)

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@each_notebook
def test_outputs_are_one_clean_run(path):
    cells = code_cells(read(path))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    expected = [cell for cell in cells if "raises-exception" in cell.metadata.get("tags", [])]
    assert len([o for o in outputs if o.output_type == "error"]) == len(expected)
    assert path.stat().st_size <= 1_500_000


@each_notebook
def test_set_up_installs_only_the_package_on_colab(path):
    code = "\n".join(cell.source for cell in code_cells(read(path)))
    installs = re.findall(r"^.*pip install.*$", code, re.M)
    assert len(installs) == 1, "the set-up cell installs the package, and nothing else does"
    assert "--no-deps" in installs[0]
    assert f"git+https://github.com/{set_address.read_place()}" in installs[0]


@each_notebook
def test_links_to_itself_on_colab(path):
    link = f"https://colab.research.google.com/github/{set_address.read_place()}/blob/main/"
    assert f"{link}notebooks/{path.name}" in path.read_text("utf-8")


@each_notebook
def test_text_shows_right_on_colab(path):
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"^:::|\{(cite|eq|glue|numref|ref|doc)[}:]", cell.source, re.M)


@each_notebook
def test_numbered_equations_have_one_line(path):
    """The site puts an equation with a double backslash into `split`, which allows no number."""
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            for equation in re.findall(r"\$\$(.+?)\$\$", cell.source, re.S):
                assert not (r"\tag" in equation and "\\\\" in equation), equation


@each_notebook
def test_no_cell_is_too_long(path):
    assert max(len(cell.source.splitlines()) for cell in code_cells(read(path))) <= 30


@each_notebook
def test_code_fits_a_phone(path):
    """Colab and the page show 76 characters; an address may be longer."""
    for cell in code_cells(read(path)):
        if "raises-exception" not in cell.metadata.get("tags", []):
            lines = [line for line in cell.source.splitlines() if "%pip" not in line]
            assert not [line for line in lines if len(line) > 76]


@pytest.mark.slow
@each_notebook
def test_solutions_pass_their_checks(path, monkeypatch):
    """Put each folded solution where its exercise is, run the notebook, and read the verdicts."""
    notebook = read(path)
    exercises = [cell for cell in notebook.cells if "exercise" in cell.metadata.get("tags", [])]
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    solutions = SOLUTION.findall(text)
    assert exercises and len(solutions) == len(exercises)
    for cell, solution in zip(exercises, solutions, strict=True):
        cell.source = solution
    monkeypatch.setenv("TUTORIAL_BUDGET", "test")
    monkeypatch.delenv("TUTORIAL_DATA", raising=False)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    for cell in code_cells(notebook):
        if CHECK.search(cell.source):
            verdicts = "".join(output.get("text", "") for output in cell.outputs).splitlines()
            assert verdicts and set(verdicts) == {"Correct."}, cell.source


def test_budget_of_the_tests_is_not_stored():
    stored = "".join(path.read_text("utf-8") for path in NOTEBOOKS)
    assert "budget: test" not in stored and str(ROOT) + os.sep not in stored
