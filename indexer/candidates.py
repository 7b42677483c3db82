"""Check that a build finds its candidates, and choose the way of searching that does."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from skillsearch.store.base import Build, Space
from skillsearch.store.filters import Match, Where
from skillsearch.store.info import Quality
from skillsearch.store.search import EXACT, EXACT_LIMIT, LADDER, Search

__all__ = ["PROMISE", "choose_search", "common_filters", "found_by", "recall"]

PROMISE: Final = 0.99
"""Share of the nearest points that a search finds at least, under every common filter."""

_CANDIDATES: Final = 200
_QUERIES: Final = 20
_FIELDS: Final = ("skill_type", "reuse_level", "taxonomy", "language")


def choose_search(build: Build, advance: Callable[[int], object] = lambda _: None) -> tuple[Search, Quality]:
    """The fastest way of searching the skills of a build that keeps the promise, and what it finds.

    Spaces up to `EXACT_LIMIT` points are compared point by point and need no measuring.

    Args:
        build: a sealed build.
        advance: called with the number of filters just measured.

    Returns:
        The way, and what `Quality` says of it.
    """
    if build.info.skills <= EXACT_LIMIT:
        return EXACT, {"search": str(EXACT), "candidates": 1.0}
    vectors = _sample_vectors(build)
    filters = dict(common_filters(build))
    nearest = {name: found_by(build, where, vectors, EXACT) for name, where in filters.items()}
    for search in LADDER:
        recalls: dict[str, float] = {}
        for name, where in filters.items():
            recalls[name] = recall(found_by(build, where, vectors, search), nearest[name])
            advance(1)
            if recalls[name] < PROMISE:
                break
        least = min(recalls.values())
        if least >= PROMISE:
            return search, {"search": str(search), "candidates": least, "filters": recalls}
    raise AssertionError("comparing every vector finds all")


def common_filters(build: Build) -> Iterator[tuple[str, Where]]:
    """No filter, each value of the common fields, and the pairs of type and reuse level; with their names.

    Only those that more than `EXACT_LIMIT` points fulfil: below, every vector is compared.
    """
    yield "none", Where()
    single = {
        field: [value for value, count in build.values("skills", field).items() if count > EXACT_LIMIT]
        for field in _FIELDS
    }
    for field, values in single.items():
        if len(build.values("skills", field)) > 1:
            for value in values:
                yield f"{field} {value}", Where((Match((field,), (value,)),))
    for kind in single["skill_type"]:
        for level in single["reuse_level"]:
            both = Where((Match(("skill_type",), (kind,)), Match(("reuse_level",), (level,))))
            if build.count("skills", both) > EXACT_LIMIT:
                yield f"skill_type {kind}, reuse_level {level}", both


def found_by(
    build: Build, where: Where, vectors: Sequence[Sequence[float]], search: Search | None
) -> list[set[str]]:
    """URIs of the candidates of each vector under a filter; `search` None is the build's own way."""
    return [
        {hit.uri for hit in build.query("skills", vector, _CANDIDATES, where, search=search)}
        for vector in vectors
    ]


def recall(found: Sequence[set[str]], nearest: Sequence[set[str]]) -> float:
    """The share of the nearest that was found, averaged over vectors."""
    shares = [len(some & all_) / max(1, len(all_)) for some, all_ in zip(found, nearest, strict=True)]
    return round(sum(shares) / len(shares), 4)


def _sample_vectors(build: Build, space: Space = "occupations") -> list[Sequence[float]]:
    """Vectors to search with: of occupations, which are titles, or else of skills, evenly spread."""
    count = build.count(space)
    if not count:
        return _sample_vectors(build, "skills")
    step = max(1, count // _QUERIES)
    points = (
        point.vector
        for row, point in enumerate(build.scan(space, vectors=True, fields=("uri",)))
        if row % step == 0
    )
    return [vector for vector, _ in zip(points, range(_QUERIES), strict=False)]
