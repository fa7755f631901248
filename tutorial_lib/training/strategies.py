r"""Training on several GPUs, and on several machines (chapter 8).

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
    algorithm = build_algorithm(recipe, strategy=strategy)
    Trainer(algorithm, images, directory, strategy=strategy).fit(kimg=500)

The recipe's batch is the batch of all devices together, so the run computes what it would on
one device; only sums are rounded in another order, and dropout draws other masks. A small batch
gains nothing from many devices: choose `batch_size` so that each device has enough to do.
"""

import json
import os
import socket
import time
from collections.abc import Callable

import keras
import tensorflow as tf

from tutorial_lib.errors import TutorialError
from tutorial_lib.training.workers import LOSSES, lost

PATIENCE_SECONDS = 600.0  # for workers that are started by hand, one after the other
EXAMPLE = (
    '{"cluster": {"worker": ["10.0.0.1:12345", "10.0.0.2:12345"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


def make_strategy(name: str = "none") -> tf.distribute.Strategy:
    """Return the strategy "none" (one device), "mirrored" or "multi-worker".

    "mirrored" takes all GPUs of this machine, or all logical CPUs where there is no GPU.
    "multi-worker" joins the workers that TF_CONFIG lists, and waits until they have started;
    it must be made before TensorFlow computes anything. Raises `TutorialError` for another
    name, an unusable TF_CONFIG, or workers that do not come.
    """
    if name not in STRATEGIES:
        raise TutorialError(
            f"There is no strategy named {name!r}. Choose from: {', '.join(STRATEGIES)}."
        )
    return STRATEGIES[name]()


def _mirror() -> tf.distribute.Strategy:
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _join() -> tf.distribute.Strategy:
    await_workers(*_read_cluster())
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except LOSSES as error:
        raise lost(error) from error
    except RuntimeError as error:
        raise TutorialError(f"Make the strategy before anything else: {error}") from error


STRATEGIES: dict[str, Callable[[], tf.distribute.Strategy]] = {
    "none": tf.distribute.get_strategy,
    "mirrored": _mirror,
    "multi-worker": _join,
}


def _read_cluster() -> tuple[list[str], int]:
    """Return the addresses of all workers, and which of them this one is, from TF_CONFIG."""
    try:
        config = json.loads(os.environ["TF_CONFIG"])
        addresses, index = config["cluster"]["worker"], int(config["task"]["index"])
        for address in addresses:
            _split(address)
        usable = list(config["cluster"]) == ["worker"] == [config["task"]["type"]]
        usable = usable and 0 <= index < len(addresses)
    except (KeyError, TypeError, ValueError, AttributeError):
        usable = False
    if not usable:
        raise TutorialError(
            "Several workers need the environment variable TF_CONFIG, with a number of its own "
            f"as index on each: {EXAMPLE}"
        )
    return addresses, index


def await_workers(addresses: list[str], index: int, seconds: float = PATIENCE_SECONDS) -> None:
    """Return when a worker answers at every address; `addresses[index]` is this one's own.

    TensorFlow waits for an hour and does not hear Ctrl-C meanwhile; this wait can be
    interrupted. Raises `TutorialError` if some do not answer in time, or if this worker cannot
    have its port.
    """
    deadline = time.monotonic() + seconds
    missing = addresses[:index] + addresses[index + 1 :]
    print(f"Worker {index} waits for {', '.join(missing)}.", flush=True)
    with _listen(_split(addresses[index])[1]):
        while missing := [address for address in missing if not _answers(address)]:
            if time.monotonic() > deadline:
                raise TutorialError(
                    f"No worker answered at {', '.join(missing)} within {seconds:.0f} seconds: "
                    "start the same command there, or mend the addresses in TF_CONFIG."
                )
            time.sleep(0.2)


def _listen(port: int) -> socket.socket:
    """Answer at a port until TensorFlow's own server takes it over."""
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        return socket.create_server(("", port), family=family, dualstack_ipv6=both)
    except OSError as error:
        raise TutorialError(
            f"This worker cannot have the port {port} ({error.strerror}): end what uses it, or "
            "name another one in TF_CONFIG, on all workers."
        ) from error


def _answers(address: str) -> bool:
    try:
        socket.create_connection(_split(address), timeout=1).close()
    except OSError:
        return False
    return True


def _split(address: str) -> tuple[str, int]:
    """Return host and port of "host:port"; an IPv6 host stands in brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def distribute_step(step: Callable, strategy: tf.distribute.Strategy) -> Callable:
    """Compile a training step, so that each device of a strategy takes it on its part of a batch.

    `step` returns a dict of means over its part; the compiled one returns those over the batch.
    """
    if strategy.num_replicas_in_sync == 1:
        return tf.function(step)

    def replica_step(*arguments):
        metrics = step(*arguments)
        return tf.distribute.get_replica_context().all_reduce("MEAN", metrics)

    @tf.function
    def whole_step(*arguments):
        metrics = strategy.run(replica_step, args=arguments)
        return {name: strategy.experimental_local_results(metrics[name])[0] for name in metrics}

    return whole_step


def split_batches(make_batches: Callable, batch_size: int, strategy: tf.distribute.Strategy):
    """Return the batches of a run as something to iterate over, split among a strategy's devices.

    `make_batches(parts=…, part=…)` returns a worker's part of all batches, as `pipeline.batches`
    does. Raises `TutorialError` if the devices cannot share a batch evenly.
    """
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise TutorialError(
            f"{replicas} devices cannot share a batch of {batch_size} images evenly: choose a "
            f"batch_size that is a multiple of {replicas}."
        )
    if replicas == 1:
        return make_batches()

    def make_part(context: tf.distribute.InputContext) -> tf.data.Dataset:
        part = make_batches(parts=context.num_input_pipelines, part=context.input_pipeline_id)
        part = part.rebatch(batch_size // replicas, drop_remainder=True)
        # Or TensorFlow would ask all workers at each step whether there is a next one.
        return part.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))

    return strategy.distribute_datasets_from_function(make_part)


def synchronize_batch_norm(algorithm: tf.Module) -> None:
    """Let every batch norm of an algorithm use the statistics of the global batch.

    Without it, each replica would have statistics of its own. In a network with batch norm,
    no gradient penalty can then be taken under a condition: TensorFlow cannot synchronise there.
    """
    for node in tf.train.TrackableView(algorithm).descendants():
        if isinstance(node, keras.layers.BatchNormalization):
            node.synchronized = True


def check_scope(
    strategy: tf.distribute.Strategy, variables: list[tf.Variable | keras.Variable]
) -> None:
    """Raise `TutorialError` unless all variables were made for this strategy."""
    values = [v.value if isinstance(v, keras.Variable) else v for v in variables]
    if not all(map(strategy.extended.variable_created_in_scope, values)):
        raise TutorialError(
            "The algorithm was built for another strategy: give the same one to build_algorithm "
            "and to Trainer."
        )
