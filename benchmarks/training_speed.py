"""Compare the library's training step with other loops, and with the limit of the machine.

    python benchmarks/training_speed.py
    python benchmarks/training_speed.py --torch-python ~/torch/bin/python --jax-python …

All train the same networks (those of the recipe dcgan, or --recipe) on the same batch: the source
document's loop as printed in its §5.4; the loop of TensorFlow's DCGAN tutorial, as TensorFlow comes
and with its oneDNN kernels switched on as the library does; Keras' `fit`; PyTorch, if there is any,
eager and compiled, in the best of its number formats and memory formats; the step under JAX
(jax_gan.py), if there is any, in the best of its number formats; the library's step in float32
and, where the hardware computes in it, in half precision. The document's loop and the library's
step are also compared on the document's own networks.

Each measurement is a process of its own, and they take turns (turns.py). Stored are medians over
the rounds, and the median, least and greatest of the ratios to the library's step of the same
round. The limit is the best rate of a large matrix product or convolution (machine_limit.py),
measured in the same rounds; flops.py says what is counted as the step's work. Takes about six
minutes on two cores, when nothing else runs there. Results go to tutorial_lib/results/, on a
machine that computes in half precision to training_speed_half.json, else to training_speed.json,
or to --out; `make tables` brings them into the book.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from common import RESULTS, ROOT, load_before, store
from turns import MeasurementError, compare, run_program, take_turns

from tutorial_lib.hardware.environment import prepare_tensorflow

HERE = Path(__file__).parent
# Peers run as TensorFlow comes: without what `prepare_tensorflow` sets for the library.
OURS = ("TF_ENABLE_ONEDNN_OPTS",)

TRIALS = 2  # of each of PyTorch's formats, of which the best is measured

Program = Callable[[], dict]


def main() -> None:
    """Measure in turns, and store the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="dcgan", help="whose networks are trained")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of steps a measurement")
    parser.add_argument("--torch-python", default=sys.executable, help="a Python with PyTorch")
    parser.add_argument("--jax-python", default=sys.executable, help="a Python with JAX")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    prepare_tensorflow()
    load = load_before()
    with tempfile.TemporaryDirectory() as folder:
        results = Comparison(arguments, Path(folder) / "networks.npz").run()
    settings = {name: getattr(arguments, name) for name in ("batch", "rounds", "seconds")}
    content = {**results.pop("facts"), "load_before": load, **settings, **results}
    half = any(name != "float32" for name in results["limits"])
    out = arguments.out or RESULTS / f"training_speed{'_half' if half else ''}.json"
    store(out, content)
    print(f"Stored in {out}")


