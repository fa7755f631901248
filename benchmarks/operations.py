"""Measure the operations that a training step consists of, in TensorFlow and in PyTorch.

    python benchmarks/operations.py
    python benchmarks/operations.py --torch-python ~/torch/bin/python

The convolutions are those of the recipe dcgan at 64×64 pixels, its discriminator's, which are its
generator's too, the other way round: each convolution, and its gradients to its input and to its
kernel. Batch norm and leaky ReLU are measured on what comes out of them, forward and backward
together. TensorFlow computes as Keras' layers tell it to, one graph a call; where the library
replaces that (tutorial_lib/hardware/faster.py), its own way stands beside it; PyTorch has the
better of its two memory formats. All is on the CPU, in float32 and, where the hardware computes in
it, in half precision.

Each framework, precision and format is a process of its own (tensorflow_operations.py and
torch_operations.py), and they take turns (turns.py). Stored are milliseconds, medians over the
rounds of medians over the calls. Takes about two minutes on two cores, when nothing else runs
there. Results go to tutorial_lib/results/operation_times.json, or to --out; `operations_table` in
tutorial_lib/show/tables.py shows them.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from common import RESULTS, load_before, store
from turns import MeasurementError, run_program, take_turns

from tutorial_lib.hardware.environment import prepare_tensorflow

HERE = Path(__file__).parent
RESULT = RESULTS / "operation_times.json"
# Pixels a side before, and channels before and after each convolution: kernel 4, stride 2
CONVOLUTIONS = ((64, 3, 32), (32, 32, 64), (16, 64, 128), (8, 128, 256))
FORMATS = ("contiguous", "channels_last")

Program = Callable[[], dict]


def main() -> None:
    """Measure in turns, and store the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=11, help="of each operation in a round")
    parser.add_argument("--torch-python", default=sys.executable, help="a Python with PyTorch")
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    prepare_tensorflow()
    load = load_before()
    content = {"load_before": load, **compare(arguments)}
    store(arguments.out, content)
    print(f"Stored in {arguments.out}")


def compare(asked: argparse.Namespace) -> dict:
    """Return all results, without PyTorch's where there is none."""

    def program(framework: str, *words: str, python: str = sys.executable) -> Program:
        script = str(HERE / f"{framework}_operations.py")
        words = (json.dumps(CONVOLUTIONS), str(asked.batch), str(asked.calls), *words)
        return partial(run_program, [python, script, *words])

    first = program("tensorflow", "float32")()
    precisions = sorted({"float32", first["precision"]})
    programs = {f"tensorflow {name}": program("tensorflow", name) for name in precisions}
    torch = {
        f"torch {name} {form}": program("torch", name, form, python=asked.torch_python)
        for name in precisions
        for form in FORMATS
    }
    versions, left_out = first["versions"], []
    try:
        versions["torch"] = torch[f"torch float32 {FORMATS[0]}"]()["version"]
        programs |= torch
    except MeasurementError as error:
        left_out.append(f"PyTorch: {error}")
        print(f"Left out {left_out[-1]}", flush=True)
    runs = take_turns(programs, asked.rounds)
    return {
        "device": first["device"],
        "versions": versions,
        "batch": asked.batch,
        "rounds": asked.rounds,
        "calls": asked.calls,
        "milliseconds": {name: summarise(runs, name) for name in precisions},
        "left_out": left_out,
    }


def summarise(runs: dict[str, list[dict]], precision: str) -> dict[str, dict[str, float]]:
    """Return the medians of one precision, by operation and then by who does it.

    `runs` holds the rounds of each program, by framework, precision and PyTorch's format. A name
    that ends in ", library" is that of the library's own way.
    """
    times: dict[str, dict[str, float]] = {}
    for program, rounds in runs.items():
        framework, name, *_ = program.split()
        for key in rounds[0]["milliseconds"] if name == precision else ():
            median = statistics.median(run["milliseconds"][key] for run in rounds)
            operation = key.removesuffix(", library")
            who = framework if key == operation else "library"
            row = times.setdefault(operation, {})
            row[who] = min(median, row.get(who, median))
    return times


if __name__ == "__main__":
    main()
