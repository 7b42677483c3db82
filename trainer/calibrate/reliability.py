"""Reliability: how far predicted probabilities and what came true are apart.

Guo et al., "On Calibration of Modern Neural Networks" (2017), arXiv:1706.04599.
"""

from typing import Final

import numpy as np

from skillsearch.arrays import BoolArray, Float64Array
from trainer.run import Bin

__all__ = ["BINS", "binned", "expected_calibration_error"]

BINS: Final = 15
"""Bins of equal width, as in the paper."""


def binned(confidence: Float64Array, right: BoolArray) -> list[Bin]:
    """Predictions by confidence, in bins of equal width; empty bins are left out.

    Args:
        confidence: shape (n,), in [0, 1].
        right: shape (n,).
    """
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)  # (n,)
    members = [bins == index for index in np.unique(bins)]
    return [
        Bin(int(some.sum()), float(confidence[some].mean()), float(right[some].mean())) for some in members
    ]


def expected_calibration_error(bins: list[Bin]) -> float:
    """The mean distance of confidence and accuracy: ``sum n_b / n |acc_b - conf_b|``; 0 of none."""
    total = sum(group.count for group in bins) or 1
    return sum(group.count * abs(group.accuracy - group.confidence) for group in bins) / total
