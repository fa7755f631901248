"""Run notebooks from top to bottom and store their outputs in place.

Usage, from the project's root:

    python scripts/run_notebooks.py                              every notebook
    python scripts/run_notebooks.py notebooks/07_cat_gan.ipynb   these

Each runs in a kernel of its own, in the budget "cpu". What is stored is one clean run: counts
1 to n, nothing from stderr, no timings, no widget state. If a cell fails, the notebook on disk
stays as it was.
"""

import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
KEPT_METADATA = ("accelerator", "colab")  # the kind of machine to ask Colab for
KEPT_CELL_METADATA = ("tags", "mystnb")  # for nbval, and the texts that stand for pictures
NO_PICTURE = {"application/vnd.jupyter.widget-view+json"}


class NotebookError(Exception):
    """A notebook that could not be read or run; the message names it and the cell."""


def execute(path: Path) -> NotebookNode:
    """Run the notebook at `path` in a fresh kernel and return it with its outputs.

    Raises `NotebookError` if the file is no notebook, or a cell failed that is not tagged
    `raises-exception`.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # whatever the readers of old formats trip over
        raise NotebookError(f"{path} cannot be read as a notebook: {error}") from error
    started = {"cell": 0}
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=40"],
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=lambda cell, cell_index: started.update(cell=cell_index),
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        source = notebook.cells[started["cell"]].source
        failed = isinstance(error, CellExecutionError)
        reason = f"{error.ename}: {error.evalue}" if failed else str(error)
        raise NotebookError(f"{path}, cell {started['cell'] + 1}: {reason}\n{source}") from error
    return notebook


def clean(notebook: NotebookNode) -> NotebookNode:
    """Keep of an executed notebook only what belongs to the book.

    Drops stderr, widgets, timings and the versions of the machine; the project's own folder is
    cut from tracebacks and messages, so that no path of this machine is stored. The alt text of
    a picture goes to the cell's metadata as well, which is where the website looks for it.
    """
    kept = {key: notebook.metadata[key] for key in KEPT_METADATA if key in notebook.metadata}
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python", "pygments_lexer": "ipython3"},
        **kept,
    )
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in KEPT_CELL_METADATA if key in cell.metadata}
        cell.metadata = NotebookNode(kept)
        if cell.cell_type == "code":
            outputs = [output for output in cell.outputs if _belongs(output)]
            cell.outputs = [_without_root(output) for output in outputs]
            if alt := " ".join(_alt_texts(cell.outputs)):
                cell.metadata.mystnb = {"image": {"alt": alt}}
    return notebook


def _belongs(output: NotebookNode) -> bool:
    if output.output_type == "stream":
        return output.name != "stderr"
    return not NO_PICTURE & set(output.get("data", {}))


def _alt_texts(outputs: list[NotebookNode]) -> list[str]:
    bundles = [bundle for output in outputs for bundle in output.get("metadata", {}).values()]
    return [bundle["alt"] for bundle in bundles if isinstance(bundle, dict) and bundle.get("alt")]


def _without_root(value):
    """Cut the project's folder from every text in `value`, a tree of dicts, lists and texts."""
    if isinstance(value, str):
        return value.replace(f"{ROOT}{os.sep}", "")
    if isinstance(value, list):
        return [_without_root(item) for item in value]
    if isinstance(value, dict):
        return type(value)({key: _without_root(item) for key, item in value.items()})
    return value


def store(notebook: NotebookNode, path: Path) -> None:
    """Write `notebook` to `path` in one step: never half a file."""
    nbformat.validate(notebook)
    temporary = path.with_name(f".{path.name}.new")
    try:
        nbformat.write(notebook, temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def main(names: list[str]) -> int:
    """Run the named notebooks, or all; return 0 if every one ran."""
    os.environ["TUTORIAL_BUDGET"] = "cpu"
    os.environ["TUTORIAL_PROGRESS"] = "lines"  # a stored bar would stand still for ever
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    paths = [Path(name) for name in names] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    failed = 0
    for path in paths:
        start = time.monotonic()
        try:
            store(clean(execute(path)), path)
        except NotebookError as error:
            failed += 1
            print(f"FAILED {error}\nThe stored notebook was left as it is.", file=sys.stderr)
        else:
            seconds, size = time.monotonic() - start, path.stat().st_size / 1e6
            print(f"{path.name}: {seconds:.0f} s, {size:.2f} MB stored", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
