"""Reranking with the distilled cross-encoder, which reads the tokens that the encoder gave before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from skillsearch.arrays import BoolArray, Float16Array, Float32Array, Float64Array
from skillsearch.models.classes import CLASSES, CORE
from skillsearch.models.hub import ModelFolder
from skillsearch.models.token_scorer import TokenScorer
from skillsearch.rank.candidates import Candidate, Query
from skillsearch.rank.cross_encoder import fuse_candidates, with_logits
from skillsearch.rank.token_ranker import TokenRanker
from skillsearch.settings import RerankerName

__all__ = ["DistilledRanker"]


@dataclass(frozen=True, kw_only=True)
class DistilledRanker(TokenRanker):
    """Reranks candidates with the distilled cross-encoder, and blends its logit of *core* with the cosine.

    Attributes:
        scorer: the distilled cross-encoder.
        min_probability: keeps hits that are at least so probable.
    """

    takes: ClassVar[tuple[str, ...]] = ("alpha", "depth", "demand_weight", "min_probability")
    reranker: ClassVar[RerankerName | None] = "distilled"

    scorer: TokenScorer
    min_probability: float | None = None

    @property
    def temperature(self) -> float:
        """The scorer's."""
        return self.scorer.temperature

    @property
    def model(self) -> ModelFolder:
        """The distilled cross-encoder's."""
        return self.scorer.folder

    def __str__(self) -> str:
        return "the distilled cross-encoder"

    def scores(self, query: Query, labels: Sequence[str]) -> Float32Array | Float64Array:
        """Logits of *core*, which the blend takes, of n labels: shape (n,)."""
        return self._logits(query, labels)[:, CORE]

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Reorder the first `depth` candidates by the blend; the rest follows."""
        head = candidates[: self.depth]
        logits = self._logits(query, [candidate.label for candidate in head])
        found = [*with_logits(head, logits), *candidates[self.depth :]]
        return fuse_candidates(found, logits[:, CORE], self.alpha, query, self.demand_weight)

    def _logits(self, query: Query, labels: Sequence[str]) -> Float32Array | Float64Array:
        """Shape (n, 3)."""
        if not labels:
            return np.empty((0, len(CLASSES)), dtype=np.float32)

        def score(tokens: Float32Array, found: Float16Array, mask: BoolArray) -> Float32Array:
            known = tokens[None], np.ones((1, len(tokens)), dtype=bool)
            return self.scorer.logits(*(((found, mask), known) if query.is_skill else (known, (found, mask))))

        return self.read(query, labels, score)
