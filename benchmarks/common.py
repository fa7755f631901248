"""What the benchmarks share: what they store and where, and the plainest game on some networks.

Imports no TensorFlow, so that every Python that has one of the frameworks can use it.
"""

import json
import math
import os
import platform
from pathlib import Path

import numpy as np

from tutorial_lib.algorithms.gan_recipes import GAN_RECIPES, GANRecipe
from tutorial_lib.files import write_whole

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "tutorial_lib" / "results"


def plain(name: str, batch: int) -> GANRecipe:
    """Return the plainest recipe with the networks of a named one: no penalty, nothing else."""
    recipe = GAN_RECIPES[name]
    return GANRecipe(
        networks=recipe.networks,
        size=recipe.size,
        latent_size=recipe.latent_size,
        width=recipe.width,
        batch_size=batch,
        r1_gamma=0.0,
    )


def store(path: Path, content: dict, *, indent: int = 2) -> None:
    """Write results as JSON, rounded; an older file stays whole until they are written."""
    write_whole(path, (json.dumps(rounded(content), indent=indent) + "\n").encode())


def rounded(value):
    """Return a structure with its numbers cut to five digits, and NaN and infinity as null."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [rounded(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(f"{value:.5g}") if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


def use_one_thread() -> None:
    """Let TensorFlow compute in one thread, before it has computed anything."""
    import tensorflow as tf

    from tutorial_lib.hardware.memory import keep_freed_memory

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keep_freed_memory()


def made_with() -> dict:
    """Return the device and the versions that TensorFlow's results were made with."""
    import keras
    import tensorflow as tf

    from tutorial_lib.hardware.precision import device_name

    return {
        "device": device_name(),
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
    }


def load_before() -> float:
    """Return what else has been running here, in processes."""
    return os.getloadavg()[0]
