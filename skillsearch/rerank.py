"""Stage two: the best candidates scored by the cross-encoder, and both scores blended."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from skillsearch.models.reranker import Reranker
from skillsearch.retrieve import Candidate
from skillsearch.scoring import CORE, blend, min_max
from skillsearch.texts import pair_text

__all__ = ["rerank"]


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
    logits = reranker.logits([pair_text(title, candidate.label) for candidate in head])  # (n, 3)
    retrieval = np.array([candidate.retrieval_score for candidate in head])
    scores = blend(retrieval, logits[:, CORE], alpha)
    reranked = [
        replace(candidate, score=float(score), logits=(float(row[0]), float(row[1]), float(row[2])))
        for candidate, score, row in zip(head, scores, logits, strict=True)
    ]
    reranked.sort(key=lambda candidate: (-candidate.score, candidate.uri))
    beyond = alpha * min_max([candidate.retrieval_score for candidate in tail], among=retrieval)
    return reranked + [
        replace(candidate, score=min(float(score), 0.0))
        for candidate, score in zip(tail, beyond, strict=True)
    ]
