"""Stage one: from a title's vector to candidates, by filtered vector search."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillsearch.blender import Blender
from skillsearch.features import NEAREST_OCCUPATIONS
from skillsearch.filters import Match, Where
from skillsearch.store.base import Build

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

    `logits` are those of the three classes, once reranked; `features` are those that a learned blend
    saw, shape (d,).
    """

    uri: str
    label: str
    retrieval_score: float
    score: float
    logits: tuple[float, float, float] | None = None
    features: NDArray[np.float32] | None = field(default=None, compare=False)


def retrieve(build: Build, vector: NDArray[np.float32], limit: int, where: Where) -> list[Candidate]:
    """The nearest skills, ordered by cosine, then URI.

    Args:
        build: the index.
        vector: shape (1024,), of unit length.
        limit: how many at most.
        where: what a skill must fulfil; it acts within the search.
    """
    found = build.query("skills", vector.tolist(), limit, where, fields=("uri", "label"))
    return [Candidate(point.uri, point.payload["label"], point.score, point.score) for point in found]


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
    """The nearest skills and the most expected ones, ordered by a blender's first head, then URI.

    Further skills, if more are wanted, follow in retrieval order; their scores never rise again.

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
    nearest = retrieve(build, vector, max(limit, chosen), where)
    pooled = {one.uri: one for one in nearest[:chosen]}
    beyond = tuple(uri for uri in evidence.expected(view, EXPECTED) if uri not in pooled)
    if beyond:
        expected = replace(where, must=(*where.must, Match(("uri",), beyond)))
        pooled |= {one.uri: one for one in retrieve(build, vector, len(beyond), expected)}
    candidates = [*pooled.values(), *(one for one in nearest[chosen:] if one.uri not in pooled)]
    if not candidates:
        return []
    table = evidence.features(
        view,
        evidence.places([one.uri for one in candidates]),
        np.array([one.retrieval_score for one in candidates], dtype=np.float32),
    )
    scores = blender.first.probability(table, demand_weight)
    scored = [
        replace(one, score=float(score), features=row)
        for one, score, row in zip(candidates, scores, table, strict=True)
    ]
    ordered = sorted(scored[: len(pooled)], key=lambda one: (-one.score, one.uri))
    for one in scored[len(pooled) :]:
        ordered.append(replace(one, score=min(one.score, ordered[-1].score)))
    return ordered
