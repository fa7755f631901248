import dataclasses
import resource

import numpy as np
import pytest
from helpers.runs import TINY_GAN, make_images, make_trainer

from tutorial_lib.training.callbacks import Callback


@pytest.mark.slow
def test_training_keeps_freed_memory(tmp_path):
    """Without it, the allocator returns and asks for every large array again in each step."""
    faults = []

    class CountFaults(Callback):
        def on_step(self, trainer):
            faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)

    recipe = dataclasses.replace(TINY_GAN, size=64, batch_size=16)
    images = make_images(64, 32)
    make_trainer(tmp_path, recipe, images=images, callbacks=[CountFaults()]).fit(kimg=0.192)
    assert np.median(np.diff(faults)) < 2000
