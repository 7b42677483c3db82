"""Calibration of probabilities: temperature scaling, and the error that is left.

Guo et al., "On Calibration of Modern Neural Networks" (2017), arXiv:1706.04599.
"""

from typing import Final

import numpy as np

from skillsearch.arrays import Float64Array, Int64Array
from skillsearch.rank.fuse import softmax
from trainer.run import Bin

__all__ = ["BINS", "expected_calibration_error", "fit_temperature", "reliability"]

BINS: Final = 15
"""Bins of equal width, as in the paper."""

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
    confidence = shares.max(axis=1)  # (n, classes) -> (n,)
    right = shares.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)  # (n,)
    members = [bins == index for index in np.unique(bins)]
    return [
        Bin(int(some.sum()), float(confidence[some].mean()), float(right[some].mean())) for some in members
    ]


def expected_calibration_error(bins: list[Bin]) -> float:
    """The mean distance between confidence and accuracy, in [0, 1]: ``sum n_b / n |acc_b - conf_b|``."""
    total = sum(group.count for group in bins)
    return sum(group.count * abs(group.accuracy - group.confidence) for group in bins) / total
