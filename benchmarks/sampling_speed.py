"""Measure how fast published generators draw: the first image, and many.

    python benchmarks/sampling_speed.py
    python benchmarks/sampling_speed.py NAME --rounds 9

The first image is that of `python -m tutorial_lib sample NAME --count 1`, the whole process from a
cold start; beside it stands what the import of TensorFlow and Keras alone takes. Images a second
are those of the traced generator, at several batch sizes. All take turns, each in a process of its
own (turns.py). Results go to tutorial_lib/results/sampling_speed.json, or to --out; `make tables`
brings them into the book.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from common import RESULTS, load_before, store
from turns import run_program, take_turns, time_steps

from tutorial_lib.hardware.environment import prepare_tensorflow

RESULT = RESULTS / "sampling_speed.json"
BATCHES = (1, 64)
SECONDS = 1.0  # of drawing at each batch size


def main() -> None:
    """Measure in turns, and store the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", nargs="?", default="cat-faces-64", help="published, or a run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--draw", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    prepare_tensorflow()
    if arguments.draw:
        print(json.dumps(draw(arguments.network)))
        return
    load = load_before()
    programs = {
        "first image": partial(first_image, arguments.network),
        "import": lambda: seconds_of([sys.executable, "-c", "import keras, tensorflow"]),
        "many": partial(run_program, [sys.executable, __file__, arguments.network, "--draw"]),
    }
    runs = take_turns(programs, arguments.rounds)
    content = {
        "device": runs["many"][0]["device"],
        "load_before": load,
        "network": arguments.network,
        "rounds": arguments.rounds,
        **summarise(runs),
    }
    store(arguments.out, content)
    print(f"Stored in {arguments.out}")


def first_image(network: str) -> dict:
    """Return how long the `sample` command takes for one image."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["sample", network, "--count", "1", "--out", str(Path(folder) / "cat.png")]
        return seconds_of([sys.executable, "-m", "tutorial_lib", *words])


def seconds_of(command: list[str]) -> dict:
    """Return how long a command takes, from its start to its end."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return {"seconds": time.perf_counter() - start}


def draw(network: str) -> dict:
    """Return how many images a second a generator draws at each batch size."""
    import tensorflow as tf

    from tutorial_lib.hardware.precision import device_name
    from tutorial_lib.models.latents import draw_latents
    from tutorial_lib.pretrained import load_generator

    generator = load_generator(network)
    traced = tf.function(lambda latents: generator(latents, training=False))

    def speed(batch: int) -> float:
        latents = tf.constant(draw_latents(batch, generator.input_shape[-1]))
        return batch / time_steps(lambda: traced(latents).numpy(), SECONDS)

    return {
        "device": device_name(),
        "images_per_second": {str(batch): speed(batch) for batch in BATCHES},
    }


def summarise(runs: dict[str, list[dict]]) -> dict:
    """Return the median, least and greatest time of the processes, and median speeds."""
    times = {name: [run["seconds"] for run in runs[name]] for name in ("first image", "import")}
    speeds = [run["images_per_second"] for run in runs["many"]]
    return {
        "seconds": {
            name: {"median": statistics.median(column), "min": min(column), "max": max(column)}
            for name, column in times.items()
        },
        "images_per_second": {
            batch: statistics.median(speed[batch] for speed in speeds) for batch in speeds[0]
        },
    }


if __name__ == "__main__":
    main()
