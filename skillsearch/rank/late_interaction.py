"""Reranking by late interaction: candidates scored by how their tokens meet those of the query.

The text that is searched for is the query and a candidate's label the target: the score is not
symmetric.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from skillsearch.arrays import BoolArray, Float16Array, Float32Array, Float64Array
from skillsearch.models.hub import ModelFolder
from skillsearch.rank.candidates import Candidate, Query
from skillsearch.rank.cross_encoder import fuse_candidates
from skillsearch.rank.interaction import late_interaction
from skillsearch.rank.token_ranker import TokenRanker
from skillsearch.settings import RerankerName

__all__ = ["LateInteractionRanker"]


@dataclass(frozen=True)
class LateInteractionRanker(TokenRanker):
    """Reranks candidates by late interaction, and blends its score with the cosine.

    It gives no classes: its scores compare for one query alone.
    """

    takes: ClassVar[tuple[str, ...]] = ("alpha", "depth", "demand_weight")
    reranker: ClassVar[RerankerName | None] = "late-interaction"
    temperature: ClassVar[float] = 1.0

    @property
    def model(self) -> ModelFolder:
        """The encoder's."""
        return self.encoder.folder

    def __str__(self) -> str:
        return "late interaction"

    def scores(self, query: Query, labels: Sequence[str]) -> Float64Array:
        """Late-interaction scores of n labels: shape (n,).

        Raises:
            ModelError: a score is not finite.
        """
        return self.read(query, labels, self._scores) if labels else np.empty(0)

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Reorder the first `depth` candidates by the blend; the rest follows."""
        scores = self.scores(query, [candidate.label for candidate in candidates[: self.depth]])
        return fuse_candidates(candidates, scores, self.alpha, query, self.demand_weight)

    def _scores(self, query: Float32Array, labels: Float16Array, mask: BoolArray) -> Float64Array:
        reading = self.model.manifest.interaction
        return late_interaction(
            query,
            labels,
            mask,
            temperature=reading.temperature,
            length_normalised=reading.length_normalised,
        )
