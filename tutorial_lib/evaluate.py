"""From a generator, or real images of your own, to all measures of quality (chapter 9)."""

from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.data.pipeline import distinct, fingerprint, to_uint8
from tutorial_lib.metrics.evaluation import Evaluation, evaluate_images
from tutorial_lib.metrics.features import lite0_features
from tutorial_lib.metrics.reference import COUNTS, Reference, load_reference, make_reference
from tutorial_lib.models.latents import draw_latents

if TYPE_CHECKING:
    import keras

AT_ONCE = 1000  # images, so that 10,000 never lie in memory as floats


def evaluate_generator(
    generator: "keras.Model",
    reference: Reference | None = None,
    *,
    count: int = 10_000,
    seed: int = 0,
) -> Evaluation:
    """Measure `count` images of a generator against the photographs, or another reference.

    The generator maps latents (N, latent_size) to images in [-1, 1]; `seed` is that of the
    latents. Raises `TutorialError` as `evaluate_images` does.
    """
    reference = reference or load_reference()
    latents = draw_latents(count, generator.input_shape[-1], seed=seed)
    images = [
        to_uint8(generator.predict(latents[first : first + AT_ONCE], verbose=0))
        for first in range(0, count, AT_ONCE)
    ]
    return evaluate_images(np.concatenate(images), reference)


def reference_from_images(images: np.ndarray, name: str, *, count: int = 10_000) -> Reference:
    """Return what to measure up to `count` images of the size of these real ones against.

    `images` is uint8 (N, size, size, 3), named `name`; half of them serve for the floor. Their
    features are computed, some 100 to 300 images a second. Raises `TutorialError` for fewer
    than 200 distinct ones.
    """
    different = distinct(images)
    most = min(count, len(different) // 2)
    return make_reference(
        lite0_features(images),
        different,
        name=name,
        size=images.shape[1],
        sha256=fingerprint(images),
        counts=[known for known in COUNTS if known <= most][-1:] or COUNTS[:1],
    )
