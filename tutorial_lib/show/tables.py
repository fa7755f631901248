"""Tables made from stored measurements, for the book and its chapters: nothing in them is typed.

Each function of `TABLES` returns Markdown. In a notebook, show it with `IPython.display.Markdown`;
`scripts/make_tables.py` writes it into book/measurements.md. There, a long table has bars: they are
`<span class="bar">`, which the site's stylesheet draws and every other reader leaves out.
"""

import json
from collections.abc import Sequence
from functools import partial
from importlib import resources

from tutorial_lib.pretrained import available, load_card

LOOPS = {
    "eager": "the source document's loop, eager, as TensorFlow comes",
    "tutorial": "TensorFlow's tutorial loop (`tf.function`), as TensorFlow comes",
    "tutorial with oneDNN": "the same, with TensorFlow's oneDNN kernels switched on",
    "fit": "Keras `fit` with a custom `train_step`, as TensorFlow comes",
    "torch": "PyTorch, eager, {torch_format}",
    "torch compiled": "PyTorch, `torch.compile`, {torch_format}",
    "jax": "the library's step under JAX, {jax_format}",
    "library float32": "the library's step, float32",
    "library mixed_bfloat16": "the library's step, bfloat16",
    "library mixed_float16": "the library's step, float16",
}
OPERATIONS = {
    "Conv2D": "convolution",
    "Conv2DBackpropInput": "transposed convolution, or a convolution's gradient to its input",
    "Conv2DBackpropFilter": "a convolution's gradient to its kernel",
    "MatMul": "matrix product",
}
FRAMEWORKS = {"tensorflow": "TensorFlow", "library": "the library", "torch": "PyTorch"}

# The measures of chapter 9 that the book's table shows; the cards have all
QUALITY = (
    "frechet_lite0",
    "kid_lite0",
    "precision",
    "recall",
    "density",
    "coverage",
    "memorised",
)


def load_results(name: str) -> dict:
    """Return the stored results of a benchmark, tutorial_lib/results/NAME.json."""
    path = resources.files("tutorial_lib") / "results" / f"{name}.json"
    return json.loads(path.read_text("utf-8"))


def speed_table(stored: str = "training_speed", *, bars: bool = False) -> str:
    """Return how fast each training loop is, and how much faster the library's step.

    `stored` names the results: those of a machine without half precision, or, under
    "training_speed_half", of one with it; with `bars`, each speed has one. `limit_table` takes
    both as well, `profile_table` the first.
    """
    results = load_results(stored)
    loops = [loop for net in results["networks"].values() for loop in net["loops"].values()]
    most = max(loop["images_per_second"] for loop in loops)
    rows = []
    for recipe, network in results["networks"].items():
        for name, loop in network["loops"].items():
            speed, faster = loop["images_per_second"], loop["library_faster"]
            rows.append(
                (
                    f"`{recipe}`",
                    LOOPS[name].format(**results),
                    (_bar(speed, most) if bars else "") + figures(speed),
                    "" if name == network["best"] else f"{faster['median']:.2f} × {_span(faster)}",
                    f"{loop['peak_mb'] / 1000:.2f} GB",
                )
            )
    head = ("networks", "loop", "images a second", "the library's speed", "peak memory")
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    note = (
        f"{results['device']}; batch {results['batch']}, 64×64 pixels; medians of "
        f"{results['rounds']} rounds in turns, the span of the ratios in brackets; {versions}."
    )
    left_out = "".join(f" Left out: {reason}." for reason in results["left_out"])
    return markdown_table(head, rows) + "\n\n" + note + left_out + _warning(results)


def limit_table(stored: str = "training_speed", *, bars: bool = False) -> str:
    """Return how near the library's step comes to the fastest that the machine multiplies."""
    limits = load_results(stored)["limits"]
    most = max(rate for limit in limits.values() for rate in limit["limits"].values())
    rows = []
    for precision, limit in limits.items():
        name, share = precision.removeprefix("mixed_"), limit["share"]
        rates = {f"large {kind}": (rate, "") for kind, rate in limit["limits"].items()}
        step = f"a training step ({limit['gflop_per_image']:.2f} GFLOP an image)"
        rates[step] = (limit["step"], f"{share['median']:.2f} {_span(share)}")
        rows += [
            (name, work, (_bar(rate, most) if bars else "") + f"{rate:.0f}", part)
            for work, (rate, part) in rates.items()
        ]
    return markdown_table(("precision", "work", "GFLOP/s", "share of the best"), rows)


def profile_table(stored: str = "training_speed", count: int = 10) -> str:
    """Return the `count` operations that take most of a step's time, and what bounds the step."""
    results = load_results(stored)
    precision, profile = list(results["profiles"].items())[-1]
    times, flops = profile["time"], profile["flops"]
    total = sum(flops.values())
    rows = [
        (
            OPERATIONS.get(name, name),
            _percent(flops[name] / total) if name in flops else "",
            _percent(times[name]),
        )
        for name in list(times)[:count]
    ]
    rest = list(times)[count:]
    rows.append(("everything else", "", _percent(sum(times[name] for name in rest))))
    multiplying = sum(times.get(name, 0) for name in flops)
    share = results["limits"][precision]["share"]["median"]
    note = (
        f"What bounds it: the operations that multiply take {_percent(multiplying)} of the time, "
        f"at {min(share / multiplying, 1):.2f} of the machine's best rate while they run; the rest "
        "of the time moves memory."
    )
    return (
        markdown_table(("operation", "share of the arithmetic", "of the time"), rows)
        + "\n\n"
        + note
    )


