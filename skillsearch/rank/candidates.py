"""Stage one: from a title's vector to candidates, by filtered vector search."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillsearch.rank.blender import Blender
from skillsearch.rank.features import NEAREST_OCCUPATIONS
from skillsearch.store.base import Build, ScoredPoint
from skillsearch.store.filters import Match, Where

__all__ = ["EXPECTED", "NEAREST", "Candidate", "gather", "retrieve"]

NEAREST: Final = 200
"""Nearest skills that a learned blend chooses from, or `depth` of them if that is more."""

EXPECTED: Final = 150
"""Skills that judgements lead to expect, wherever they are, which it chooses from too.

Each costs the store as much time as a nearest one, which bounds their number.
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A skill on its way through the stages.

    `rerank_score` is the reranker's, once reranked; `logits` are those of the three classes, where it
    is the cross-encoder; `features` are those that a learned blend saw, shape (d,).
    """

    uri: str
    label: str
    retrieval_score: float
    score: float
    logits: tuple[float, float, float] | None = None
    features: NDArray[np.float32] | None = field(default=None, compare=False)
    rerank_score: float | None = None


def retrieve(build: Build, vector: NDArray[np.float32], limit: int, where: Where) -> list[Candidate]:
    """The nearest skills, ordered by cosine, then URI.

    Args:
        build: the index.
        vector: shape (1024,), of unit length.
        limit: how many at most.
        where: what a skill must fulfil; it acts within the search.
    """
    return [
        Candidate(point.uri, point.payload["label"], point.score, point.score)
        for point in _nearest(build, vector, limit, where)
    ]


def gather(
    build: Build,
    blender: Blender,
    vector: NDArray[np.float32],
    *,
    limit: int,
    depth: int,
    where: Where,
    demand_weight: float,
) -> list[Candidate]:
    """The best of the nearest and the most expected skills, by a blender's first head, then URI.

    As many as are wanted or to be reranked, whichever is more. Where they do not suffice, further
    skills follow in retrieval order; their scores never rise again.

    Args:
        build: the index.
        blender: what orders them.
        vector: shape (1024,), of unit length.
        limit: how many are wanted.
        depth: how many are to be reranked.
        where: what a skill must fulfil, near or expected.
        demand_weight: of the blender's demand.
    """
    occupations = build.query("occupations", vector.tolist(), NEAREST_OCCUPATIONS)
    evidence = blender.evidence
    view = evidence.view(vector, [(point.uri, point.score) for point in occupations])
    chosen = max(depth, NEAREST)
    nearest = _nearest(build, vector, max(limit, chosen), where)
    pooled = {point.uri: point for point in nearest[:chosen]}
    beyond = tuple(uri for uri in evidence.expected(view, EXPECTED) if uri not in pooled)
    if beyond:
        expected = replace(where, must=(*where.must, Match(("uri",), beyond)))
        pooled |= {point.uri: point for point in _nearest(build, vector, len(beyond), expected)}
    points = [*pooled.values(), *(point for point in nearest[chosen:] if point.uri not in pooled)]
    if not points:
        return []
    cosines = np.array([point.score for point in points], dtype=np.float32)
    table = evidence.features(view, evidence.places([point.uri for point in points]), cosines)
    scores = blender.first.probability(table, demand_weight).tolist()
    order = sorted(range(len(pooled)), key=lambda place: (-scores[place], points[place].uri))
    order.extend(range(len(pooled), len(points)))
    ordered, lowest = [], 1.0
    for place in order[: max(limit, depth)]:
        point, lowest = points[place], min(lowest, scores[place])
        ordered.append(
            Candidate(point.uri, point.payload["label"], point.score, lowest, features=table[place])
        )
    return ordered


def _nearest(build: Build, vector: NDArray[np.float32], limit: int, where: Where) -> list[ScoredPoint]:
    return build.query("skills", vector.tolist(), limit, where, fields=("uri", "label"))
