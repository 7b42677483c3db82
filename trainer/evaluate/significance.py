"""Confidence intervals of means over queries, and tests whether two rankings differ by more than chance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from skillsearch.arrays import Float64Array

__all__ = ["CONFIDENCE", "Estimate", "estimates", "p_values"]

CONFIDENCE: Final = 0.95

_SEED = 0
_RESAMPLES = 2000
_PERMUTATIONS = 9999
_BATCH = 1000  # permutations held at once


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over queries, and its confidence interval."""

    mean: float
    low: float
    high: float


def estimates(values: Mapping[str, Float64Array]) -> dict[str, Estimate]:
    """Means with percentile bootstrap intervals over queries: 95%, 2000 resamples, a fixed seed.

    Args:
        values: arrays of shape (n,) by name, n at least 1. The interval of a single query is its
            value.
    """
    from scipy.stats import bootstrap

    table = np.stack(list(values.values()))  # (measures, n)
    means = table.mean(axis=1)
    low = high = means
    if table.shape[1] > 1:
        interval = bootstrap(
            (table,),
            np.mean,
            axis=1,
            n_resamples=_RESAMPLES,
            confidence_level=CONFIDENCE,
            method="percentile",
            random_state=np.random.default_rng(_SEED),
        ).confidence_interval
        low, high = interval.low, interval.high
    return {
        name: Estimate(float(means[row]), float(low[row]), float(high[row]))
        for row, name in enumerate(values)
    }


def p_values(values: Mapping[str, Float64Array], baseline: Mapping[str, Float64Array]) -> dict[str, float]:
    """Two-sided p of the difference to a baseline, by Fisher's paired randomisation test.

    The signs of the differences are flipped at random, 9,999 times with a fixed seed, or in every
    way there is where those are fewer. Smucker, Allan and Carterette, CIKM 2007.

    Args:
        values: arrays of shape (n,) by name.
        baseline: arrays of the same queries and names.

    Returns:
        By name; 1 where there is no difference, or only one query.
    """
    from scipy.stats import permutation_test

    differences = np.stack([values[name] - baseline[name] for name in values])  # (measures, n)
    if differences.shape[1] == 1:
        return dict.fromkeys(values, 1.0)
    result = permutation_test(
        (differences,),
        np.mean,
        axis=1,
        permutation_type="samples",
        vectorized=True,
        n_resamples=_PERMUTATIONS,
        batch=_BATCH,
        random_state=np.random.default_rng(_SEED),
    )
    return {name: float(p) for name, p in zip(values, result.pvalue, strict=True)}
