"""Both models on a benchmark, once; then any ranking of it by arithmetic alone."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skillsearch.errors import EvaluationError
from skillsearch.models.encoder import Encoder
from skillsearch.models.reranker import Reranker
from skillsearch.rank.fuse import CLASSES, CORE, blend, min_max
from skillsearch.rank.late_interaction import LateInteraction
from skillsearch.taxonomy.texts import pair_text, query_text
from trainer.evaluate.benchmark import Benchmark
from trainer.evaluate.ranking import Ranking, best_first, id_order

__all__ = ["Progress", "Scores", "blended", "score_benchmark", "stage_one", "stage_two"]

Progress = Callable[[str, int], Callable[[int], object]]
"""Told of a stage's name and length; gives what to call with each number of things done."""

Places = NDArray[np.intp]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scores:
    """What the models say of each query and document.

    Attributes:
        queries: n query ids.
        documents: m document ids.
        retrieval: shape (n, m), cosines of title and skill.
        logits: shape (n, m, 3), irrelevant, contextual and core; NaN where not reranked. Late
            interaction has one score in place of the last, and NaN for the others.
        depth: how many of the best by cosine were reranked.
    """

    queries: tuple[str, ...]
    documents: tuple[str, ...]
    retrieval: NDArray[np.float32]
    logits: NDArray[np.float32]
    depth: int

    @cached_property
    def ties(self) -> Places:
        """Shape (m,): documents by id, which orders equal scores."""
        return id_order(self.documents)

    @cached_property
    def order(self) -> Places:
        """Shape (n, m): documents in retrieval order, for each query."""
        return np.stack([best_first(row, self.ties) for row in self.retrieval])


def score_benchmark(
    benchmark: Benchmark,
    encoder: Encoder,
    reranker: Reranker | LateInteraction | None,
    *,
    depth: int,
    progress: Progress | None = None,
) -> Scores:
    """Embed all titles and skills, and rerank the best `depth` skills of each title.

    Args:
        benchmark: its queries and documents; judgements are not looked at.
        encoder: gives the cosines.
        reranker: the cross-encoder or late interaction; None to do without.
        depth: how many to rerank for each title, at most all.
        progress: hears how far it is.
    """
    progress = progress or (lambda _name, _total: lambda _done: None)
    queries, documents = tuple(benchmark.queries), tuple(benchmark.documents)
    names = [document.names for document in benchmark.documents.values()]
    unique = {texts: place for place, texts in enumerate(dict.fromkeys(names))}
    titles = [query_text(title) for title in benchmark.queries.values()]
    advance = progress("embed", len(titles) + len(unique))
    title_vectors = encoder.encode(titles, progress=advance)
    skill_vectors = encoder.encode_named(list(unique), progress=advance)
    cosines = title_vectors @ skill_vectors.T  # (n, 1024) @ (1024, u) -> (n, u)
    retrieval = cosines[:, [unique[texts] for texts in names]]  # (n, m); equal names tie exactly
    depth = min(depth, len(documents)) if reranker else 0
    logits = np.full((*retrieval.shape, len(CLASSES)), np.nan, dtype=np.float32)
    scores = Scores(queries, documents, retrieval, logits, depth)
    if reranker is None or not depth:
        return scores
    labels = [document.label for document in benchmark.documents.values()]
    if isinstance(reranker, LateInteraction):
        table = reranker.take(labels, progress=progress("embed tokens", len(set(labels))))
        tokens = encoder.encode_tokens(titles)
    advance = progress("rerank", len(titles))
    for row, title in enumerate(benchmark.queries.values()):
        head = scores.order[row, :depth]
        some = [labels[place] for place in head]
        if isinstance(reranker, LateInteraction):
            logits[row, head, CORE] = reranker.scores(tokens[row], some, table)
        else:
            logits[row, head] = reranker.logits([pair_text(title, label) for label in some])
        advance(1)
    return scores


def stage_one(scores: Scores) -> Ranking:
    """All documents by cosine."""
    ranked = np.take_along_axis(scores.retrieval, scores.order, axis=1).astype(np.float64)
    return Ranking(scores.queries, scores.documents, tuple(scores.order), tuple(ranked))


def stage_two(scores: Scores, depth: int) -> Ranking:
    """The best `depth` by the reranker's score, such as the logit of core; the rest follows.

    Below, a score lies as far under the lowest logit as its cosine under the lowest reranked one.

    Raises:
        EvaluationError: fewer were reranked.
    """

    def by_core(cosines: Floats, logits: Floats, tail: Floats) -> tuple[Floats, Floats]:
        return logits, logits.min() - cosines.min() + tail

    return _reranked(scores, depth, by_core)


def blended(scores: Scores, depth: int, alpha: float) -> Ranking:
    """What `skillsearch.rank.cross_encoder.rerank` does: the blend for the best `depth`, the rest below.

    Raises:
        EvaluationError: fewer were reranked.
    """

    def by_blend(cosines: Floats, logits: Floats, tail: Floats) -> tuple[Floats, Floats]:
        return blend(cosines, logits, alpha), np.minimum(alpha * min_max(tail, among=cosines), 0.0)

    return _reranked(scores, depth, by_blend)


def _reranked(
    scores: Scores, depth: int, score: Callable[[Floats, Floats, Floats], tuple[Floats, Floats]]
) -> Ranking:
    """Reorder the head of each query.

    Args:
        scores: of both models.
        depth: length k of the head.
        score: takes cosines and logits of core of the head, shape (k,) each, and cosines of the
            tail, shape (m - k,); gives the scores of head and tail.
    """
    depth = min(depth, len(scores.documents))
    if depth > scores.depth:
        raise EvaluationError(f"depth {depth}: only the best {scores.depth} of each title were reranked")
    if depth == 0:
        return stage_one(scores)
    order, ranked = [], []
    for row, places in enumerate(scores.order):
        head, tail = places[:depth], places[depth:]
        cosines = scores.retrieval[row].astype(np.float64)
        core = scores.logits[row, head, CORE].astype(np.float64)
        head_scores, tail_scores = score(cosines[head], core, cosines[tail])
        best = best_first(head_scores, scores.ties[head])
        order.append(np.concatenate((head[best], tail)))
        ranked.append(np.concatenate((head_scores[best], tail_scores)))
    return Ranking(scores.queries, scores.documents, tuple(order), tuple(ranked))
