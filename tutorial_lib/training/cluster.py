"""Finding the other workers of a run before TensorFlow joins them (appendix B)."""

import json
import os
import socket
import time

from tutorial_lib.errors import TutorialError
from tutorial_lib.progress import say

PATIENCE_SECONDS = 600.0  # for workers that are started by hand, one after the other
EXAMPLE = (
    '{"cluster": {"worker": ["10.0.0.1:12345", "10.0.0.2:12345"]}, '
    '"task": {"type": "worker", "index": 0}}'
)
# What the command line says about it
SEVERAL_DEVICES = """Several devices share each batch of the recipe, and compute what one would.
To train on two machines, start the same command on both, with --strategy multi-worker and the
variable TF_CONFIG, in which index is 0 on one and 1 on the other:

\b
  TF_CONFIG='{"cluster": {"worker": ["10.0.0.1:12345", "10.0.0.2:12345"]},
              "task": {"type": "worker", "index": 0}}'

Both see the run folder on one disk. When a worker ends, so do the others.
The same commands go on."""


def read_cluster() -> tuple[list[str], int]:
    """Return the addresses of all workers, and which of them this one is, from TF_CONFIG.

    Raises `TutorialError` if that variable is missing or says something else.
    """
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
    if missing:
        say(f"Worker {index} waits for {', '.join(missing)}.")
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
    if not 0 < int(port) < 2**16:
        raise ValueError(f"{port} is no port")
    return host.strip("[]"), int(port)
