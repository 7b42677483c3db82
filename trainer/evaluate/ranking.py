"""Documents in order, query by query, and ranks of documents found without sorting.

Equal scores are ordered by a fixed tie-break, so that the same scores always give the same figures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from skillsearch.arrays import Float32Array, Float64Array, Int64Array
from skillsearch.errors import ModelError
from skillsearch.progress import Advance, advance_only
from trainer.evaluate.benchmark import Benchmark, Run

__all__ = ["Ranking", "ScoreQueries", "best_first", "id_order", "rank_pairs", "rank_run"]

ScoreQueries = Callable[[Sequence[str]], Float32Array]
"""n queries to shape (n, m), the score of each with each of m documents; the higher the better."""

_SCORES: Final = 1 << 24  # scores held at once, 64 MiB
_QUERIES: Final = 1024  # queries scored at once, at most


@dataclass(frozen=True)
class Ranking:
    """The documents of each query, best first.

    Attributes:
        queries: n query ids.
        documents: m document ids.
        order: for each query, indices of `documents`, best first; at most m, none twice.
        scores: for each query, the scores of that order, which never rise.
    """

    queries: tuple[str, ...]
    documents: tuple[str, ...]
    order: tuple[Int64Array, ...]
    scores: tuple[Float64Array, ...]

    def cut(self, length: int | None) -> "Ranking":
        """The same ranking with at most `length` documents a query; None cuts nothing."""
        return Ranking(
            self.queries,
            self.documents,
            tuple(order[:length] for order in self.order),
            tuple(scores[:length] for scores in self.scores),
        )

    @property
    def cut_label(self) -> str:
        """``cut at 10`` where lists are shorter than there are documents, otherwise empty."""
        lengths = [len(order) for order in self.order]
        shortest, longest = min(lengths, default=0), max(lengths, default=0)
        if shortest == len(self.documents):
            return ""
        return f"cut at {longest}" if shortest == longest else f"cut at {shortest} to {longest}"


def rank_run(run: Run, documents: Sequence[str]) -> Ranking:
    """Order the documents of a run by score, then document id.

    Args:
        run: its documents are all among `documents`.
        documents: the whole corpus.
    """
    index = {document: column for column, document in enumerate(documents)}
    ties = id_order(documents)
    order, ranked_scores = [], []
    for retrieved in run.values():
        found = np.array([index[document] for document in retrieved], dtype=np.int64)
        scores = np.array(list(retrieved.values()), dtype=np.float64)
        best = best_first(scores, ties[found])
        order.append(found[best])
        ranked_scores.append(scores[best])
    return Ranking(tuple(run), tuple(documents), tuple(order), tuple(ranked_scores))


def id_order(documents: Sequence[str]) -> Int64Array:
    """The position of each document once they are sorted by id, to break ties with: shape (m,)."""
    ties = np.empty(len(documents), dtype=np.int64)
    ties[sorted(range(len(documents)), key=documents.__getitem__)] = np.arange(len(documents))
    return ties


def best_first(scores: ArrayLike, ties: ArrayLike) -> Int64Array:
    """Indices that sort by falling score, then rising tie: shapes (k,) and (k,) to (k,)."""
    return np.lexsort((np.asarray(ties), -np.asarray(scores))).astype(np.int64)


def rank_pairs(
    name: str,
    score: ScoreQueries,
    benchmark: Benchmark,
    rows: Int64Array,
    columns: Int64Array,
    *,
    advance: Advance | None = None,
) -> Int64Array:
    """Rank some documents of some queries by counting, with few scores in memory and nothing sorted.

    A document's rank is one more than the number of documents that score higher, or score the same
    and come before it: its position in a stable sort by falling score.

    Args:
        name: of what scores, for messages.
        score: scores all documents for some queries.
        benchmark: the judged queries and the m documents.
        rows: shape (p,), the judged query of each pair to rank.
        columns: shape (p,), its document.
        advance: called with the number of queries just scored.

    Returns:
        Shape (p,), ranks from 1 to m.

    Raises:
        ModelError: a score is not finite.
    """
    report, ranks = advance or advance_only(None), np.empty(len(rows), dtype=np.int64)
    queries = [benchmark.queries[query] for query in benchmark.qrels]
    by_row = np.argsort(rows, kind="stable")
    pairs = np.split(by_row, np.searchsorted(rows[by_row], np.arange(1, len(queries))))
    positions = np.arange(len(benchmark.documents))
    step = max(min(_SCORES // len(positions), _QUERIES), 1)
    for start in range(0, len(queries), step):
        scores = score(queries[start : start + step])  # (step, m)
        if not np.isfinite(scores).all():
            raise ModelError(f"model {name} gave numbers that are not finite: its weights are broken")
        for some, own in zip(pairs[start : start + step], scores, strict=True):
            targets = columns[some, None]  # (t, 1)
            before = (own > own[targets]) | ((own == own[targets]) & (positions < targets))  # (t, m)
            ranks[some] = np.count_nonzero(before, axis=1) + 1
        report(len(scores))
    return ranks
