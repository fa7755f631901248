"""The command line: `python -m tutorial_lib data | train | sample | evaluate`.

TensorFlow takes seconds to import, so every command imports what it needs by itself. Exit codes:
0 done, 2 a mistake or a lost worker, which the message explains, 130 interrupted and saved.
"""

import dataclasses
import json
import os
import sys
import warnings
from pathlib import Path

import click

import tutorial_lib
from tutorial_lib.errors import TutorialError
from tutorial_lib.files import check_writable, printable, user_path
from tutorial_lib.hardware.environment import import_tensorflow, prepare_tensorflow
from tutorial_lib.progress import say
from tutorial_lib.training.cluster import SEVERAL_DEVICES
from tutorial_lib.training.run_folder import RESUME, check_resume


class _Mistake(click.ClickException):
    """End a command with one sentence, and 2."""

    exit_code = 2


class _Commands(click.Group):
    """End a user's mistake in one sentence, whichever command it was made with."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except BrokenPipeError:
            raise  # nobody listens any more: click ends quietly
        except (TutorialError, OSError) as error:
            raise _Mistake(str(error)) from error
        except MemoryError as error:
            raise _Mistake("This needs more memory than there is: ask for less at once.") from error


class _UserPath(click.ParamType):
    """A path as users write them."""

    name = "path"

    def convert(self, value, param, context) -> Path:
        return user_path(value)


PATH = _UserPath()


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True}
)
@click.version_option(tutorial_lib.__version__)
def main() -> None:
    """Train generators of cats, sample from them, measure them, and look at data.

    \b
    Examples:
      python -m tutorial_lib train dcgan --data cats --minutes 10 --out runs/cats
      python -m tutorial_lib sample runs/cats --out cats.png
      python -m tutorial_lib evaluate runs/cats
    """
    prepare_tensorflow()
    warnings.formatwarning = lambda message, *_, **__: f"{message}\n"  # a sentence, and no source


@main.group()
def data() -> None:
    """Fetch, inspect and look at images.

    DATA is "cats" (29,843 photographs, downloaded once), "drawn" (drawn cats, no download), or
    the path of a folder or archive of images.

    \b
    Examples:
      python -m tutorial_lib data inspect ~/Pictures/cats.zip
      python -m tutorial_lib data sheet cats sheet.png --count 100
    """


@data.command()
def fetch() -> None:
    """Get the photographs of cats, checked: a download, or what TUTORIAL_DATA names."""
    from tutorial_lib.data.cats import load_cats

    images = load_cats()
    say(f"{len(images)} images in {getattr(images, 'filename', 'memory')}")


@data.command()
@click.argument("name", metavar="DATA")
@click.option("--size", default=64, help="Pixels a side.")
@click.option("--skipped", type=PATH, help="A file to list all skipped files in, with reasons.")
def inspect(name: str, size: int, skipped: Path | None) -> None:
    """Say what DATA holds: number, shape, mean colour, digest, files skipped."""
    from tutorial_lib.data.pixels import fingerprint

    images = _open_data(name, size, skipped)
    red, green, blue = images[:1000].mean(axis=(0, 1, 2))
    say(f"images       {len(images)} of {images.shape[1]}x{images.shape[2]} pixels")
    say(f"mean colour  red {red:.0f}, green {green:.0f}, blue {blue:.0f} (first 1000)")
    say(f"sha256       {fingerprint(images)}")


@data.command()
@click.argument("name", metavar="DATA")
@click.argument("out", type=PATH)
@click.option("--size", default=64, help="Pixels a side.")
@click.option("--count", default=100, type=click.IntRange(1))
@click.option("--seed", default=0, type=click.IntRange(0), help="Which images are drawn by lot.")
def sheet(name: str, out: Path, size: int, count: int, seed: int) -> None:
    """Write a contact sheet of DATA, images drawn by lot, to the picture file OUT."""
    import numpy as np

    from tutorial_lib.show.pictures import check_sheet, save_grid

    check_sheet(out, count, size)  # before the work is done
    check_writable(out)
    images = _open_data(name, size)
    chosen = np.random.default_rng(seed).permutation(len(images))[:count]
    save_grid(images[np.sort(chosen)], out)
    say(f"{len(chosen)} images in {printable(out)}")


@main.command(epilog=SEVERAL_DEVICES)
@click.argument("recipe", default="dcgan")
@click.option("--data", "name", default="cats", help="cats, drawn, or a path.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Training time in all.")
@click.option("--kimg", type=click.FloatRange(0, min_open=True), help="Thousand images in all.")
@click.option("--out", type=PATH, help="The run folder. [default: runs/RECIPE]")
@click.option("--resume", type=click.Choice(RESUME), default="auto", help="auto goes on if it can.")
@click.option("--precision", default="auto", help="float32, mixed_bfloat16 or mixed_float16.")
@click.option("--seed", type=click.IntRange(0), help="Another seed than the recipe's.")
@click.option(
    "--evaluate-every",
    "every",
    metavar="KIMG",
    type=click.FloatRange(0, min_open=True),
    help="Measure so often, at a tick of 5 kimg, and keep the best network of the run in best/.",
)
@click.option(
    "--strategy",
    type=click.Choice(["none", "mirrored", "multi-worker"]),
    default="none",
    help="One device, all GPUs of this machine, or the workers that TF_CONFIG lists.",
)
def train(recipe, name, minutes, kimg, out, resume, precision, seed, every, strategy) -> None:
    """Train RECIPE until --minutes or --kimg is reached.

    RECIPE is dcgan, document or modern, with -32 or -128 behind it for other sizes, vae, or a
    JSON file of what differs, such as {"algorithm": "vae", "size": 32}. The run folder gets the
    log, sheets of samples, checkpoints and the weights. Ctrl-C saves; the same command goes on
    from there, also after a crash.

    \b
    Examples:
      python -m tutorial_lib train dcgan --data drawn --minutes 5 --out runs/drawn
      python -m tutorial_lib train my.json --data ~/Pictures/cats.zip --kimg 500
      python -m tutorial_lib train modern --minutes 600 --evaluate-every 100
    """
    if minutes is None and kimg is None:
        raise TutorialError("Say when to stop: give --minutes, --kimg or both.")
    if strategy == "multi-worker":  # the loss of a worker is one sentence, not a page of errors
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import_tensorflow()
    from tutorial_lib.algorithms.registry import load_recipe

    chosen = load_recipe(recipe)
    if seed is not None:
        chosen = dataclasses.replace(chosen, seed=seed)
    out = out or Path("runs") / Path(recipe).stem
    # Before the data: what is impossible should fail at once.
    check_resume(out, resume)
    check_writable(out / "log.jsonl")
    trainer = _build_trainer(chosen, name, out, precision, every, strategy)
    try:
        trainer.fit(minutes=minutes, kimg=kimg, resume=resume)
    except KeyboardInterrupt:
        sys.exit(130)
    say(f"Done: {trainer.nimg} images seen. Sheets in {printable(out / 'samples')}.")


@main.command()
@click.argument("source")
@click.option(
    "--out",
    default="samples.png",
    help="A picture file for one sheet, or a folder for one file each.",
)
@click.option("--count", default=64, type=click.IntRange(1))
@click.option("--seed", default=0, type=click.IntRange(0))
@click.option("--columns", type=click.IntRange(1), help="Of the sheet. [default: a square]")
def sample(source: str, out: str, count: int, seed: int, columns: int | None) -> None:
    """Generate images with SOURCE: a run folder, or the name of published weights.

    \b
    Examples:
      python -m tutorial_lib sample cat-faces-64 --out cats.png
      python -m tutorial_lib sample runs/cats --out cats/ --count 200 --seed 7
    """
    import_tensorflow()
    import numpy as np

    from tutorial_lib.pretrained import draw_images, load_generator
    from tutorial_lib.show.pictures import check_sheet, save_grid, save_pieces

    path = user_path(out)
    one_sheet = bool(path.suffix) and not path.is_dir() and not out.endswith(("/", os.sep))
    check_writable(path if one_sheet else path / "00000.png")  # before the work is done
    generator = load_generator(source)
    pieces = draw_images(generator, count, seed=seed)
    if one_sheet:
        check_sheet(path, count, generator.output_shape[1], columns)
        save_grid(np.concatenate(list(pieces)), path, columns)
    else:
        save_pieces(pieces, path, count)
    say(f"{count} images in {printable(path)}")


@main.command()
@click.argument("source")
@click.option(
    "--data",
    "name",
    help="cats, drawn, or a path. [default: statistics of the photographs, no download]",
)
@click.option("--count", default=10_000, type=click.IntRange(100))
@click.option("--seed", default=0, type=click.IntRange(0))
@click.option("--json", "out", type=PATH, help="A file to write the measures to.")
def evaluate(source: str, name: str | None, count: int, seed: int, out: Path | None) -> None:
    """Measure how good SOURCE is: a run folder, or the name of published weights.

    Fréchet and kernel distance, precision, recall, density, coverage and a test for memorised
    images, in features of EfficientNet-Lite0, each beside what real images score.

    \b
    Examples:
      python -m tutorial_lib evaluate runs/cats/best --count 2000 --json measures.json
      python -m tutorial_lib evaluate runs/drawn --data drawn
    """
    import_tensorflow()
    from tutorial_lib.files import write_whole
    from tutorial_lib.metrics.evaluation import evaluate_generator
    from tutorial_lib.metrics.reference import load_reference, reference_from_images
    from tutorial_lib.pretrained import load_card, load_generator

    if out:
        check_writable(out)  # before the work is done
    generator = load_generator(source)
    if name is None:
        reference = load_reference()
    else:  # of drawn cats twice as many: the floor needs them
        images = _open_data(name, generator.output_shape[1], count=2 * count)
        reference = reference_from_images(images, name, count=count)
    trained_on = load_card(source).get("data", {}).get("sha256")
    if trained_on != reference.sha256 and name != "drawn":  # of those, other numbers are drawn
        say(f"Note: {source} was trained on other images than {reference.name}.", aside=True)
    evaluation = evaluate_generator(generator, reference, count=count, seed=seed)
    say(str(evaluation))
    if out:
        record = {"source": source, "seed": seed} | dataclasses.asdict(evaluation)
        write_whole(out, (json.dumps(record, indent=2) + "\n").encode())


def _build_trainer(recipe, name, out, precision, every_kimg, strategy):
    """Return a trainer of a recipe on DATA, on the devices that a strategy names."""
    from tutorial_lib.training.best import keep_best
    from tutorial_lib.training.devices import build_on, make_strategy
    from tutorial_lib.training.trainer import Trainer

    devices = make_strategy(strategy)
    algorithm = build_on(devices, recipe, precision=precision)
    images = _open_data(name, recipe.size)
    trainer = Trainer(algorithm, images, out, strategy=devices)
    if every_kimg is not None:  # before the log, which notes what was measured
        trainer.callbacks.insert(1, keep_best(images, name, every_kimg=every_kimg))
    return trainer


def _open_data(name: str, size: int, skipped_list: Path | None = None, **options):
    """Return the images of DATA, after saying which files had to be skipped."""
    from tutorial_lib.data import open_dataset
    from tutorial_lib.data.loading.skipped import summarise_skipped, write_skipped

    if skipped_list:
        check_writable(skipped_list)  # before the work is done
    images, skipped = open_dataset(name, size, **options)
    for line in summarise_skipped(skipped):
        say(f"Skipped {line}.", aside=True)
    if skipped and skipped_list:
        write_skipped(skipped, skipped_list)
        say(f"All of them are named in {printable(skipped_list)}.", aside=True)
    return images
