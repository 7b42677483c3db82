"""Stage two: the best candidates scored again, and both scores blended."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skillsearch.models.reranker import Reranker
from skillsearch.rank.blender import Blender
from skillsearch.rank.candidates import Candidate
from skillsearch.rank.features import reranked_features
from skillsearch.rank.fuse import CORE, blend, min_max
from skillsearch.tasks.hits import probabilities
from skillsearch.taxonomy.texts import pair_text

__all__ = ["blend_in", "keep_probable", "reorder", "rerank"]


def rerank(
    reranker: Reranker, title: str, candidates: Sequence[Candidate], *, depth: int, alpha: float
) -> list[Candidate]:
    """Reorder the first `depth` candidates by the cross-encoder; see `blend_in`.

    Args:
        reranker: the three-class cross-encoder, whose logit of core is blended in.
        title: the job title.
        candidates: in retrieval order.
        depth: how many to rerank.
        alpha: weight of the retrieval score, in [0, 1].
    """
    head = list(candidates[:depth])
    if not head:
        return []
    logits = _logits(reranker, title, head)
    seen = [_seen(candidate, row) for candidate, row in zip(head, logits, strict=True)]
    return blend_in(logits[:, CORE], [*seen, *candidates[depth:]], alpha=alpha)


def blend_in(scores: ArrayLike, candidates: Sequence[Candidate], *, alpha: float) -> list[Candidate]:
    """Reorder the first candidates by a reranker's scores; the rest follows in retrieval order.

    ``score = alpha * minmax(retrieval) + (1 - alpha) * minmax(rerank)`` over the first. Below,
    ``alpha * minmax(retrieval)`` on the same scale, which is at most 0.

    Args:
        scores: shape (n,), of the first n candidates; which reranker's does not matter.
        candidates: in retrieval order.
        alpha: weight of the retrieval score, in [0, 1].
    """
    given = np.asarray(scores, dtype=np.float64)
    head, tail = candidates[: len(given)], candidates[len(given) :]
    if not head:
        return []
    retrieval = np.array([candidate.retrieval_score for candidate in head])
    reranked = [
        replace(candidate, score=float(score), rerank_score=float(own))
        for candidate, score, own in zip(head, blend(retrieval, given, alpha), given, strict=True)
    ]
    reranked.sort(key=lambda candidate: (-candidate.score, candidate.uri))
    beyond = alpha * min_max([candidate.retrieval_score for candidate in tail], among=retrieval)
    return reranked + [
        replace(candidate, score=min(float(score), 0.0))
        for candidate, score in zip(tail, beyond, strict=True)
    ]


def reorder(
    reranker: Reranker,
    blender: Blender,
    title: str,
    candidates: Sequence[Candidate],
    *,
    depth: int,
    demand_weight: float,
) -> list[Candidate]:
    """Reorder the first `depth` candidates by a blender's second head; the rest follows as it is.

    A blender without a second head keeps its order, and the reranker only gives logits. Below
    `depth`, no score is higher than the lowest above.

    Args:
        reranker: the three-class cross-encoder.
        blender: what orders them.
        title: the job title.
        candidates: as `gather` gives them.
        depth: how many to rerank.
        demand_weight: of the blender's demand.
    """
    head, tail = list(candidates[:depth]), list(candidates[depth:])
    if not head:
        return []
    logits = _logits(reranker, title, head)
    reranked = [_seen(candidate, row) for candidate, row in zip(head, logits, strict=True)]
    if blender.second is None:
        return reranked + tail
    features = np.stack([candidate.features for candidate in head if candidate.features is not None])
    table = np.concatenate((features, reranked_features(logits)), axis=1)  # (n, 16)
    scores = blender.second.probability(table, demand_weight)
    reranked = [
        replace(candidate, score=float(score), features=seen)
        for candidate, score, seen in zip(reranked, scores, table, strict=True)
    ]
    reranked.sort(key=lambda candidate: (-candidate.score, candidate.uri))
    lowest = reranked[-1].score
    return reranked + [replace(candidate, score=min(candidate.score, lowest)) for candidate in tail]


def keep_probable(
    candidates: Sequence[Candidate], min_probability: float | None, *, temperature: float
) -> list[Candidate]:
    """Leave out candidates that are less likely to be contextual or core, or have no logits.

    Args:
        candidates: in any order, which stays.
        min_probability: in [0, 1]; None keeps all.
        temperature: divides the logits before they become probabilities.
    """
    if min_probability is None:
        return list(candidates)
    return [
        candidate
        for candidate in candidates
        if candidate.logits is not None and probabilities(candidate, temperature).relevant >= min_probability
    ]


def _logits(reranker: Reranker, title: str, candidates: Sequence[Candidate]) -> NDArray[np.float32]:
    """Shape (n, 3)."""
    return reranker.logits([pair_text(title, candidate.label) for candidate in candidates])


def _seen(candidate: Candidate, row: NDArray[np.float32]) -> Candidate:
    """A candidate with its logits, shape (3,)."""
    logits = (float(row[0]), float(row[1]), float(row[2]))
    return replace(candidate, logits=logits, rerank_score=logits[CORE])
