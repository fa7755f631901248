"""What generated images are measured against: statistics of real ones (chapter 9).

Those of the photographs come with the package, so that measuring needs no download.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tutorial_lib.data.pixels import distinct, fingerprint
from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.features import lite0_features
from tutorial_lib.metrics.frechet import Gaussian, fit_gaussian
from tutorial_lib.metrics.measures import measure_features
from tutorial_lib.models.lite0 import LITE0
from tutorial_lib.pretrained import find_network
from tutorial_lib.store import read_arrays, read_card, save_arrays

PHOTOGRAPHS = "cat-faces-64-statistics"
COUNTS = (100, 200, 500, 1000, 2000, 5000, 10_000)  # that floors are known for
MOST_NEIGHBOURS = 4000  # the measures of neighbours cost the square of it


@dataclasses.dataclass(frozen=True)
class Reference:
    """Hold what there is to know of real images in the features of EfficientNet-Lite0.

    Attributes:
        name: of the data.
        images: how many images the Gaussian was fitted to: all, copies included.
        size: pixels a side.
        sha256: of the pixels.
        gaussian: of the features.
        features: of some distinct images, drawn by lot, float32 (M, 1280).
        positions: of these among all images, integers (M,).
        floors: count -> what so many real images score, as `measure_features` does; compared
            with the distinct images that are not among them.
    """

    name: str
    images: int
    size: int
    sha256: str
    gaussian: Gaussian
    features: np.ndarray
    positions: np.ndarray
    floors: dict[int, dict[str, float]]


def make_reference(
    features: np.ndarray,
    distinct_positions: np.ndarray,
    *,
    name: str,
    size: int,
    sha256: str,
    counts: Sequence[int] = COUNTS,
    seed: int = 0,
) -> Reference:
    """Make the statistics of real images from their features (N, D).

    `distinct_positions` are those of the images that copy no earlier one. The floors are for
    those of `counts` that half of them suffice for. Raises `TutorialError` if they do not suffice
    for any.
    """
    possible = possible_counts(len(distinct_positions), name, counts)
    drawn = np.random.default_rng(seed).permutation(distinct_positions)
    half = len(drawn) // 2
    positions = drawn[: min(half, MOST_NEIGHBOURS)]
    return Reference(
        name=name,
        images=len(features),
        size=size,
        sha256=sha256,
        gaussian=fit_gaussian(features),
        features=features[positions],
        positions=positions,
        floors={
            count: measure_features(
                features[drawn[half : half + count]],
                fit_gaussian(features[np.delete(drawn, slice(half, half + count))]),
                features[positions],
            )
            for count in possible
        },
    )


def possible_counts(distinct_images: int, name: str, counts: Sequence[int] = COUNTS) -> list[int]:
    """Return those of `counts` for which data can have a floor: half of it must suffice.

    Raises `TutorialError` if there are too few distinct images for any.
    """
    possible = [count for count in counts if count <= distinct_images // 2]
    if not possible:
        raise TutorialError(
            f"{name} has {distinct_images} distinct images, but at least {2 * min(counts)} are "
            "needed, so that one half can show what the other scores."
        )
    return possible


def reference_from_images(images: np.ndarray, name: str, *, count: int = 10_000) -> Reference:
    """Return what to measure up to `count` images of the size of these real ones against.

    `images` is uint8 (N, size, size, 3), named `name`; half of them serve for the floor. Their
    features are computed, some 100 to 300 images a second. Raises `TutorialError` for fewer
    than 200 distinct ones.
    """
    different = distinct(images)
    possible = possible_counts(len(different), name)
    return make_reference(
        lite0_features(images),
        different,
        name=name,
        size=images.shape[1],
        sha256=fingerprint(images),
        counts=[known for known in possible if known <= count][-1:] or possible[:1],
    )


def save_reference(reference: Reference, directory: Path) -> None:
    """Write a reference as the package keeps it: in half precision, with a card.

    Rounding changes a Fréchet distance by less than 0.01.
    """
    triangle = np.triu_indices(len(reference.gaussian.mean))
    arrays = {
        "mean": reference.gaussian.mean.astype(np.float32),
        "covariance": reference.gaussian.covariance[triangle].astype(np.float16),
        # One feature after the other: most are often 0, which packs better that way.
        "features": np.ascontiguousarray(reference.features.T.astype(np.float16)),
        "positions": reference.positions.astype(np.int32),
    }
    facts = {
        "name": reference.name,
        "images": reference.images,
        "size": reference.size,
        "sha256": reference.sha256,
        "network": {"name": LITE0, "sha256": read_card(find_network(LITE0))["weights"]["sha256"]},
        "floors": {str(count): floor for count, floor in reference.floors.items()},
    }
    save_arrays(directory, "statistics", arrays, facts, compress=True)


def load_reference(name_or_directory: str | Path = PHOTOGRAPHS) -> Reference:
    """Return the statistics that come with the package, or those that `save_reference` wrote.

    Raises `TutorialError` if there are none, if they are damaged, or if they were made with
    other weights of the network than those that the package has.
    """
    directory = find_network(name_or_directory)
    card = read_card(directory)
    try:
        arrays = read_arrays(directory, "statistics")
        if card["network"]["sha256"] != read_card(find_network(LITE0))["weights"]["sha256"]:
            raise TutorialError("they were made with other weights of the network.")
    except (KeyError, TypeError, ValueError) as error:
        raise TutorialError(
            f"The statistics {name_or_directory} cannot be loaded, so make them again by "
            f"scripts/make_reference_statistics.py: {error}"
        ) from error
    covariance = np.zeros((len(arrays["mean"]),) * 2)
    covariance[np.triu_indices(len(covariance))] = arrays["covariance"]
    covariance += np.triu(covariance, 1).T
    return Reference(
        name=card["name"],
        images=card["images"],
        size=card["size"],
        sha256=card["sha256"],
        gaussian=Gaussian(arrays["mean"].astype(np.float64), covariance),
        features=arrays["features"].T.astype(np.float32),
        positions=arrays["positions"],
        floors={int(count): floor for count, floor in card["floors"].items()},
    )
