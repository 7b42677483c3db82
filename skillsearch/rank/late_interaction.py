"""Reranking by late interaction: candidates scored by how their tokens meet those of the query.

The text that is searched for is the query and a candidate's label the target: the score is not
symmetric. The tokens of the labels are embedded once for each index; see `skillsearch.rank.token_cache`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from skillsearch.arrays import Float32Array, Float64Array
from skillsearch.errors import ModelError
from skillsearch.models.hub import ModelFolder
from skillsearch.models.protocols import Encoder
from skillsearch.progress import Progress, silent
from skillsearch.rank.candidates import Candidate, Query, nearest
from skillsearch.rank.cross_encoder import fuse_candidates
from skillsearch.rank.interaction import late_interaction
from skillsearch.rank.ranker import RankerOptions
from skillsearch.rank.token_cache import TokenCache
from skillsearch.rank.token_table import TokenTable, embed_tokens
from skillsearch.settings import RerankerName
from skillsearch.store.base import Build, Space
from skillsearch.store.filters import Where

__all__ = ["LateInteractionRanker"]


@dataclass(frozen=True)
class LateInteractionRanker(RankerOptions):
    """Reranks candidates by late interaction, and blends its score with the cosine.

    It gives no classes: its scores compare for one query alone.

    Attributes:
        encoder: of the tokens; its manifest says how they are read.
        cache: tokens of an index's labels.
        table: tokens of labels; those that are not in it are embedded as they come.
        alpha: weight of retrieval in the blend.
        depth: how many candidates are reranked.
    """

    takes: ClassVar[tuple[str, ...]] = ("alpha", "depth")
    reranker: ClassVar[RerankerName | None] = "late-interaction"
    reads_tokens: ClassVar[bool] = True
    temperature: ClassVar[float] = 1.0

    encoder: Encoder
    cache: TokenCache | None = None
    table: TokenTable | None = None
    alpha: float = 0.7
    depth: int = 200

    @property
    def model(self) -> ModelFolder:
        """The encoder's."""
        return self.encoder.folder

    def __str__(self) -> str:
        return "late interaction"

    def ready(self, build: Build, progress: Progress = silent) -> Self:
        """The same ranker with the tokens of all labels of an index."""
        return replace(self, table=self.cache.of(build, progress=progress)) if self.cache else self

    def candidates(
        self, build: Build, space: Space, query: Query, limit: int, where: Where
    ) -> list[Candidate]:
        """The nearest concepts, at least as many as are reranked."""
        return nearest(build, space, query, max(limit, self.depth), where)

    def scores(self, query: Query, labels: Sequence[str]) -> Float64Array:
        """Late-interaction scores of n labels: shape (n,).

        Raises:
            ModelError: a score is not finite.
        """
        tokens = query.tokens
        if tokens is None:
            tokens = self.encoder.encode_tokens([query.text])[0]
        scores = np.empty(len(labels), dtype=np.float64)
        known = np.array([self.table is not None and label in self.table for label in labels], dtype=bool)
        for rows, table in ((np.flatnonzero(known), self.table), (np.flatnonzero(~known), None)):
            if len(rows):
                some = [labels[row] for row in rows.tolist()]
                scores[rows] = self._scores(tokens, some, table or embed_tokens(self.encoder, some))
        if not np.isfinite(scores).all():
            kept = self.cache.path if self.cache else None
            raise ModelError(
                f"late interaction with encoder {self.model} gave scores that are not finite: its weights "
                f"or {kept or 'its tokens'} are broken; remove that file, and try again"
            )
        return scores

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Reorder the first `depth` candidates by the blend; the rest follows in retrieval order."""
        scores = self.scores(query, [candidate.label for candidate in candidates[: self.depth]])
        return fuse_candidates(candidates, scores, self.alpha)

    def _scores(self, tokens: Float32Array, labels: Sequence[str], table: TokenTable) -> Float64Array:
        """Shape (n,), of labels that are all in the table; `tokens` has shape (s, h)."""
        reading = self.model.manifest.interaction
        return late_interaction(
            tokens,
            *table.padded(np.array([table.index[label] for label in labels], dtype=np.int64)),
            temperature=reading.temperature,
            length_normalised=reading.length_normalised,
        )
