"""Which number format the hardware trains fastest in (chapter 7)."""

import contextlib
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import keras
import tensorflow as tf

from tutorial_lib.errors import TutorialError, choose

POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


def choose_precision(name: str = "auto") -> str:
    """Return the Keras dtype policy to train in, one of `POLICIES`.

    "auto" takes bfloat16 where the GPU or the CPU computes in it, float16 on the older GPUs
    with tensor cores (a T4), float32 elsewhere: emulated bfloat16 is many times slower. Weights
    stay in float32 under every policy. Raises `TutorialError` for an unknown name.
    """
    if name != "auto":
        return choose("precision", name, dict.fromkeys(("auto", *POLICIES), name))
    gpus = tf.config.get_visible_devices("GPU")
    if not gpus:
        return "mixed_bfloat16" if _cpu_has_bfloat16() else "float32"
    capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability")
    if capability is None or capability < (7, 0):
        return "float32"
    return "mixed_bfloat16" if capability >= (8, 0) else "mixed_float16"


def require_tensorflow() -> None:
    """Raise `TutorialError` unless Keras computes with TensorFlow, as training needs it."""
    if keras.backend.backend() != "tensorflow":
        raise TutorialError(
            f"Training needs Keras on TensorFlow, not on {keras.backend.backend()}: set the "
            "environment variable KERAS_BACKEND=tensorflow before Python starts."
        )


@contextlib.contextmanager
def precision_scope(policy: str) -> Iterator[None]:
    """Build the networks inside this block under a dtype policy, and restore the old one after."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def device_name() -> str:
    """Return what trains here in a few words: the GPU's name, or the CPU's and its cores."""
    gpus = tf.config.get_visible_devices("GPU")
    if gpus:
        return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    model = _cpu_field("model name") or platform.machine()
    return f"{model}, {os.cpu_count()} cores"


def _cpu_has_bfloat16() -> bool:
    flags = _cpu_field("flags").split()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _cpu_field(name: str) -> str:
    """Return the first value of a field of /proc/cpuinfo, or "" where there is no such file."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    values = (line.split(":", 1)[1].strip() for line in lines if line.startswith(name + "\t"))
    return next(values, "")
