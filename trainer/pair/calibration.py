"""Probabilities that mean what they say: temperature scaling, and how far off they are.

Guo et al., "On Calibration of Modern Neural Networks" (2017), arXiv:1706.04599.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillsearch.rank.fuse import softmax

__all__ = ["BINS", "Bin", "expected_calibration_error", "fit_temperature", "reliability"]

BINS: Final = 15
"""Bins of equal width, as in the paper."""

_BOUNDS: Final = (0.05, 20.0)


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of similar confidence: how many, how sure they are, and how often they are right."""

    count: int
    confidence: float
    accuracy: float


def fit_temperature(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
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


def reliability(
    logits: NDArray[np.float64], labels: NDArray[np.int64], *, temperature: float = 1.0
) -> list[Bin]:
    """Predictions by confidence, in bins of equal width; empty bins are left out.

    Args:
        logits: shape (n, classes).
        labels: shape (n,).
        temperature: divides the logits.
    """
    shares = softmax(logits / temperature)
    confidence = shares.max(axis=1)  # (n, classes) -> (n,)
    right = shares.argmax(axis=1) == labels
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        Bin(
            int((place == index).sum()),
            float(confidence[place == index].mean()),
            float(right[place == index].mean()),
        )
        for index in range(BINS)
        if (place == index).any()
    ]


def expected_calibration_error(bins: list[Bin]) -> float:
    """The mean distance between confidence and accuracy, in [0, 1]: ``sum n_b / n |acc_b - conf_b|``."""
    total = sum(group.count for group in bins)
    return sum(group.count * abs(group.accuracy - group.confidence) for group in bins) / total
