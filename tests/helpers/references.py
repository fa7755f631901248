"""Made-up real images to measure against."""

import numpy as np

from tutorial_lib.metrics.reference import (
    make_reference,
)

SIZE = 32


def normals(rows, seed=0, dimensions=8):
    return np.random.default_rng(seed).normal(0, 1, (rows, dimensions)).astype(np.float32)


def small_reference(rows=450, **options):
    facts = {"name": "normals", "size": SIZE, "sha256": "0" * 64}
    return make_reference(normals(rows), np.arange(rows), **facts, **options)
