import pytest
from helpers.references import normals, small_reference

from tutorial_lib.metrics.measures import MEASURES, measure_features


def test_measures_compare_as_many_of_both_where_neighbours_matter():
    reference = small_reference()
    measured = measure_features(normals(500, seed=1), reference.gaussian, reference.features)
    assert list(measured) == list(MEASURES)
    cut = measure_features(normals(500, seed=1)[:225], reference.gaussian, reference.features)
    compared = [name for name in MEASURES if not name.startswith(("frechet", "kid"))]
    assert [measured[name] for name in compared] == [cut[name] for name in compared]
    assert measured["frechet_lite0"] < cut["frechet_lite0"], "which is of all, less biased"
    assert measured["coverage"] == pytest.approx(0.97, abs=0.03)
