"""Scores of a benchmark by the models, computed once; any ranking of it is arithmetic on them.

The models are called by the rankers that serve a search, and their scores are blended by the same
`skillsearch.rank.fuse.fuse`.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from skillsearch.arrays import Float32Array, Float64Array, Int64Array
from skillsearch.errors import EvaluationError
from skillsearch.models.concepts import encode_concepts
from skillsearch.models.protocols import Encoder
from skillsearch.progress import Progress, silent
from skillsearch.rank.candidates import Query
from skillsearch.rank.cross_encoder import CrossEncoderRanker
from skillsearch.rank.distilled import DistilledRanker
from skillsearch.rank.fuse import fuse
from skillsearch.rank.late_interaction import LateInteractionRanker
from skillsearch.rank.token_ranker import TokenRanker
from skillsearch.rank.token_table import embed_tokens
from skillsearch.tasks import TITLE_TO_SKILLS
from trainer.evaluate.benchmark import Benchmark
from trainer.evaluate.ranking import Ranking, best_first, id_order

__all__ = ["Reranker", "Scores", "score_benchmark"]

Reranker = CrossEncoderRanker | DistilledRanker | LateInteractionRanker
"""Rankers whose scores are blended with the cosine."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of each query and document.

    Attributes:
        queries: n query ids.
        documents: m document ids.
        retrieval: shape (n, m), cosines of query and document.
        rerank: shape (n, m), what the ranker's `scores` gave; NaN where it was not asked.
        depth: how many of the best by cosine were reranked.
    """

    queries: tuple[str, ...]
    documents: tuple[str, ...]
    retrieval: Float32Array
    rerank: Float32Array | Float64Array
    depth: int

    @cached_property
    def ties(self) -> Int64Array:
        """Shape (m,): positions of the documents by id, which orders equal scores."""
        return id_order(self.documents)

    @cached_property
    def order(self) -> Int64Array:
        """Shape (n, m): documents in retrieval order, for each query."""
        return np.stack([best_first(row, self.ties) for row in self.retrieval])

    def fused(self, alpha: float, depth: int, demand: Float64Array | None = None) -> Ranking:
        """All documents as a search ranks them: the best `depth` by the blend, the others below.

        Args:
            alpha: weight of retrieval in the blend; 0 ranks by the reranker alone.
            depth: candidates to rerank; 0 ranks all by cosine.
            demand: shape (m,) or (n, m), what demand adds to the blend.

        Raises:
            EvaluationError: fewer were reranked.
        """
        depth = min(depth, len(self.documents))
        if depth > self.depth:
            raise EvaluationError(f"depth {depth}: only the best {self.depth} of each title were reranked")
        added = None if demand is None else np.broadcast_to(demand, self.retrieval.shape)
        orders, ranked = [], []
        for row, order in enumerate(self.order):
            head, cosines = order[:depth], self.retrieval[row, order].astype(np.float64)
            own = None if added is None else added[row, order]
            scores = fuse(cosines, self.rerank[row, head], alpha, own) if depth else cosines
            best = best_first(scores[:depth], self.ties[head])
            below = depth + np.argsort(-scores[depth:], kind="stable")  # as they are, without demand
            places = np.concatenate((best, below))
            orders.append(order[places])
            ranked.append(scores[places])
        return Ranking(self.queries, self.documents, tuple(orders), tuple(ranked))


def score_benchmark(
    benchmark: Benchmark,
    encoder: Encoder,
    ranker: Reranker | None,
    *,
    depth: int,
    progress: Progress = silent,
) -> Scores:
    """Embed all titles and skills, and rerank the best `depth` skills of each title.

    Args:
        benchmark: its queries and documents; judgements are not looked at.
        encoder: gives the cosines.
        ranker: gives the scores of the reranker; None to do without.
        depth: how many to rerank for each title, at most all.
        progress: hears how far it is.

    Raises:
        ModelError: a model gave something that is not finite.
    """
    titles = [TITLE_TO_SKILLS.view(title) for title in benchmark.queries.values()]
    names = [document.names for document in benchmark.documents.values()]
    unique = {texts: row for row, texts in enumerate(dict.fromkeys(names))}
    advance = progress("embed", len(titles) + len(unique))
    vectors = encoder.encode(titles, advance=advance)
    concepts = encode_concepts(encoder, list(unique), advance=advance)
    cosines = vectors @ concepts.T  # (n, d) @ (d, u) -> (n, u)
    retrieval = cosines[:, [unique[texts] for texts in names]]  # (n, m); equal names tie exactly
    rerank = np.full(retrieval.shape, np.nan)
    depth = min(depth, len(names)) if ranker else 0
    scores = Scores(tuple(benchmark.queries), tuple(benchmark.documents), retrieval, rerank, depth)
    if ranker is None:
        return scores
    tokens: list[Float32Array] | list[None] = [None] * len(titles)
    if isinstance(ranker, TokenRanker):
        labels = dict.fromkeys(benchmark.labels)
        table = embed_tokens(ranker.encoder, labels, advance=progress("embed tokens", len(labels)))
        ranker, tokens = replace(ranker, table=table), ranker.encoder.encode_tokens(titles)
    advance = progress("rerank", len(titles))
    for row, title in enumerate(titles):
        head = scores.order[row, :depth]
        query = Query(title, vectors[row], tokens[row], TITLE_TO_SKILLS.pair)
        rerank[row, head] = ranker.scores(query, [benchmark.labels[column] for column in head])
        advance(1)
    return scores
