"""Disks that are full, and folders where nothing can be written."""

import contextlib
import os
import shutil
import subprocess

import pytest


def mount(*arguments):
    """Mount something, or skip the test with the reason."""
    if shutil.which("mount") is None:
        pytest.skip("there is no command mount here")
    done = subprocess.run(["mount", *map(str, arguments)], text=True, capture_output=True)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.splitlines()[0]}")


@contextlib.contextmanager
def filled(disk, free=0):
    """Leave only so many bytes of a disk."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    os.truncate(filler, filler.stat().st_size - free)
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def read_only(directory):
    """Forbid writing: by a mount where root, whom no permission stops, runs the tests."""
    if os.getuid() == 0:
        mount("--bind", directory, directory)
        try:
            mount("-o", "remount,bind,ro", directory)
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(directory)], check=True)
        return
    modes = {path: path.stat().st_mode for path in [directory, *directory.rglob("*")]}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
