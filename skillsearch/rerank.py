"""Stage two: the best candidates scored by the cross-encoder, and the scores blended."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skillsearch.blender import Blender
from skillsearch.features import reranked_features
from skillsearch.models.reranker import Reranker
from skillsearch.retrieve import Candidate
from skillsearch.scoring import CORE, blend, min_max
from skillsearch.texts import pair_text

__all__ = ["reorder", "rerank"]


def rerank(
    reranker: Reranker, title: str, candidates: Sequence[Candidate], *, depth: int, alpha: float
) -> list[Candidate]:
    """Reorder the first `depth` candidates; the rest follows in retrieval order.

    ``score = alpha * minmax(retrieval) + (1 - alpha) * minmax(logit of core)`` over the first
    `depth`. Below, ``alpha * minmax(retrieval)`` on the same scale, which is at most 0.

    Args:
        reranker: the three-class cross-encoder.
        title: the job title.
        candidates: in retrieval order.
        depth: how many to rerank.
        alpha: weight of the retrieval score, in [0, 1].
    """
    head, tail = list(candidates[:depth]), list(candidates[depth:])
    if not head:
        return []
    logits = _logits(reranker, title, head)
    retrieval = np.array([candidate.retrieval_score for candidate in head])
    scores = blend(retrieval, logits[:, CORE], alpha)
    reranked = [
        replace(candidate, score=float(score), logits=_triple(row))
        for candidate, score, row in zip(head, scores, logits, strict=True)
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
    if blender.second is None:
        reranked = [
            replace(candidate, logits=_triple(row)) for candidate, row in zip(head, logits, strict=True)
        ]
        return reranked + tail
    features = np.stack([candidate.features for candidate in head if candidate.features is not None])
    table = np.concatenate((features, reranked_features(logits)), axis=1)  # (n, 16)
    scores = blender.second.probability(table, demand_weight)
    reranked = [
        replace(candidate, score=float(score), logits=_triple(row), features=seen)
        for candidate, score, row, seen in zip(head, scores, logits, table, strict=True)
    ]
    reranked.sort(key=lambda candidate: (-candidate.score, candidate.uri))
    lowest = reranked[-1].score
    return reranked + [replace(candidate, score=min(candidate.score, lowest)) for candidate in tail]


def _logits(reranker: Reranker, title: str, candidates: Sequence[Candidate]) -> NDArray[np.float32]:
    """Shape (n, 3)."""
    return reranker.logits([pair_text(title, candidate.label) for candidate in candidates])


def _triple(row: NDArray[np.float32]) -> tuple[float, float, float]:
    return float(row[0]), float(row[1]), float(row[2])
