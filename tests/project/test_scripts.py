"""The scripts behind `make notebooks` and `make address`."""

from pathlib import Path

import nbformat
import pytest
import run_notebooks
import set_address
from nbformat.v4 import new_code_cell, new_notebook, new_output

PICTURE = "iVBORw0KGgo="


def write(path: Path, *sources: str, tags: dict[int, list[str]] | None = None) -> Path:
    cells = [new_code_cell(source) for source in sources]
    for index, names in (tags or {}).items():
        cells[index].metadata["tags"] = names
    nbformat.write(new_notebook(cells=cells), path)
    return path


# --- run_notebooks.py


def test_outputs_are_stored_as_one_clean_run(tmp_path):
    path = write(
        tmp_path / "a.ipynb",
        "import os, sys\nprint('budget', os.environ['TUTORIAL_BUDGET'])",
        "print('warning', file=sys.stderr)\nprint('out')\nprint('more')",
        "1 / 0",
        tags={2: ["raises-exception"]},
    )
    assert run_notebooks.main([str(path)]) == 0
    stored = nbformat.read(path, as_version=4)
    assert [cell.execution_count for cell in stored.cells] == [1, 2, 3]
    assert stored.cells[0].outputs[0].text == "budget cpu\n"
    assert [output.name for output in stored.cells[1].outputs] == ["stdout"]
    assert stored.cells[1].outputs[0].text == "out\nmore\n"
    assert stored.cells[2].outputs[0].ename == "ZeroDivisionError"
    assert stored.cells[2].metadata == {"tags": ["raises-exception"]}
    assert set(stored.metadata) == {"kernelspec", "language_info"}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_a_failing_cell_leaves_the_notebook_and_is_named(tmp_path, capsys):
    bad = write(tmp_path / "bad.ipynb", "x = 1", "raise KeyError('tail')", "x = 2")
    good = write(tmp_path / "good.ipynb", "print(2)")
    before = bad.read_bytes()
    assert run_notebooks.main([str(bad), str(good)]) == 1
    assert bad.read_bytes() == before
    message = capsys.readouterr().err
    assert "bad.ipynb, cell 2" in message and "KeyError" in message
    assert nbformat.read(good, as_version=4).cells[0].execution_count == 1


@pytest.mark.slow
def test_a_dead_kernel_is_named(tmp_path, capsys):
    path = write(tmp_path / "dead.ipynb", "x = 1", "import os; os._exit(9)")
    before = path.read_bytes()
    assert run_notebooks.main([str(path)]) == 1
    assert path.read_bytes() == before
    assert "dead.ipynb, cell 2" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "no JSON", '{"cells": 3}'])
def test_a_broken_file_is_named(tmp_path, capsys, content):
    path = tmp_path / "broken.ipynb"
    path.write_text(content, "utf-8")
    assert run_notebooks.main([str(path)]) == 1
    assert "broken.ipynb cannot be read as a notebook" in capsys.readouterr().err


def test_clean_moves_alt_text_and_cuts_paths():
    picture = new_output("display_data", data={"image/png": PICTURE})
    picture.metadata = {"image/png": {"alt": "sixteen cats"}}
    widget = new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {}})
    where = f"{run_notebooks.ROOT}/tutorial_lib/losses.py, line 3"
    trace = new_output("error", ename="E", evalue="", traceback=[where])
    cell = new_code_cell(outputs=[picture, widget, trace])
    cell.metadata = {"execution": {"iopub.status.busy": "now"}, "collapsed": True}
    cleaned = run_notebooks.clean(new_notebook(cells=[cell], metadata={"accelerator": "GPU"}))
    assert cleaned.cells[0].metadata == {"mystnb": {"image": {"alt": "sixteen cats"}}}
    assert len(cleaned.cells[0].outputs) == 2
    assert cleaned.cells[0].outputs[1].traceback == ["tutorial_lib/losses.py, line 3"]
    assert cleaned.metadata.accelerator == "GPU"


# --- set_address.py


def project(folder: Path, url: str) -> Path:
    (folder / "book").mkdir()
    (folder / "notebooks").mkdir()
    config = f"html:\n  baseurl: https://old.github.io/book\nrepository:\n  url: {url}\n"
    (folder / "_config.yml").write_text(config, "utf-8")
    (folder / "CITATION.cff").write_text("repository-code: https://github.com/old/book\n", "utf-8")
    write(
        folder / "notebooks" / "01_a.ipynb",
        "%pip install --no-deps git+https://github.com/old/book.py\nprint(1)",
        "# https://colab.research.google.com/github/old/book/blob/main/notebooks/01_a.ipynb",
        "# https://github.com/someone/else stays",
    )
    return folder


def test_every_repeated_address_follows(tmp_path):
    root = project(tmp_path, "https://github.com/New-Owner/cats.book")
    changed = {path.name for path in set_address.rewrite(root)}
    assert changed == {"_config.yml", "CITATION.cff", "01_a.ipynb"}
    cells = nbformat.read(root / "notebooks" / "01_a.ipynb", as_version=4).cells
    install = "%pip install --no-deps git+https://github.com/New-Owner/cats.book\nprint(1)"
    assert cells[0].source == install
    assert "/github/New-Owner/cats.book/blob/main/notebooks/01_a.ipynb" in cells[1].source
    assert cells[2].source == "# https://github.com/someone/else stays"
    config = (root / "_config.yml").read_text("utf-8")
    assert "baseurl: https://new-owner.github.io/cats.book\n" in config
    assert set_address.rewrite(root) == []


@pytest.mark.parametrize("url", ["https://example.org/a/b", "github.com/a/b", "a/b.git"])
def test_another_kind_of_address_is_refused(tmp_path, url):
    root = project(tmp_path, url)
    with pytest.raises(set_address.AddressError, match="owner/name"):
        set_address.read_place(root)
