"""Say what one training step consists of: its arithmetic, and which operations take its time.

    python benchmarks/step_profile.py RECIPE BATCH PRECISION

Prints as JSON how many floating-point operations each type of operation does in a step of the
library, and which share of the step's time it takes, from TensorFlow's profiler.
"""

import json
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

import tensorflow as tf
from flops import count_flops
from training_loops import library_step, plain, random_images

from tutorial_lib.algorithms.base import step_values

STEPS = 4
CALLS = ("StatefulPartitionedCall", "PartitionedCall", "If", "StatelessIf", "While")


def main() -> None:
    """Print the arithmetic and the profile of the step that the command line names."""
    name, batch, precision = sys.argv[1:]
    recipe = plain(name, int(batch))
    gan, step = library_step(recipe, precision)
    images = random_images(recipe)
    function = tf.function(gan.train_step).get_concrete_function(images, *step_values(gan, 10**6))
    print(json.dumps({"flops": count_flops(function), "time": time_shares(step, images)}))


def time_shares(step, images: tf.Tensor) -> dict[str, float]:
    """Return the share of each type of operation in the time of a step, the largest first.

    Empty on a GPU, where the profiler's times of operations are those of launching them.
    """
    if tf.config.get_visible_devices("GPU"):
        return {}
    step(images), step(images)
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            for _ in range(STEPS):
                step(images)
        (trace,) = Path(folder).rglob("*.xplane.pb")
        times = operation_times(trace.read_bytes())
    total = sum(times.values())
    return {name: time / total for name, time in times.most_common()}


def operation_times(trace: bytes) -> Counter[str]:
    """Return how long operations of each type ran, over all threads, in picoseconds."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    times = Counter()
    for plane in xplane_pb2.XSpace.FromString(trace).planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                # An operation's event is called name:Type; all others look different.
                if match := re.fullmatch(r"[^: ]+:(\w+)", name):
                    times[plain_type(match.group(1))] += event.duration_ps
    return Counter({name: time for name, time in times.items() if name not in CALLS})


def plain_type(name: str) -> str:
    """Return the type of operation that a rewritten one stands for: _FusedConv2D is a Conv2D.

    What was fused into it (a bias, an activation) is counted with it.
    """
    return re.sub("^_|Mkl|Native|Fused|WithBias", "", name) if name.startswith("_") else name


if __name__ == "__main__":
    main()
