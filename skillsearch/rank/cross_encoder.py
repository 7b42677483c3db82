"""Reranking with the three-class cross-encoder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from skillsearch.arrays import Float32Array, Float64Array
from skillsearch.models.classes import CONTEXTUAL, CORE
from skillsearch.models.hub import ModelFolder
from skillsearch.models.protocols import PairScorer
from skillsearch.rank.candidates import Candidate, Query, by_score, nearest
from skillsearch.rank.fuse import fuse, softmax
from skillsearch.rank.ranker import RankerOptions
from skillsearch.settings import RerankerName
from skillsearch.store.base import Build, Space
from skillsearch.store.filters import Where

__all__ = ["CrossEncoderRanker", "fuse_candidates", "probability_of", "with_logits"]


@dataclass(frozen=True)
class CrossEncoderRanker(RankerOptions):
    """Reranks candidates with a cross-encoder, and blends its logit of *core* with the cosine.

    Attributes:
        scorer: the cross-encoder.
        alpha: weight of retrieval in the blend.
        depth: how many candidates are reranked.
        demand_weight: how much demand counts in the blend.
        min_probability: keeps hits that are at least so probable.
        temperature: divides the logits before they become probabilities.
    """

    takes: ClassVar[tuple[str, ...]] = ("alpha", "depth", "demand_weight", "min_probability")
    reranker: ClassVar[RerankerName | None] = "cross-encoder"

    scorer: PairScorer
    alpha: float = 0.7
    depth: int = 200
    demand_weight: float = 1.0
    min_probability: float | None = None
    temperature: float = 1.0

    @property
    def model(self) -> ModelFolder:
        """The cross-encoder's."""
        return self.scorer.folder

    def __str__(self) -> str:
        return "the cross-encoder"

    def candidates(
        self, build: Build, space: Space, query: Query, limit: int, where: Where
    ) -> list[Candidate]:
        """The nearest concepts, at least as many as are reranked."""
        return nearest(build, space, query, max(limit, self.depth), where)

    def scores(self, query: Query, labels: Sequence[str]) -> Float32Array:
        """Logits of *core*, which the blend takes, of n labels: shape (n,)."""
        return self.scorer.logits(query.pairs(labels))[:, CORE]

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Reorder the first `depth` candidates by the blend; the rest follows."""
        head = candidates[: self.depth]
        logits = self.scorer.logits(query.pairs([candidate.label for candidate in head]))
        found = [*with_logits(head, logits), *candidates[self.depth :]]
        return fuse_candidates(found, logits[:, CORE], self.alpha, query, self.demand_weight)


def with_logits(candidates: Sequence[Candidate], logits: Float32Array | Float64Array) -> list[Candidate]:
    """Candidates with their logits, of shape (n, 3)."""
    return [
        replace(
            candidate, logits=(float(row[0]), float(row[1]), float(row[2])), rerank_score=float(row[CORE])
        )
        for candidate, row in zip(candidates, logits, strict=True)
    ]


def fuse_candidates(
    candidates: Sequence[Candidate],
    scores: Sequence[float] | np.ndarray,
    alpha: float,
    query: Query,
    demand_weight: float,
) -> list[Candidate]:
    """Reorder the first candidates by the blend with a reranker's scores; see `skillsearch.rank.fuse.fuse`.

    Args:
        candidates: in retrieval order.
        scores: shape (k,), of the first k candidates.
        alpha: weight of retrieval.
        query: knows what demand adds.
        demand_weight: multiplies that.
    """
    cosines = [candidate.retrieval_score for candidate in candidates]
    if query.demand and demand_weight:
        demand = [demand_weight * query.demand.get(candidate.uri, 0.0) for candidate in candidates]
        candidates = [
            replace(candidate, demand=added) for candidate, added in zip(candidates, demand, strict=True)
        ]
        fused = fuse(cosines, scores, alpha, demand).tolist()
    else:
        fused = fuse(cosines, scores, alpha).tolist()
    scored = [replace(candidate, score=score) for candidate, score in zip(candidates, fused, strict=True)]
    head = [
        replace(candidate, rerank_score=float(score))
        for candidate, score in zip(scored, scores, strict=False)
    ]
    return by_score(head) + sorted(scored[len(head) :], key=lambda candidate: -candidate.score)


def probability_of(candidate: Candidate, temperature: float) -> float | None:
    """The probability of being contextual or core; None where the cross-encoder did not read it."""
    if candidate.logits is None:
        return None
    shares = softmax([logit / temperature for logit in candidate.logits])
    return float(shares[CONTEXTUAL] + shares[CORE])
