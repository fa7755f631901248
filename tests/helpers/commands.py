"""The command line, run in this process, which has TensorFlow loaded."""

import json

from click.testing import CliRunner

from helpers.runs import make_images
from tutorial_lib.cli import main
from tutorial_lib.show.pictures import save_images

TINY = {"size": 8, "latent_size": 4, "width": 4, "batch_size": 8}


def run_command(*arguments, code=0):
    """Run a command, and return what it printed."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done.output


def train_command(tmp_path, *options, code):
    """Train a tiny recipe on a folder of images."""
    recipe = tmp_path / "tiny.json"
    recipe.write_text(json.dumps(TINY))
    images = tmp_path / "images"
    save_images(make_images(), images)
    return run_command("train", recipe, "--data", images, "--kimg", 0.016, *options, code=code)
