"""Documents in order, query by query: what the stages make and what the measures judge.

Equal scores are ordered by document id, everywhere, so that the same scores always give the same
figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainer.evaluate.benchmark import Run

__all__ = ["Ranking", "best_first", "id_order", "rank_run"]

Places = NDArray[np.intp]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """The documents of each query, best first.

    Attributes:
        queries: n query ids.
        documents: m document ids.
        order: for each query, places in `documents`, best first; at most m, none twice.
        scores: for each query, the scores of that order, nowhere rising.
    """

    queries: tuple[str, ...]
    documents: tuple[str, ...]
    order: tuple[Places, ...]
    scores: tuple[Floats, ...]

    def cut(self, length: int) -> "Ranking":
        """The same ranking with at most `length` documents a query."""
        return Ranking(
            self.queries,
            self.documents,
            tuple(places[:length] for places in self.order),
            tuple(scores[:length] for scores in self.scores),
        )

    @property
    def cut_label(self) -> str:
        """``cut at 10`` where lists are shorter than there are documents, otherwise empty."""
        lengths = [len(places) for places in self.order]
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
    places = {document: place for place, document in enumerate(documents)}
    ties = id_order(documents)
    order, ranked_scores = [], []
    for retrieved in run.values():
        found = np.array([places[document] for document in retrieved], dtype=np.intp)
        scores = np.array(list(retrieved.values()), dtype=np.float64)
        best = best_first(scores, ties[found])
        order.append(found[best])
        ranked_scores.append(scores[best])
    return Ranking(tuple(run), tuple(documents), tuple(order), tuple(ranked_scores))


def id_order(documents: Sequence[str]) -> Places:
    """The place of each document once they are sorted by id, to break ties with: shape (m,)."""
    ties = np.empty(len(documents), dtype=np.intp)
    ties[sorted(range(len(documents)), key=documents.__getitem__)] = np.arange(len(documents))
    return ties


def best_first(scores: ArrayLike, ties: ArrayLike) -> Places:
    """Indices that sort by falling score, then rising tie: shapes (k,) and (k,) to (k,)."""
    return np.lexsort((np.asarray(ties), -np.asarray(scores)))
