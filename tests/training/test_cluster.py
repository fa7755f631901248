import socket
import threading
import time

import pytest
from helpers.cluster import free_addresses

from tutorial_lib.errors import TutorialError
from tutorial_lib.training.cluster import EXAMPLE, await_workers
from tutorial_lib.training.devices import make_strategy


@pytest.mark.parametrize(
    "config",
    [
        None,
        "",
        "{}",
        EXAMPLE.replace('"index": 0', '"index": 2'),
        EXAMPLE.replace('"index": 0', '"index": "x"'),
        EXAMPLE.replace("10.0.0.2:12345", "10.0.0.2"),
        EXAMPLE.replace("10.0.0.2:12345", "10.0.0.2:70000"),
        EXAMPLE.replace('"type": "worker"', '"type": "chief"'),
        EXAMPLE.replace('{"worker"', '{"ps": ["10.0.0.3:1"], "worker"'),
    ],
)
def test_an_unusable_tf_config_is_refused_with_an_example(monkeypatch, config):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(TutorialError, match="TF_CONFIG.*12345"):
        make_strategy("multi-worker")


def test_workers_wait_for_each_other():
    addresses = free_addresses()
    arrived = []

    def join(index):
        await_workers(addresses, index, seconds=30)
        arrived.append(index)
        # What TensorFlow's server does next: answer there for the rest of the run.
        with socket.create_server(("", int(addresses[index].split(":")[1]))):
            everybody.wait(30)

    everybody = threading.Barrier(3)
    threads = [threading.Thread(target=join, args=(index,)) for index in range(2)]
    threads[0].start()
    time.sleep(0.5)
    assert not arrived
    threads[1].start()
    everybody.wait(30)
    for thread in threads:
        thread.join(30)
    assert sorted(arrived) == [0, 1]


def test_a_worker_that_does_not_come_is_named():
    addresses = free_addresses()
    with pytest.raises(TutorialError, match=f"No worker answered at {addresses[1]} within 0 sec"):
        await_workers(addresses, 0, seconds=0.1)


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(TutorialError, match=f"the port {port}"):
            await_workers([f"localhost:{port}", "localhost:1"], 0, seconds=0.1)
