"""Calibration of the reranker's classes: temperature scaling, and what it leaves.

Guo et al., "On Calibration of Modern Neural Networks" (2017), arXiv:1706.04599.
"""

from typing import Final

import numpy as np

from skillsearch.arrays import Float64Array, Int64Array
from skillsearch.rank.fuse import softmax
from trainer.calibrate.reliability import binned
from trainer.run import Bin

__all__ = ["fit_temperature", "reliability"]

_BOUNDS: Final = (0.05, 20.0)


def fit_temperature(logits: Float64Array, labels: Int64Array) -> float:
    """The temperature that gives the labels the highest likelihood.

    Args:
        logits: shape (n, classes).
        labels: shape (n,).

    Returns:
        Between 0.05 and 20; above 1 for a model that is too sure of itself.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(labels))

    def negative_log_likelihood(log_temperature: float) -> float:
        shares = softmax(logits / np.exp(log_temperature))
        return float(-np.log(np.maximum(shares[rows, labels], 1e-12)).mean())

    found = minimize_scalar(negative_log_likelihood, bounds=tuple(np.log(_BOUNDS)), method="bounded")
    return float(np.exp(found.x))


def reliability(logits: Float64Array, labels: Int64Array, *, temperature: float = 1.0) -> list[Bin]:
    """Predictions by confidence, in bins of equal width; empty bins are left out.

    Args:
        logits: shape (n, classes).
        labels: shape (n,).
        temperature: divides the logits.
    """
    shares = softmax(logits / temperature)
    return binned(shares.max(axis=1), shares.argmax(axis=1) == labels)
