"""The part that rankers share which read the tokens of a query and of the candidates' labels.

The tokens of the labels are embedded once for each index; see `skillsearch.rank.token_cache`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self, TypeVar

import numpy as np

from skillsearch.arrays import BoolArray, Float16Array, Float32Array, Float64Array
from skillsearch.errors import ModelError
from skillsearch.models.protocols import Encoder
from skillsearch.progress import Progress, silent
from skillsearch.rank.candidates import Candidate, Query, nearest
from skillsearch.rank.ranker import RankerOptions
from skillsearch.rank.token_cache import TokenCache
from skillsearch.rank.token_table import TokenTable, embed_tokens
from skillsearch.store.base import Build, Space
from skillsearch.store.filters import Where

__all__ = ["ScoreTokens", "TokenRanker"]

Scores = TypeVar("Scores", Float32Array, Float64Array)

ScoreTokens = Callable[[Float32Array, Float16Array, BoolArray], Scores]
"""Tokens of a query, shape (s, h), those of n labels, (n, t, h), and their mask, (n, t), to n scores."""


@dataclass(frozen=True)
class TokenRanker(RankerOptions):
    """Reranks candidates by tokens.

    Attributes:
        encoder: of the tokens; its manifest says how they are read.
        cache: tokens of an index's labels.
        table: tokens of labels; those that are not in it are embedded as they come.
        alpha: weight of retrieval in the blend.
        depth: how many candidates are reranked.
        demand_weight: how much demand counts in the blend.
    """

    reads_tokens: ClassVar[bool] = True

    encoder: Encoder
    cache: TokenCache | None = None
    table: TokenTable | None = None
    alpha: float = 0.7
    depth: int = 200
    demand_weight: float = 1.0

    def ready(self, build: Build, progress: Progress = silent) -> Self:
        """The same ranker with the tokens of all labels of an index."""
        return replace(self, table=self.cache.of(build, progress=progress)) if self.cache else self

    def candidates(
        self, build: Build, space: Space, query: Query, limit: int, where: Where
    ) -> list[Candidate]:
        """The nearest concepts, at least as many as are reranked."""
        return nearest(build, space, query, max(limit, self.depth), where)

    def read(self, query: Query, labels: Sequence[str], score: ScoreTokens[Scores]) -> Scores:
        """What `score` gives for the tokens of a query and of n labels, at least one: shape (n, ...).

        Raises:
            ModelError: a score is not finite.
        """
        tokens = query.tokens
        if tokens is None:
            tokens = self.encoder.encode_tokens([query.text])[0]
        known = np.array([self.table is not None and label in self.table for label in labels], dtype=bool)
        parts: list[Scores] = []
        places = np.concatenate((np.flatnonzero(known), np.flatnonzero(~known)))
        for rows, table in ((np.flatnonzero(known), self.table), (np.flatnonzero(~known), None)):
            if len(rows):
                some = [labels[row] for row in rows.tolist()]
                held = table or embed_tokens(self.encoder, some)
                at = np.array([held.index[label] for label in some], dtype=np.int64)
                parts.append(score(tokens, *held.padded(at)))
        scores: Scores = np.concatenate(parts)[np.argsort(places)]
        if not np.isfinite(scores).all():
            kept = self.cache.path if self.cache else None
            raise ModelError(
                f"reranking with tokens of encoder {self.encoder.folder} gave scores that are not finite: "
                f"its weights or {kept or 'its tokens'} are broken; remove that file, and try again"
            )
        return scores
