r"""Training on several GPUs, and on several machines (appendix B): all of `tf.distribute`.

On all GPUs of one machine:

    python -m tutorial_lib train dcgan --data cats --kimg 500 --strategy mirrored

On two machines, start the same command on both. The variable TF_CONFIG says who takes part, and
with "index" which of them this one is: 0 on the first machine, 1 on the second.

    export TF_CONFIG='{"cluster": {"worker": ["10.0.0.1:12345", "10.0.0.2:12345"]},
                       "task": {"type": "worker", "index": 0}}'
    python -m tutorial_lib train dcgan --data cats --kimg 500 --strategy multi-worker \
        --out /shared/runs/cats

Worker 0 logs, samples and saves; the run folder is on a disk that all of them see, so that all
can resume. If one worker ends, the others do too, and the same commands go on from the last
checkpoint. In Python:

    strategy = make_strategy("mirrored")
    algorithm = build_on(strategy, recipe)
    Trainer(algorithm, images, directory, strategy=strategy).fit(kimg=500)

The recipe's batch is the batch of all devices together, so the run computes what it would on
one device; only sums are rounded in another order, and dropout draws other masks. A small batch
gains nothing from many devices: choose `batch_size` so that each device has enough to do.

What a step must know of its own part of the batch stands in `algorithms/replicas.py`.
"""

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

from tutorial_lib.algorithms.base import Algorithm
from tutorial_lib.algorithms.recipes import Recipe
from tutorial_lib.algorithms.registry import build_algorithm
from tutorial_lib.data.sources import Source
from tutorial_lib.errors import TutorialError, choose
from tutorial_lib.training.cluster import await_workers, read_cluster

# What TensorFlow raises when a worker has ended, does not answer, or was started anew.
WORKER_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.UnavailableError,
)


def make_strategy(name: str = "none") -> tf.distribute.Strategy:
    """Return the strategy "none" (one device), "mirrored" or "multi-worker".

    "mirrored" takes all GPUs of this machine, or all logical CPUs where there is no GPU.
    "multi-worker" joins the workers that TF_CONFIG lists, and waits until they have started;
    it must be made before TensorFlow computes anything. Raises `TutorialError` for another
    name, an unusable TF_CONFIG, or workers that do not come.
    """
    return choose("strategy", name, STRATEGIES)()


def _mirror() -> tf.distribute.Strategy:
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _join() -> tf.distribute.Strategy:
    await_workers(*read_cluster())
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except WORKER_LOST as error:
        raise lost(error) from error
    except RuntimeError as error:
        raise TutorialError(f"Make the strategy before anything else: {error}") from error


STRATEGIES: dict[str, Callable[[], tf.distribute.Strategy]] = {
    "none": tf.distribute.get_strategy,
    "mirrored": _mirror,
    "multi-worker": _join,
}


def build_on(
    strategy: tf.distribute.Strategy, recipe: Recipe, *, precision: str = "auto"
) -> Algorithm:
    """Return the algorithm that a recipe is for, its variables on every device of a strategy.

    Raises `TutorialError` as `build_algorithm` does, and for workers that have ended or were
    given another recipe.
    """
    devices = Devices(strategy)
    settings = {"algorithm": type(recipe).__name__, "recipe": dataclasses.asdict(recipe)}
    with devices.losses_named():
        devices.check_agreement(settings | {"precision": precision})
        with strategy.scope():
            return build_algorithm(recipe, precision=precision)


