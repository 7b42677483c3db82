"""Stage one: from a title's vector to candidates, by filtered vector search."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillsearch.filters import Where
from skillsearch.store.base import Build

__all__ = ["Candidate", "retrieve"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A skill on its way through the stages; `logits` are those of the three classes, once reranked."""

    uri: str
    label: str
    retrieval_score: float
    score: float
    logits: tuple[float, float, float] | None = None


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
