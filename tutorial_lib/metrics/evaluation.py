"""All measures of a set of images at once, each beside what real images score (chapter 9)."""

import dataclasses

import numpy as np

from tutorial_lib.errors import TutorialError
from tutorial_lib.metrics.features import LITE0, check_images, lite0_features
from tutorial_lib.metrics.measures import MEASURES, measure_features
from tutorial_lib.metrics.reference import Reference


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


def evaluate_images(images: np.ndarray, reference: Reference) -> Evaluation:
    """Measure uint8 images (N, height, width, 3) against real ones.

    Floors are known for some round numbers only: the first so many images are measured, at most
    N. Raises `TutorialError` if N is below the least of these numbers, if the images are not
    uint8 RGB, or if they have another size than the real ones.
    """
    check_images(images)
    if images.shape[1:3] != (reference.size, reference.size):
        raise TutorialError(
            f"The images have {images.shape[1]}×{images.shape[2]} pixels, but {reference.name} "
            f"was measured at {reference.size}×{reference.size}: compare with data of their size."
        )
    count = max((count for count in reference.floors if count <= len(images)), default=0)
    if not count:
        raise TutorialError(
            f"At least {min(reference.floors)} images are needed, not {len(images)}: it is not "
            "known what fewer real ones score."
        )
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