class Devices:
    """Let the devices of a strategy share each step, and its workers agree on what they do.

    A worker is a process with a clock of its own; one that trains alone agrees with itself.
    `is_chief` is true on one worker, the one that logs, samples and saves. All workers must call
    the methods at the same point of the run.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None):
        self.strategy = strategy or tf.distribute.get_strategy()
        self.count = self.strategy.num_replicas_in_sync
        self.is_chief = self.strategy.extended.should_checkpoint
        self._several = isinstance(self.strategy, tf.distribute.MultiWorkerMirroredStrategy)
        self._mean = tf.function(lambda values: self.strategy.reduce("MEAN", values, axis=None))

    def prepare(self, algorithm: Algorithm, variables: list[tf.Variable | keras.Variable]) -> None:
        """Make an algorithm ready to be trained on all devices.

        Its batch norms get the statistics of the global batch; without that, each replica would
        have statistics of its own. In a network with batch norm, no gradient penalty can then be
        taken under a condition: TensorFlow cannot synchronise there. Raises `TutorialError`
        unless all variables were made for this strategy.
        """
        values = [v.value if isinstance(v, keras.Variable) else v for v in variables]
        if not all(map(self.strategy.extended.variable_created_in_scope, values)):
            raise TutorialError(
                "The algorithm was built for another strategy: give the same one to build_on "
                "and to Trainer."
            )
        if self.count > 1:
            for node in tf.train.TrackableView(algorithm).descendants():
                if isinstance(node, keras.layers.BatchNormalization):
                    node.synchronized = True

    def compile(self, step: Callable) -> Callable:
        """Compile a training step, so that each device takes it on its part of a batch.

        `step` returns a dict of means over its part; the compiled one returns those over the
        batch.
        """
        if self.count == 1:
            return tf.function(step)

        def replica_step(*arguments):
            metrics = step(*arguments)
            return tf.distribute.get_replica_context().all_reduce("MEAN", metrics)

        @tf.function
        def whole_step(*arguments):
            metrics = self.strategy.run(replica_step, args=arguments)
            results = self.strategy.experimental_local_results
            return {name: results(metrics[name])[0] for name in metrics}

        return whole_step

    def batches(self, source: Source, recipe: Recipe, *, start: int):
        """Return the batches of a run as something to iterate over, split among the devices.

        Raises `TutorialError` if they cannot share a batch evenly, or as the source does.
        """
        size = recipe.batch_size
        if size % self.count:
            raise TutorialError(
                f"{self.count} devices cannot share a batch of {size} images evenly: choose a "
                f"batch_size that is a multiple of {self.count}."
            )

        def part(parts: int = 1, part: int = 0) -> tf.data.Dataset:
            return source.batches(
                size, seed=recipe.seed, start=start, flip=recipe.flip, parts=parts, part=part
            )

        def part_of_a_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
            dataset = part(context.num_input_pipelines, context.input_pipeline_id)
            dataset = dataset.rebatch(size // self.count, drop_remainder=True)
            # Or TensorFlow would ask all workers at each step whether there is a next one.
            infinite = tf.data.INFINITE_CARDINALITY
            return dataset.apply(tf.data.experimental.assert_cardinality(infinite))

        if self.count == 1:
            return part()
        return self.strategy.distribute_datasets_from_function(part_of_a_worker)

    def mean(self, *values: float) -> list[float]:
        """Return the mean of each number over the workers, the same in all of them."""
        if not self._several:
            return list(values)
        return self._mean(tf.constant(values, tf.float64)).numpy().tolist()

    def wait(self) -> None:
        """Return when all workers have come this far."""
        self.mean(0.0)

    def check_agreement(self, settings: dict) -> None:
        """Raise `TutorialError` naming the first setting that is not the same on all workers.

        The names are the same everywhere, and the values can be written as JSON.
        """
        # Of 32 bits each, so that the mean of equal numbers is exact.
        digests = [_digest(value) for value in settings.values()]
        for name, own, mean in zip(settings, digests, self.mean(*digests), strict=True):
            if own != mean:
                raise TutorialError(
                    f"The workers do not agree on {name}: start all of them with the same "
                    "command, the same data, and a run folder on a disk that they share."
                )

    @contextlib.contextmanager
    def losses_named(self) -> Iterator[None]:
        """Turn the loss of a worker inside this block into a `TutorialError`."""
        try:
            yield
        except WORKER_LOST as error:
            if not self._several:
                raise
            raise lost(error) from error


def lost(error: tf.errors.OpError) -> TutorialError:
    """Return the error to raise when a worker is lost, one of `WORKER_LOST`."""
    reason = error.message.partition("aborted by: ")[2] or error.message
    first = reason.splitlines()[0].rstrip(":")
    return TutorialError(
        "Another worker ended or no longer answers: see what it says, then start the same command "
        f"on every worker, to go on from the last checkpoint ({first})."
    )


def _digest(value: object) -> int:
    return int(hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8], 16)
