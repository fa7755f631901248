import pytest
from helpers.references import normals, small_reference

from tutorial_lib.metrics.measures import MEASURES, measure_features


def test_measures_compare_as_many_of_both_where_neighbours_matter():
    reference = small_reference()
    measured = measure_features(normals(500, seed=1), reference.gaussian, reference.features)
    assert list(measured) == list(MEASURES)
    cut = measure_features(normals(500, seed=1), reference.gaussian, reference.features[:225])
    assert measured == cut
    assert measured["coverage"] == pytest.approx(0.97, abs=0.03)
