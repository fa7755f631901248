"""Compare the library's training step with the source document's loop, on the same networks.

    python benchmarks/training_speed.py

Both train the document's networks on the same random images at 64×64, batch 64: the document's
loop as printed in its §5.4 (eager, float32), and the library's step in float32 (with glibc's
default allocator too; it costs little without the threads of the data pipeline) and, where the
hardware computes in it, in half precision. Linux only. Each measurement is a process of its own;
the loops take turns, so that a drift of the machine meets all of them. The table gives medians,
and the median of the ratios of neighbours. Results go to benchmarks/results/training_speed.json.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

BATCH_SIZE, NOISE_DIM = 64, 100
RESULT = Path(__file__).parent / "results" / "training_speed.json"


def main() -> None:
    """Measure in turns, print the table and store the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.steps)))
        return
    loops = ["document", "float32 default-allocator", "float32"]
    if (best := best_precision()) != "float32":
        loops.append(best)
    runs = {loop: [] for loop in loops}
    for _ in range(arguments.rounds):
        for loop in loops:
            runs[loop].append(measure_in_process(loop, arguments.steps))
    store(runs)


def measure(loop: str, steps: int) -> dict:
    """Return images a second (median over steps) and peak memory (MB) of one loop."""
    precision, _, variant = loop.partition(" ")
    if precision == "document":
        step = document_step()
    else:
        step = library_step(precision, keeps_memory=not variant)
    images = random_images()
    for _ in range(2):  # tracing, and the first allocation of everything
        step(images)
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        step(images)
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"images_per_second": BATCH_SIZE / statistics.median(seconds), "peak_mb": peak}


def random_images():
    """Return one batch in [-1, 1]; its content does not matter for speed."""
    import tensorflow as tf

    return tf.random.stateless_uniform((BATCH_SIZE, 64, 64, 3), [0, 1], -1, 1)


def document_step():
    """Return the body of the document's loop (§5.4), with its own losses and optimisers (§5.3)."""
    import tensorflow as tf

    from tutorial_lib.models.dcgan import build_discriminator, build_generator

    generator, discriminator = build_generator(), build_discriminator()
    generator_optimizer = tf.keras.optimizers.Adam(1e-4)
    discriminator_optimizer = tf.keras.optimizers.Adam(1e-4)
    cross_entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)

    def step(real_images):
        noise = tf.random.normal([BATCH_SIZE, NOISE_DIM])
        with tf.GradientTape() as gen_tape, tf.GradientTape() as disc_tape:
            generated_images = generator(noise, training=True)
            real_output = discriminator(real_images, training=True)
            fake_output = discriminator(generated_images, training=True)
            gen_loss = cross_entropy(tf.ones_like(fake_output), fake_output)
            real_loss = cross_entropy(tf.ones_like(real_output), real_output)
            fake_loss = cross_entropy(tf.zeros_like(fake_output), fake_output)
            disc_loss = real_loss + fake_loss
        weights = generator.trainable_variables
        gradients = gen_tape.gradient(gen_loss, weights)
        generator_optimizer.apply_gradients(zip(gradients, weights, strict=True))
        weights = discriminator.trainable_variables
        gradients = disc_tape.gradient(disc_loss, weights)
        discriminator_optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return float(gen_loss), float(disc_loss)  # waits for the device

    return step


def library_step(precision: str, keeps_memory: bool = True):
    """Return the step that the trainer runs, on the document's recipe."""
    import tensorflow as tf

    from tutorial_lib.training.gan import GAN
    from tutorial_lib.training.memory import keep_freed_memory
    from tutorial_lib.training.recipes import RECIPES

    if keeps_memory:
        keep_freed_memory()
    gan = GAN(RECIPES["document"], precision=precision)
    traced = tf.function(gan.train_step)
    values = {name: tf.constant(value) for name, value in gan.schedule(10**6).items()}
    seed = tf.constant([0, 0], tf.int64)
    return lambda images: [float(loss) for loss in traced(images, seed, values).values()]


def best_precision() -> str:
    """Return what the library chooses on this hardware, asked in a process of its own."""
    code = "from tutorial_lib.training.precision import choose_precision as c; print(c())"
    return run([sys.executable, "-c", code]).strip()


def measure_in_process(loop: str, steps: int) -> dict:
    """Return `measure(loop, steps)` from a fresh process, so that its peak memory is its own."""
    return json.loads(run([sys.executable, __file__, "--measure", loop, "--steps", str(steps)]))


def run(command: list[str]) -> str:
    """Return the last line that a command prints."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()[-1]


def store(runs: dict[str, list[dict]]) -> None:
    """Print one line a loop, and write all figures to `RESULT`."""
    from tutorial_lib.training.precision import device_name

    table = {}
    for loop, results in runs.items():
        speeds = [result["images_per_second"] for result in results]
        ratios = [
            speed / neighbour["images_per_second"]
            for speed, neighbour in zip(speeds, runs["document"], strict=True)
        ]
        table[loop] = {
            "images_per_second": round(statistics.median(speeds), 1),
            "ratio_to_document": round(statistics.median(ratios), 2),
            "ratio_min": round(min(ratios), 2),
            "ratio_max": round(max(ratios), 2),
            "peak_mb": round(statistics.median(result["peak_mb"] for result in results)),
        }
        print(loop, table[loop])
    RESULT.parent.mkdir(exist_ok=True)
    content = {"device": device_name(), "rounds": len(runs["document"]), "loops": table}
    RESULT.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
