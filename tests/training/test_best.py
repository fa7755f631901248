from types import SimpleNamespace

import numpy as np
import pytest
from helpers.runs import make_images

from tutorial_lib.errors import TutorialError
from tutorial_lib.training import best
from tutorial_lib.training.best import keep_best


def test_a_run_is_measured_against_its_own_data_whatever_they_are_called(monkeypatch):
    images = make_images(64, 200)
    made = []
    monkeypatch.setattr(
        best, "reference_from_images", lambda data, name, count: made.append((data, name, count))
    )

    monkeypatch.setattr(
        best, "evaluate_images", lambda samples, reference: SimpleNamespace(values={})
    )
    callback = keep_best(images, "cats", every_kimg=1)
    assert made == [], "nothing is computed before it is needed"
    callback.measure(images)
    callback.measure(images)
    ((data, name, count),) = made
    assert data is images and (name, count) == ("cats", 1000)
    assert callback.count == 100, "half of 200 images suffice for no more"


def test_too_few_images_for_a_floor_are_refused_at_once():
    with pytest.raises(TutorialError, match="199 distinct images, but at least 200"):
        keep_best(np.unique(make_images(8, 199), axis=0), "mine", every_kimg=1)
