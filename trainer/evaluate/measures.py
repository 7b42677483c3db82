"""What a ranking is worth for each query, by ranx.

A document is relevant where its grade is 1 or more. Graded nDCG has the grade itself as its gain
(Järvelin and Kekäläinen, 2002), as TalentCLEF's official script has it:

    DCG@k = sum over ranks i <= k of grade_i / log2(i + 1),   nDCG@k = DCG@k / DCG@k of the ideal order

Binary nDCG is the same with every relevant grade as 1. Without a cutoff, k is the length of the list.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainer.evaluate.benchmark import Benchmark
from trainer.evaluate.ranking import Ranking

__all__ = ["MEASURES", "Row", "measure"]

Floats = NDArray[np.float64]

MEASURES: Final[Mapping[str, str]] = {
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
"""Names, and how tables call them; the graded ones are only measured on graded judgements."""

_GRADED = "graded_"


@dataclass(frozen=True)
class Row:
    """One ranking's figures: for each measure, an array in the order of `queries`."""

    label: str
    queries: tuple[str, ...]
    values: Mapping[str, Floats]

    def mean(self, name: str) -> float:
        """Mean of a measure over the queries."""
        return float(self.values[name].mean())


def measure(label: str, benchmark: Benchmark, ranking: Ranking) -> Row:
    """Judge a ranking.

    Args:
        label: of the row.
        benchmark: every judged query counts; one that the ranking does not have counts 0.
        ranking: queries that are not judged are left out.

    Returns:
        Each measure in [0, 1], for each query in the order of the judgements.
    """
    qrels = benchmark.qrels
    queries = tuple(qrels)
    places = {document: place for place, document in enumerate(ranking.documents)}
    for grades in qrels.values():
        for document in grades:  # one that is judged and nowhere in the ranking
            places.setdefault(document, len(places))
    order = dict(zip(ranking.queries, ranking.order, strict=True))
    nothing = np.empty(0, dtype=np.intp)
    run = [_retrieved(order.get(query, nothing)) for query in queries]
    grades_by_query = [_judged(qrels[query], places) for query in queries]
    binary = [np.column_stack((rows[:, 0], np.ones(len(rows)))) for rows in grades_by_query]
    names = [name for name in MEASURES if not name.startswith(_GRADED)]
    values = dict(zip(names, _evaluate(binary, run, names), strict=True))
    if benchmark.graded:
        graded = [name for name in MEASURES if name.startswith(_GRADED)]
        plain = [name.removeprefix(_GRADED) for name in graded]
        values |= dict(zip(graded, _evaluate(grades_by_query, run, plain), strict=True))
    return Row(label, queries, values)


def _retrieved(order: NDArray[np.intp]) -> Floats:
    """Shape (k, 2): document, and a score that falls strictly, so that no tie is left to ranx."""
    return np.column_stack((order, np.arange(len(order), 0, -1))).astype(np.float64)


def _judged(grades: Mapping[str, int], places: Mapping[str, int]) -> Floats:
    """Shape (r, 2): relevant documents and their grades, the highest grade first, as ranx takes them."""
    relevant = [(places[document], grade) for document, grade in grades.items() if grade > 0]
    relevant.sort(key=lambda pair: (-pair[1], pair[0]))
    return np.array(relevant, dtype=np.float64).reshape(-1, 2)


def _evaluate(qrels: Sequence[Floats], run: Sequence[Floats], names: Sequence[str]) -> list[Floats]:
    """Each measure as an array over queries, shape (n,).

    Documents are numbers here, and both sides are in order already: ranx would hash ids to
    floats, and sort ties as it pleases.
    """
    import numba
    import ranx

    with warnings.catch_warnings():
        # while compiling, numba warns of a cast inside ranx that is harmless
        warnings.simplefilter("ignore", numba.NumbaWarning)
        scores = ranx.evaluate(numba.typed.List(qrels), numba.typed.List(run), list(names), return_mean=False)
    return [np.asarray(scores[name], dtype=np.float64) for name in names]