def operations_table() -> str:
    """Return how many milliseconds the operations of a step take, in TensorFlow and in PyTorch."""
    results = load_results("operation_times")
    times = results["milliseconds"]
    cells = [(precision, who) for precision in times for who in FRAMEWORKS]
    head = [f"{FRAMEWORKS[who]}, {name.removeprefix('mixed_')}" for name, who in cells]
    rows = [
        (operation, *(_milliseconds(times[name][operation].get(who)) for name, who in cells))
        for operation in sorted(next(iter(times.values())), key=lambda name: name.split()[0])
    ]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    note = (
        f"Milliseconds; {results['device']}; batch {results['batch']}; medians of "
        f"{results['rounds']} rounds of {results['calls']} calls in turns; {versions}. A blank "
        "cell in the library's column: it leaves this to TensorFlow."
    )
    left_out = "".join(f" Left out: {reason}." for reason in results["left_out"])
    return markdown_table(("operation", *head), rows) + "\n\n" + note + left_out + _warning(results)


def sampling_table() -> str:
    """Return how fast a published generator draws."""
    results = load_results("sampling_speed")
    first, imports = (results["seconds"][name] for name in ("first image", "import"))
    rows = [
        (f"batch of {batch}", f"{figures(speed)} images a second")
        for batch, speed in results["images_per_second"].items()
    ]
    rows.append(
        (
            "first image from a cold start",
            f"{first['median']:.1f} s, of which {imports['median']:.1f} s import TensorFlow",
        )
    )
    table = markdown_table((f"`{results['network']}`", results["device"]), rows)
    return f"{table}\n\nMedians of {results['rounds']} rounds.{_warning(results)}"


def quality_table() -> str:
    """Return the measures on the cards of the published networks, and what each network cost.

    A card's "metrics" are an evaluation as chapter 9 makes it: "values" by name, "floors" (what as
    many real images score) and the "count" of images. The best network comes first, the floor last.
    """
    cards = {name: load_card(name) for name in available()}
    cards = {name: card for name, card in cards.items() if "metrics" in card}
    cards = dict(sorted(cards.items(), key=lambda item: _values(item[1])[QUALITY[0]]))
    counts = {f"{card['metrics']['count']:,}" for card in cards.values()}
    if len(counts) > 1:
        raise ValueError(f"The networks were measured with {' and '.join(counts)} images.")
    floors = next(iter(cards.values()))["metrics"]["floors"]
    if any(card["metrics"]["floors"] != floors for card in cards.values()):
        raise ValueError("The networks were measured against different photographs.")
    rows = [(f"`{name}`", *_cost(card), *_measures(_values(card))) for name, card in cards.items()]
    rows.append(("*photographs*, the floor", "", "", "", *_measures(floors)))
    head = ("network", "images seen", "minutes", "on", *QUALITY)
    return f"{markdown_table(head, rows)}\n\n{counts.pop()} samples of each network."


def measures_table(sets: dict[str, dict[str, float]]) -> str:
    """Return the measures of sets of images, a row for each, as chapter 9 makes them."""
    rows = [(name, *_measures(values)) for name, values in sets.items()]
    return markdown_table(("images", *QUALITY), rows)


def _cost(card: dict) -> tuple[str, str, str]:
    """Return what a network took: images, minutes, machine."""
    machine = f"{card['device']}, {card['precision'].removeprefix('mixed_')}"
    return f"{card['nimg'] / 1e6:.2f} M", figures(card["minutes"]), machine


def _measures(values: dict[str, float]) -> list[str]:
    return [figures(values[kind]) for kind in QUALITY]


def _values(card: dict) -> dict[str, float]:
    return card["metrics"]["values"]


def figures(value: float) -> str:
    """Return a measured number with three significant figures: 0.0123, 12.3, 1,230."""
    return f"{float(f'{value:.2e}'):,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def _warning(results: dict) -> str:
    """Return a sentence if the machine was busy when a measurement began."""
    load = results["load_before"]
    return (
        f" **Other programs were running (load {load:.1f}): not to rely on.**" if load > 1 else ""
    )


def _milliseconds(time: float | None) -> str:
    return "" if time is None else f"{time:.1f}"


def _span(ratio: dict) -> str:
    return f"({ratio['min']:.2f}–{ratio['max']:.2f})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _bar(value: float, most: float) -> str:
    """Return a bar whose length is the share of `most` that `value` is."""
    return f'<span class="bar" style="--share:{value / most:.3f}"></span>'


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table as Markdown, with the names of its columns and its rows."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


TABLES = {
    "speed": partial(speed_table, bars=True),
    "speed half": partial(speed_table, "training_speed_half", bars=True),
    "limit": partial(limit_table, bars=True),
    "limit half": partial(limit_table, "training_speed_half", bars=True),
    "sampling": sampling_table,
    "quality": quality_table,
    "operations": operations_table,
}
