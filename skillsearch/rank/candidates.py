"""Candidates: what a search has found so far, and the query it was found for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from skillsearch.arrays import Float32Array
from skillsearch.store.base import Build, ScoredPoint, Space
from skillsearch.store.filters import Where
from skillsearch.taxonomy.texts import pair_text

__all__ = ["Candidate", "Query", "by_score", "merged", "nearest"]


@dataclass(frozen=True, eq=False)
class Query:
    """A text to search for, as the models see it.

    Attributes:
        text: the view that is embedded.
        vector: shape (d,), of unit length.
        tokens: shape (t, h), where the ranker reads them.
        pair: makes the pair of texts that a cross-encoder sees, of the text and a candidate's label.
        demand: what demand adds to the score of a concept, by URI; see `skillsearch.rank.demand`.
    """

    text: str
    vector: Float32Array
    tokens: Float32Array | None = None
    pair: Callable[[str, str], tuple[str, str]] = pair_text
    demand: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_skill(self) -> bool:
        """Whether the query is the skill of a pair, and the candidates are titles."""
        return self.pair("query", "candidate")[1] == "query"

    def pairs(self, labels: Sequence[str]) -> list[tuple[str, str]]:
        """The pairs of texts for some candidates."""
        return [self.pair(self.text, label) for label in labels]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A concept on its way through the stages.

    Attributes:
        uri: of the concept.
        label: its preferred label.
        retrieval_score: the cosine of the query and the concept.
        score: what it is ordered by.
        logits: of the three classes, where the cross-encoder reranked it.
        features: shape (f,), what a learned blend saw.
        rerank_score: the reranker's own score, once reranked.
        probability: of being right, once told; see `skillsearch.rank.probability`.
        demand: what demand added to the score; None where it had no part in it.
    """

    uri: str
    label: str
    retrieval_score: float
    score: float
    logits: tuple[float, float, float] | None = None
    features: Float32Array | None = field(default=None, compare=False)
    rerank_score: float | None = None
    probability: float | None = None
    demand: float | None = None


def nearest(build: Build, space: Space, query: Query, limit: int, where: Where) -> list[Candidate]:
    """The nearest concepts, ordered by cosine, then URI; `where` acts within the search."""
    points = nearest_points(build, space, query.vector, limit, where)
    return [Candidate(point.uri, point.payload["label"], point.score, point.score) for point in points]


def nearest_points(
    build: Build, space: Space, vector: Float32Array, limit: int, where: Where
) -> list[ScoredPoint]:
    """The nearest points with their labels; `vector` has shape (d,)."""
    return build.query(space, vector.tolist(), limit, where, fields=("uri", "label"))


def merged(lists: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """One list of several, each candidate with its best score; one list alone stays as it is."""
    if len(lists) == 1:
        return list(lists[0])
    best: dict[str, Candidate] = {}
    for candidate in by_score([one for some in lists for one in some]):
        best.setdefault(candidate.uri, candidate)
    return list(best.values())


def by_score(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Candidates by falling score, then URI."""
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.uri))
