"""Logistic regression on a few features: fitted by Newton's method, and read."""

from typing import Final

import numpy as np

from skillsearch.arrays import Float64Array

__all__ = ["fit_logistic", "logistic"]

_STEPS: Final = 30
_RIDGE: Final = 1e-3


def logistic(values: Float64Array) -> Float64Array:
    """``1 / (1 + exp(-x))``, of any shape."""
    shares: Float64Array = 1.0 / (1.0 + np.exp(-np.clip(values, -30.0, 30.0)))
    return shares


def fit_logistic(
    table: Float64Array, truth: Float64Array, *, counts: Float64Array | None = None, ridge: float = _RIDGE
) -> Float64Array:
    """Weights that give the truth the highest likelihood, by Newton's method with a ridge.

    Args:
        table: shape (n, f), features; one of them is 1 where a constant is wanted.
        truth: shape (n,), 0 or 1.
        counts: shape (n,), how much each row counts; 1 by default.
        ridge: how much weights are held near 0.

    Returns:
        Shape (f,).
    """
    shares_of = np.ones(len(truth)) if counts is None else counts
    weights = np.zeros(table.shape[1])
    for _ in range(_STEPS):
        shares = logistic(table @ weights)
        slope = table.T @ (shares_of * (truth - shares)) - ridge * weights
        spread = (shares_of * shares * (1 - shares))[:, None]
        weights = weights + np.linalg.solve((table * spread).T @ table + ridge * np.eye(len(weights)), slope)
    return weights
