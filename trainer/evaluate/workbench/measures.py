"""What the ranks of the right targets are worth.

For a query whose R right targets stand at ranks r_1 < … < r_R:

    AP = 1/R · sum over i of i / r_i                  over the whole ranking, no cutoff
    RP@10 = (number of r_i <= 10) / min(10, R)        R-precision at 10
    RR = 1 / r_1

and MAP, RP@10 and MRR are their means over the queries (Manning, Raghavan and Schütze, "Introduction
to Information Retrieval", 2008, chapter 8; the bounded R-precision as in Decorte et al., 2022).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["MEASURES", "Figures", "measure_ranks"]

Floats = NDArray[np.float64]

MEASURES: Final[Mapping[str, str]] = MappingProxyType({"map": "MAP", "rp@10": "RP@10", "mrr": "MRR"})
"""Names, and how tables call them."""

_CUT = 10


@dataclass(frozen=True, eq=False)
class Figures:
    """Each measure for each query: shape (n,), values in [0, 1]."""

    values: Mapping[str, Floats]

    def mean(self, name: str) -> float:
        """Mean of a measure over the queries."""
        return float(self.values[name].mean())


def measure_ranks(rows: NDArray[np.integer], ranks: NDArray[np.integer], queries: int) -> Figures:
    """Measure from the ranks of the right targets.

    Args:
        rows: shape (p,), the query of each right target; every query has at least one.
        ranks: shape (p,), from 1; no two of a query are the same.
        queries: n.
    """
    order = np.lexsort((ranks, rows))
    rows, ranks = rows[order], ranks[order]
    counts = np.bincount(rows, minlength=queries)
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    found = np.arange(len(rows)) - starts[rows] + 1  # 1, 2, … within each query
    hits = np.bincount(rows, weights=ranks <= _CUT, minlength=queries)
    return Figures(
        {
            "map": np.bincount(rows, weights=found / ranks, minlength=queries) / counts,
            "rp@10": hits / np.minimum(counts, _CUT),
            "mrr": 1.0 / ranks[starts],
        }
    )
