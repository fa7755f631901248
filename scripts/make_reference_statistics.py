"""Make the statistics of the photographs that generated cats are measured against.

Usage, from the project's root:

    python scripts/make_reference_statistics.py [FEATURES.npy]

Computes the features of all photographs (minutes; kept in FEATURES.npy, or taken from there) and
writes tutorial_lib/pretrained/cat-faces-64-statistics. README.md is written by hand beside them.
"""

import sys
from pathlib import Path

import numpy as np

from tutorial_lib.data.cats import load_cats
from tutorial_lib.data.pixels import distinct, fingerprint
from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.features import lite0_features
from tutorial_lib.metrics.reference import PHOTOGRAPHS, make_reference, save_reference

PUBLISHED = Path(__file__).resolve().parent.parent / "tutorial_lib" / "pretrained"


def main(kept: str | None = None) -> None:
    """Write the statistics, and print the floors."""
    images = load_cats()
    if kept and Path(kept).exists():
        features = np.load(kept)
    else:
        features = lite0_features(images)
        if kept:
            np.save(kept, features)
    reference = make_reference(
        features,
        distinct(images),
        name="cat-faces-64",
        size=images.shape[1],
        sha256=fingerprint(images),
    )
    save_reference(reference, PUBLISHED / PHOTOGRAPHS)
    for count, floor in reference.floors.items():
        print(count, {name: float(f"{value:.4g}") for name, value in floor.items()})


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except TutorialError as error:
        sys.exit(str(error))
