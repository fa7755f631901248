"""The metrics agree with the packages that others measure with, on the same features."""

import json

import pytest
from helpers import oracles

from tutorial_lib.metrics.frechet import fit_gaussian, frechet_distance
from tutorial_lib.metrics.kernel import kernel_distance, unbiased_discrepancy
from tutorial_lib.metrics.prdc import density_coverage, precision_recall

TOLERANCE = 1e-4  # relative
each_case = pytest.mark.parametrize("case", oracles.CASES)


def measure(case):
    real, fake = oracles.features(case)
    least = min(len(real), len(fake))
    return {
        "frechet": frechet_distance(fit_gaussian(real), fit_gaussian(fake)),
        "kernel": unbiased_discrepancy(real[:least], fake[:least]),
        **precision_recall(real, fake)._asdict(),
        **density_coverage(real, fake)._asdict(),
    }


@each_case
def test_metrics_agree_with_what_is_stored_of_other_packages(case):
    stored = json.loads(oracles.STORED.read_text("utf-8"))[case]
    assert measure(case) == pytest.approx(stored, rel=TOLERANCE)


@each_case
def test_metrics_agree_with_the_packages_themselves(case):
    pytest.importorskip("torch_fidelity")
    pytest.importorskip("prdc")
    assert measure(case) == pytest.approx(oracles.measure(case), rel=TOLERANCE)


def test_a_subset_of_everything_is_the_whole():
    real, fake = (features[:30] for features in oracles.features("few"))
    distance = kernel_distance(real, fake, subsets=3, subset_size=30)
    assert distance.mean == pytest.approx(unbiased_discrepancy(real, fake))
    assert distance.spread == pytest.approx(0, abs=1e-12)
