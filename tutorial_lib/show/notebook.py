"""What every notebook of the book starts with: set-up, the time budget, and `show_source`."""

import inspect
import io
import os
import platform
import textwrap
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from xml.etree import ElementTree

import numpy as np
from IPython.display import SVG, Markdown
from IPython.display import Image as Displayed
from PIL import Image

from tutorial_lib.errors import TutorialError, choose
from tutorial_lib.hardware.environment import import_tensorflow, prepare_tensorflow
from tutorial_lib.show.pictures import image_grid, save_animation
from tutorial_lib.show.tables import markdown_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Value = TypeVar("Value")

BUDGETS = ("test", "cpu", "gpu")


def setup() -> None:
    """Say which versions, device, precision and budget this notebook runs with."""
    prepare_tensorflow()
    import_tensorflow()
    import keras
    import tensorflow as tf

    from tutorial_lib.hardware.precision import choose_precision, device_name

    python = platform.python_version()
    print(f"Python {python}, TensorFlow {tf.__version__}, Keras {keras.__version__}")
    print(f"Device: {device_name()}; precision: {choose_precision()}; budget: {budget()}")


def budget() -> str:
    """Return how long live training may take: "test" (seconds), "cpu" (minutes) or "gpu".

    The environment variable TUTORIAL_BUDGET decides; without it, a GPU does. Raises
    `TutorialError` if the variable holds anything else.
    """
    chosen = os.environ.get("TUTORIAL_BUDGET")
    if chosen is None:
        import tensorflow as tf

        return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"
    if chosen not in BUDGETS:
        raise TutorialError(f"TUTORIAL_BUDGET must be one of {', '.join(BUDGETS)}, not {chosen!r}.")
    return chosen


def by_budget(*, test: Value, cpu: Value, gpu: Value) -> Value:
    """Return the value that belongs to the current `budget()`."""
    return {"test": test, "cpu": cpu, "gpu": gpu}[budget()]


def show_source(thing: object) -> Markdown:
    """Return the source of a function or class of the package, to be shown as code."""
    source = textwrap.dedent(inspect.getsource(thing))
    return Markdown(f"```python\n{source}```")


def show_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Markdown:
    """Return a table to be shown, from the names of its columns and its rows."""
    return Markdown(markdown_table(head, rows))


def show_diagram(name: str) -> SVG:
    """Return a drawn diagram of the package (show/diagrams/NAME.svg), to be shown.

    Its `<desc>` says in words what is to be seen. Raises `TutorialError` if there is none of this
    name.
    """
    drawn = {
        Path(file.name).stem: file for file in (files("tutorial_lib") / "show/diagrams").iterdir()
    }
    content = choose("diagram", name, drawn).read_text("utf-8")
    alt = ElementTree.fromstring(content).findtext("{*}desc")
    return SVG(content, metadata={"alt": alt})


def show_images(
    images: np.ndarray, columns: int | None = None, *, zoom: int = 1, alt: str = ""
) -> Displayed:
    """Return images (N, h, w, 3) as one grid to be shown, each pixel `zoom` times as wide.

    It is a JPEG: sheets of photographs would make a notebook heavy as PNG. `alt` says in words
    what is to be seen, for those who cannot see it.
    """
    content = io.BytesIO()
    picture = Image.fromarray(_enlarge(image_grid(images, columns), zoom))
    picture.save(content, "JPEG", quality=82, subsampling=0)
    return _displayed(content, "jpeg", alt)


def show_figure(figure: "Figure", alt: str = "") -> Displayed:
    """Return a figure of images to be shown as a JPEG, as `show_images` does, and close it."""
    import matplotlib.pyplot as plt

    content = io.BytesIO()
    figure.savefig(content, format="jpeg", dpi=110, pil_kwargs={"quality": 85})
    plt.close(figure)
    return _displayed(content, "jpeg", alt)


def show_animation(pictures: Sequence[np.ndarray], *, zoom: int = 1, alt: str = "") -> Displayed:
    """Return an animation of pictures, uint8 (H, W, 3), to be shown; `alt` says it in words."""
    content = io.BytesIO()
    save_animation([_enlarge(picture, zoom) for picture in pictures], content)
    return _displayed(content, "gif", alt)


def _enlarge(picture: np.ndarray, zoom: int) -> np.ndarray:
    return picture.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _displayed(content: io.BytesIO, kind: str, alt: str) -> Displayed:
    return Displayed(content.getvalue(), format=kind, metadata={"alt": alt})
