"""All measures of a set of images at once, each beside what real images score (chapter 9)."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.data.pixels import check_images
from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.features import lite0_features
from tutorial_lib.metrics.measures import MEASURES, measure_features
from tutorial_lib.metrics.reference import Reference, load_reference
from tutorial_lib.models.lite0 import LITE0
from tutorial_lib.pretrained import draw_images

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Hold the measures of some images, and the floors: those of as many real ones.

    Attributes:
        features: name of the network in whose features all was measured.
        data: name of the real images.
        data_images: how many of them there are.
        data_sha256: of their pixels.
        count: images measured, N; the Fréchet distance is biased by it.
        neighbours: images on each side of the measures that compare neighbours.
        values: from the keys of `MEASURES` to numbers.
        floors: the same for `count` real images, held out from the others.
    """

    features: str
    data: str
    data_images: int
    data_sha256: str
    count: int
    neighbours: int
    values: dict[str, float]
    floors: dict[str, float]

    def __str__(self) -> str:
        """Return a table for people."""
        lines = [
            f"{self.count:,} images against {self.data_images:,} of {self.data}, in features of "
            f"{self.features};",
            f"neighbours among {self.neighbours:,} on each side; floor: as many real images.",
            "",
            f"{'':18}{'value':>9} {'floor':>9}",
        ]
        lines += [
            f"{name:18}{self.values[name]:9.3g} {self.floors[name]:9.3g}  {meaning}"
            for name, meaning in MEASURES.items()
        ]
        return "\n".join(lines)


def evaluate_generator(
    generator: "keras.Model",
    reference: Reference | None = None,
    *,
    count: int = 10_000,
    seed: int = 0,
) -> Evaluation:
    """Measure `count` images of a generator against the photographs, or another reference.

    The generator maps latents (N, latent_size) to images in [-1, 1]; `seed` is that of the
    latents. Raises `TutorialError` as `evaluate_images` does, before any image is drawn.
    """
    reference = reference or load_reference()
    count = check_comparable(generator.output_shape[1:3], count, reference)
    images = np.concatenate(list(draw_images(generator, count, seed=seed)))
    return evaluate_images(images, reference)


def evaluate_images(images: np.ndarray, reference: Reference) -> Evaluation:
    """Measure uint8 images (N, height, width, 3) against real ones.

    Floors are known for some round numbers only: the first so many images are measured, at most
    N. Raises `TutorialError` if N is below the least of these numbers, if the images are not
    uint8 RGB, or if they have another size than the real ones.
    """
    check_images(images, channels=3)
    count = check_comparable(images.shape[1:3], len(images), reference)
    features = lite0_features(images[:count])
    return Evaluation(
        features=LITE0,
        data=reference.name,
        data_images=reference.images,
        data_sha256=reference.sha256,
        count=count,
        neighbours=min(count, len(reference.features)),
        values=measure_features(features, reference.gaussian, reference.features),
        floors=reference.floors[count],
    )


def check_comparable(shape: tuple[int, int], available: int, reference: Reference) -> int:
    """Return how many of so many images, (height, width) each, a reference has a floor for.

    Raises `TutorialError` if there are too few of them, or if the real ones have another size.
    """
    if tuple(shape) != (reference.size, reference.size):
        raise TutorialError(
            f"The images have {shape[0]}×{shape[1]} pixels, but {reference.name} was measured at "
            f"{reference.size}×{reference.size}: compare with data of their size (--data)."
        )
    count = max((count for count in reference.floors if count <= available), default=0)
    if not count:
        raise TutorialError(
            f"At least {min(reference.floors)} images are needed, not {available}: it is not "
            "known what fewer real ones score."
        )
    return count