class Comparison:
    """Hold what is to be measured, and what had to be left out."""

    def __init__(self, arguments: argparse.Namespace, outline: Path):
        self.arguments, self.outline = arguments, outline
        self.left_out: list[str] = []

    def run(self) -> dict:
        """Return all results."""
        asked = self.arguments
        facts = self.child("network_outline", asked.recipe, asked.batch, self.outline)
        precisions = sorted({"float32", facts.pop("precision")})
        print("Preparing: PyTorch's best formats, a profile of the step.", flush=True)
        networks = {asked.recipe: self.loops(asked.recipe, precisions, facts)}
        if asked.recipe != "document":
            networks["document"] = {
                "eager": self.loop("document", "eager"),
                **self.library("document", precisions[-1:]),
            }
        programs = {
            f"{recipe}, {name}": program
            for recipe, loops in networks.items()
            for name, program in loops.items()
        } | {f"limit, {name}": partial(self.child, "machine_limit", name) for name in precisions}
        profiles = {
            name: self.child("step_profile", asked.recipe, asked.batch, name) for name in precisions
        }
        runs = take_turns(programs, asked.rounds)
        return {
            "facts": facts,
            "networks": {
                recipe: summarise({name: runs[f"{recipe}, {name}"] for name in loops})
                for recipe, loops in networks.items()
            },
            "limits": {
                name: reach(
                    profiles[name]["flops"],
                    asked.batch,
                    runs[f"{asked.recipe}, library {name}"],
                    runs[f"limit, {name}"],
                )
                for name in precisions
            },
            "profiles": profiles,
            "left_out": self.left_out,
        }

    def loops(self, recipe: str, precisions: list[str], facts: dict) -> dict[str, Program]:
        """Return all loops around the networks of a recipe, PyTorch's only where it works."""
        return {
            "eager": self.loop(recipe, "eager"),
            "tutorial": self.loop(recipe, "tutorial"),
            "tutorial with oneDNN": self.loop(recipe, "tutorial", drop=()),
            "fit": self.loop(recipe, "fit"),
            **self.torch(precisions, facts),
            **self.jax(recipe, precisions, facts),
            **self.library(recipe, precisions),
        }

    def library(self, recipe: str, precisions: list[str]) -> dict[str, Program]:
        """Return the library's step in each of these precisions."""
        return {
            f"library {name}": self.loop(recipe, "library", name, drop=()) for name in precisions
        }

    def loop(self, recipe: str, name: str, *more: str, drop: tuple = OURS) -> Program:
        """Return the program that measures one of training_loops.py."""
        asked = self.arguments
        words = (name, recipe, asked.batch, asked.seconds, *more)
        return partial(self.child, "training_loops", *words, drop=drop)

    def child(self, script: str, *words: object, python: str = sys.executable, **options) -> dict:
        """Return what another script of this folder prints."""
        command = [python, str(HERE / f"{script}.py"), *map(str, words)]
        return run_program(command, **options)

    def torch(self, precisions: list[str], facts: dict) -> dict[str, Program]:
        """Return PyTorch's loops in its best format, or nothing where they don't run."""
        formats = [
            (name.removeprefix("mixed_"), memory)
            for name in precisions
            for memory in ("contiguous", "channels_last")
        ]
        try:
            if reason := facts.pop("no_outline"):
                raise MeasurementError(reason)
            trials = take_turns({form: self.torch_loop(*form, "eager") for form in formats}, TRIALS)
        except MeasurementError as error:
            return self.leave_out("PyTorch", error)
        best = max(trials, key=lambda form: max(column(trials[form], "images_per_second")))
        facts["versions"]["torch"] = trials[best][0]["version"]
        facts["torch_format"] = " ".join(best)
        loops = {"torch": self.torch_loop(*best, "eager")}
        compiled = self.torch_loop(*best, "compiled")
        try:
            compiled()  # later rounds find the compiled code in PyTorch's cache
        except MeasurementError as error:
            return loops | self.leave_out("torch.compile", error)
        return loops | {"torch compiled": compiled}

    def torch_loop(self, *variant: str) -> Program:
        """Return the program that measures one variant of torch_loop.py."""
        asked = self.arguments
        words = (self.outline, asked.batch, asked.seconds, *variant)
        return partial(self.child, "torch_loop", *words, python=asked.torch_python)

    def jax(self, recipe: str, precisions: list[str], facts: dict) -> dict[str, Program]:
        """Return the step under JAX in its best precision, or nothing where it doesn't run."""
        asked = self.arguments
        programs = {
            name: partial(
                self.child,
                "jax_speed",
                *(recipe, asked.batch, asked.seconds, name),
                python=asked.jax_python,
                add={"PYTHONPATH": str(ROOT)},
            )
            for name in precisions
        }
        try:
            trials = {name: program() for name, program in programs.items()}
        except MeasurementError as error:
            return self.leave_out("JAX", error)
        best = max(trials, key=lambda name: trials[name]["images_per_second"])
        facts["versions"]["jax"] = trials[best]["version"]
        facts["jax_format"] = best.removeprefix("mixed_")
        return {"jax": programs[best]}

    def leave_out(self, what: str, error: MeasurementError) -> dict:
        """Note and say why something is not measured."""
        self.left_out.append(f"{what}: {error}")
        print(f"Left out {self.left_out[-1]}", flush=True)
        return {}


def summarise(runs: dict[str, list[dict]]) -> dict:
    """Return medians of each loop, and how much faster the library's best is than each.

    `runs` holds the rounds of each loop on the same networks. Raises ValueError if their sizes
    differ.
    """
    sizes = {tuple(run["weights"]) for rounds in runs.values() for run in rounds}
    if len(sizes) != 1:
        raise ValueError(f"The loops did not train the same networks: {sizes}.")
    speeds = {name: column(rounds, "images_per_second") for name, rounds in runs.items()}
    ours = [name for name in runs if name.startswith("library")]
    best = max(ours, key=lambda name: statistics.median(speeds[name]))
    loops = {
        name: {
            "images_per_second": statistics.median(speeds[name]),
            "library_faster": compare(speeds[best], speeds[name]),
            "peak_mb": statistics.median(column(rounds, "peak_mb")),
        }
        for name, rounds in runs.items()
    }
    return {"weights": list(*sizes), "best": best, "loops": loops}


def reach(flops: dict, batch: int, steps: list[dict], limits: list[dict]) -> dict:
    """Return the rates of a step and of the limits, and the step's share of the best limit.

    `flops` are those of one step; rates are in GFLOP a second, medians over the rounds.
    """
    per_image = sum(flops.values()) / batch
    rates = [per_image * speed for speed in column(steps, "images_per_second")]
    best = [max(limit.values()) for limit in limits]
    return {
        "gflop_per_image": per_image / 1e9,
        "step": statistics.median(rates) / 1e9,
        "limits": {name: statistics.median(column(limits, name)) / 1e9 for name in limits[0]},
        "share": compare(rates, best),
    }


def column(rounds: list[dict], name: str) -> list[float]:
    """Return one figure of every round."""
    return [run[name] for run in rounds]


if __name__ == "__main__":
    main()
