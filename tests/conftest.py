"""Fixtures of all tests; what they import from each other stands in `helpers`."""

import subprocess

import pytest

pytest.register_assert_rewrite("helpers")


@pytest.fixture(scope="session")
def deterministic():
    """Compute sums in a fixed order; TensorFlow has no way back, which does no harm here."""
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 512 KiB."""
    from helpers.disks import mount

    disk = tmp_path / "disk"
    disk.mkdir()
    mount("-t", "tmpfs", "-o", "size=512k", "tmpfs", disk)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)
