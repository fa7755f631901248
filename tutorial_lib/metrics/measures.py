"""The measures that the book reports, from the features of two sets of images (chapter 9)."""

import numpy as np

from tutorial_lib.metrics.frechet import Gaussian, fit_gaussian, frechet_distance
from tutorial_lib.metrics.kernel import kernel_distance
from tutorial_lib.metrics.neighbours import memorised_share, nearest_training_images
from tutorial_lib.metrics.prdc import density_coverage, precision_recall

# What each of them says, and which way is better
MEASURES = {
    "frechet_lite0": "distance of the two Gaussians: lower is better",
    "kid_lite0": "kernel distance, without bias: lower is better",
    "kid_lite0_spread": "its standard deviation over subsets",
    "precision": "share of the images that lie among real ones: higher is better",
    "recall": "share of the real images that lie among these: higher is better",
    "density": "how densely real images lie around these: higher is better",
    "coverage": "share of the real images with one of these near: higher is better",
    "memorised": "share nearer to a real image than its next is: the floor, not more",
}
KERNEL_SUBSETS = 20
KERNEL_SUBSET_SIZE = 1000


def measure_features(features: np.ndarray, real: Gaussian, some: np.ndarray) -> dict[str, float]:
    """Return `MEASURES` of features (N, D), against the Gaussian of real ones and some (M, D).

    Where neighbours are compared there are as many of both, the first min(N, M). Raises
    `TutorialError` for fewer than 6 of them, or features that are not finite or differ in
    number.
    """
    neighbours = min(len(features), len(some))
    fakes, some = features[:neighbours], some[:neighbours]
    size = min(KERNEL_SUBSET_SIZE, neighbours // 2)
    kernel = kernel_distance(some, fakes, subsets=KERNEL_SUBSETS, subset_size=size)
    return {
        "frechet_lite0": frechet_distance(real, fit_gaussian(features)),
        "kid_lite0": kernel.mean,
        "kid_lite0_spread": kernel.spread,
        **precision_recall(some, fakes)._asdict(),
        **density_coverage(some, fakes)._asdict(),
        "memorised": memorised_share(nearest_training_images(fakes, some)),
    }
