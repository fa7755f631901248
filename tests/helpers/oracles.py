"""What the packages that others measure with say of some features, for the tests of the metrics.

The tests compare with the stored values always, and with the packages where they are installed:

    pip install torch-fidelity==0.4.0 prdc==0.2
    python tests/helpers/oracles.py     # writes tests/golden/metrics.json
"""

import contextlib
import io
import json
from pathlib import Path

import numpy as np

STORED = Path(__file__).resolve().parent.parent / "golden" / "metrics.json"
CASES = ("plenty", "few", "collapsed", "memorised")


def features(case: str) -> tuple[np.ndarray, np.ndarray]:
    """Return real and fake features of a case, float64, two sets of different sizes.

    Where rows repeat they hold small whole numbers, so that no package rounds and all agree on
    what is equal.
    """
    rng = np.random.default_rng(CASES.index(case))
    if case == "few":  # fewer images than features
        return rng.normal(0, 1, (40, 64)), rng.normal(0.2, 1.1, (33, 64))
    real = rng.integers(-3, 4, (400, 16)).astype(np.float64)
    if case == "collapsed":  # two images, many times
        return real, real[[3, 5]].repeat((200, 100), axis=0)
    if case == "memorised":  # training images, some of them many times
        return real, real[rng.integers(0, 40, 300)]
    return rng.normal(0, 1, (400, 16)), rng.normal(0.3, 0.8, (300, 16))


def measure(case: str) -> dict[str, float]:
    """Return what torch-fidelity and prdc say of a case."""
    import torch
    from prdc import compute_prdc
    from torch_fidelity import metric_fid, metric_kid, metric_prc

    real, fake = features(case)
    as_tensors = torch.from_numpy(fake), torch.from_numpy(real)
    frechet = metric_fid.fid_statistics_to_metric(
        *(metric_fid.fid_features_to_statistics(x) for x in as_tensors), verbose=False
    )
    # Subsets of everything: the packages draw them by other random numbers than the library.
    least = min(len(real), len(fake))
    kernel = metric_kid.kid_features_to_metric(
        *(x[:least] for x in as_tensors), kid_subsets=1, kid_subset_size=least, verbose=False
    )
    balls = metric_prc.prc_features_to_metric(*as_tensors, verbose=False)
    with contextlib.redirect_stdout(io.StringIO()):
        shares = compute_prdc(real, fake, nearest_k=5)
    return {
        "frechet": frechet["frechet_inception_distance"],
        "kernel": kernel["kernel_inception_distance_mean"],
        "precision": balls["precision"],
        "recall": balls["recall"],
        "density": float(shares["density"]),
        "coverage": float(shares["coverage"]),
    }


if __name__ == "__main__":
    STORED.write_text(json.dumps({case: measure(case) for case in CASES}, indent=1) + "\n")
