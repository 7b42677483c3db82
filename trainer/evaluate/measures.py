"""Measures of a ranking for each query, computed from the ranks of its relevant documents.

For a query with R relevant documents, of which the i-th in the order of the ranking has rank r_i and
grade g_i (a document that is not in the ranking has an infinite rank), and a cutoff k, which is infinite
where the name has none:

    AP@k        = 1 / min(R, k) · sum of i / r_i                          over r_i <= k
    RR@k        = 1 / r_1                                                 0 where r_1 > k
    P@k         = number of r_i <= k, divided by k
    RP@k        = number of r_i <= k, divided by min(R, k)
    accuracy@k  = 1 where r_1 <= k, else 0
    nDCG@k      = DCG@k / DCG@k of the ideal order,  DCG@k = sum of g_i / log2(r_i + 1) over r_i <= k

MAP, MRR and the other figures are means over the queries; a query without a relevant document counts 0.
AP, RR and P as in Manning, Raghavan and Schütze, "Introduction to Information Retrieval" (2008), chapter 8;
the bounded R-precision as in Decorte et al. (2022). Graded nDCG has the grade itself as its gain, as in
Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (2002) and in TalentCLEF's
official script; binary nDCG has 1 for every relevant document.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillsearch.arrays import Float64Array, Int64Array
from trainer.evaluate.benchmark import Benchmark, relevant_pairs
from trainer.evaluate.ranking import Ranking

__all__ = ["MEASURES", "Row", "measure", "measure_ranks"]

MEASURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "map": "MAP",
        "mrr": "MRR",
        "ndcg@10": "nDCG@10",
        "ndcg@100": "nDCG@100",
        "ndcg": "nDCG",
        "precision@5": "P@5",
        "precision@10": "P@10",
        "precision@100": "P@100",
        "graded_ndcg@10": "graded nDCG@10",
        "graded_ndcg@100": "graded nDCG@100",
        "graded_ndcg": "graded nDCG",
    }
)
"""Names of what `measure` gives, and how tables call them; graded ones need graded judgements."""

_GRADED: Final = "graded_"


@dataclass(frozen=True)
class Row:
    """One ranking's figures: for each measure, an array in the order of `queries`."""

    label: str
    queries: tuple[str, ...]
    values: Mapping[str, Float64Array]

    def mean(self, name: str) -> float:
        """Mean of a measure over the queries."""
        return float(self.values[name].mean())


def measure(label: str, benchmark: Benchmark, ranking: Ranking) -> Row:
    """Measure a ranking by all `MEASURES` that its judgements allow.

    Args:
        label: of the row.
        benchmark: every judged query counts; one that the ranking does not have counts 0.
        ranking: queries that are not judged are left out.

    Returns:
        Each measure in [0, 1], for each query in the order of the judgements.
    """
    rows, columns, grades = relevant_pairs(benchmark.qrels, ranking.documents)
    order = dict(zip(ranking.queries, ranking.order, strict=True))
    ranks = np.full(len(rows), np.inf)
    by_column = np.empty(len(ranking.documents) + 1)  # the last one is for documents of no ranking
    for row, query in enumerate(benchmark.qrels):
        found = order.get(query, np.empty(0, dtype=np.int64))
        by_column.fill(np.inf)
        by_column[found] = np.arange(1, len(found) + 1)
        ranks[rows == row] = by_column[columns[rows == row]]
    names = [name for name in MEASURES if benchmark.graded or not name.startswith(_GRADED)]
    queries = tuple(benchmark.qrels)
    return Row(label, queries, measure_ranks(names, rows, ranks, len(queries), grades))


def measure_ranks(
    names: Sequence[str],
    rows: Int64Array,
    ranks: NDArray[np.number],
    queries: int,
    grades: Int64Array | None = None,
) -> dict[str, Float64Array]:
    """Measure from the ranks of the p relevant documents of n queries.

    Args:
        names: ``map``, ``mrr``, ``precision``, ``rp``, ``accuracy``, ``ndcg`` or ``graded_ndcg``, with
            a cutoff such as ``@10`` or, where it makes sense, without.
        rows: shape (p,), the query of each relevant document.
        ranks: shape (p,), from 1, no two of a query the same; infinite where it is not in the ranking.
        queries: n.
        grades: shape (p,), for graded measures; all 1 by default.

    Returns:
        Shape (n,) for each name, values in [0, 1].
    """
    order = np.lexsort((ranks, rows))
    query, rank = rows[order], ranks[order].astype(np.float64)  # (p,), r_i by query, then rank
    count = np.bincount(rows, minlength=queries)  # (n,), R
    place = np.arange(len(rows)) - (np.cumsum(count) - count)[query] + 1  # (p,), i within each query
    ones = np.ones(len(rows))
    gain = ones if grades is None else grades.astype(np.float64)

    def share(parts: NDArray[np.generic], whole: NDArray[np.number] | float) -> Float64Array:
        """The sum over the documents of each query, divided by something; 0 where there are none."""
        sums = np.bincount(query, weights=parts.astype(np.float64), minlength=queries)
        shares: Float64Array = np.divide(sums, whole, out=np.zeros(queries), where=count > 0)
        return shares

    def ndcg(gains: Float64Array, ideal: Float64Array, k: float) -> Float64Array:
        best = share(ideal / np.log2(place + 1) * (place <= k), 1)
        return share(gains / np.log2(rank + 1) * (rank <= k), best)

    def values(name: str) -> Float64Array:
        family, _, cutoff = name.partition("@")
        k = float(cutoff or "inf")
        match family:
            case "map":
                return share(place / rank * (rank <= k), np.minimum(count, k))
            case "mrr":
                return share((place == 1) / rank * (rank <= k), 1)
            case "precision":
                return share(rank <= k, k)
            case "rp":
                return share(rank <= k, np.minimum(count, k))
            case "accuracy":
                return share((place == 1) & (rank <= k), 1)
            case "ndcg":
                return ndcg(ones, ones, k)
            case "graded_ndcg":
                return ndcg(gain[order], gain[np.lexsort((-gain, rows))], k)
        raise ValueError(f"unknown measure {name}")

    return {name: values(name) for name in names}
