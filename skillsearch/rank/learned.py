"""Ranking with a blend that was learned from judgements."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Final

import numpy as np

from skillsearch.models.hub import ModelFolder
from skillsearch.models.protocols import PairScorer
from skillsearch.rank.blender import Blender
from skillsearch.rank.candidates import Candidate, Query, by_score, nearest_points
from skillsearch.rank.cross_encoder import with_logits
from skillsearch.rank.features import NEAREST_OCCUPATIONS, reranked_features
from skillsearch.rank.ranker import RankerOptions
from skillsearch.settings import RerankerName
from skillsearch.store.base import Build, Space
from skillsearch.store.filters import Match, Where

__all__ = ["EXPECTED", "NEAREST", "LearnedRanker"]

NEAREST: Final = 200
"""Nearest skills that a learned blend chooses from, or `depth` of them if that is more."""

EXPECTED: Final = 150
"""Skills that judgements lead to expect, wherever they are, which it chooses from too.

Each costs the store as much time as a nearest one, which bounds their number.
"""


@dataclass(frozen=True)
class LearnedRanker(RankerOptions):
    """Orders candidates by a learned blend, before reranking and after.

    Attributes:
        blender: what orders them.
        scorer: the cross-encoder that the blend was fitted with; None to do without reranking.
        depth: how many candidates are reranked.
        demand_weight: how much the blend heeds demand; 0 treats every skill as of average demand.
        min_probability: keeps hits that are at least so probable.
        temperature: divides the logits before they become probabilities.
    """

    blender: Blender
    scorer: PairScorer | None
    depth: int = 200
    demand_weight: float = 1.0
    min_probability: float | None = None
    temperature: float = 1.0

    @property
    def takes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Without a cross-encoder there are no probabilities to ask for."""
        return ("depth", "demand_weight", *(("min_probability",) if self.scorer else ()))

    @property
    def reranker(self) -> RerankerName | None:
        """The cross-encoder, where there is one."""
        return "cross-encoder" if self.scorer else None

    @property
    def model(self) -> ModelFolder | None:
        """The cross-encoder's."""
        return self.scorer.folder if self.scorer else None

    @property
    def blend(self) -> str:  # type: ignore[override]
        """The blender's name."""
        return self.blender.name

    def __str__(self) -> str:
        without = "" if self.scorer else " without reranking"
        return f"the learned blend {self.blender.name}{without}"

    def candidates(
        self, build: Build, space: Space, query: Query, limit: int, where: Where
    ) -> list[Candidate]:
        """The best of the nearest and the most expected skills, by the blend's first head, then URI.

        As many as are wanted or to be reranked, whichever is more. Where they do not suffice, further
        skills follow in retrieval order; their scores never rise again.
        """
        occupations = build.query("occupations", query.vector.tolist(), NEAREST_OCCUPATIONS)
        evidence = self.blender.evidence
        view = evidence.view(query.vector, [(point.uri, point.score) for point in occupations])
        chosen = max(self.depth, NEAREST)
        found = nearest_points(build, space, query.vector, max(limit, chosen), where)
        pooled = {point.uri: point for point in found[:chosen]}
        beyond = tuple(uri for uri in evidence.expected(view, EXPECTED) if uri not in pooled)
        if beyond:
            expected = replace(where, must=(*where.must, Match(("uri",), beyond)))
            more = nearest_points(build, space, query.vector, len(beyond), expected)
            pooled |= {point.uri: point for point in more}
        points = [*pooled.values(), *(point for point in found[chosen:] if point.uri not in pooled)]
        if not points:
            return []
        cosines = np.array([point.score for point in points], dtype=np.float32)
        table = evidence.features(view, evidence.rows_of([point.uri for point in points]), cosines)
        scores = self.blender.first.probability(table, self.demand_weight).tolist()
        order = sorted(range(len(pooled)), key=lambda row: (-scores[row], points[row].uri))
        order.extend(range(len(pooled), len(points)))
        ordered, lowest = [], 1.0
        for row in order[: max(limit, self.depth)]:
            point, lowest = points[row], min(lowest, scores[row])
            ordered.append(
                Candidate(point.uri, point.payload["label"], point.score, lowest, features=table[row])
            )
        return ordered

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Reorder the first `depth` candidates by the blend's second head; the rest follows as it is.

        A blend without a second head keeps its order, and the cross-encoder only gives logits. Below
        `depth`, no score is higher than the lowest above.
        """
        if self.scorer is None or not candidates:
            return list(candidates)
        head, tail = candidates[: self.depth], candidates[self.depth :]
        logits = self.scorer.logits(query.pairs([candidate.label for candidate in head]))
        ranked = with_logits(head, logits)
        if self.blender.second is not None:
            features = np.stack([one.features for one in head if one.features is not None])
            table = np.concatenate((features, reranked_features(logits)), axis=1)  # (n, 16)
            scores = self.blender.second.probability(table, self.demand_weight)
            ranked = by_score(
                [
                    replace(candidate, score=float(score), features=row)
                    for candidate, score, row in zip(ranked, scores, table, strict=True)
                ]
            )
            lowest = ranked[-1].score
            tail = [replace(candidate, score=min(candidate.score, lowest)) for candidate in tail]
        return [*ranked, *tail]

    def explain(self, candidate: Candidate) -> tuple[dict[str, float], dict[str, float]] | None:
        """A candidate's features, without those that are not known, and what each contributes."""
        row, blender = candidate.features, self.blender
        if row is None:
            return None
        reranked = blender.second is not None and len(row) > len(blender.first.features)
        head = blender.second if reranked and blender.second else blender.first
        known = {
            name: float(value) for name, value in zip(head.features, row, strict=True) if isfinite(value)
        }
        contributions = head.contributions(row, self.demand_weight)
        return known, {name: contributions[name] for name in known}
