"""The promise on candidates: measured when a build is checked, kept by the way that is chosen."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from stores import KINDS, Kind, empty_store
from test_store import info, point

from indexer import candidates
from indexer.candidates import PROMISE, choose_search, common_filters
from skillsearch.store import search as searching
from skillsearch.store.base import Build, Point, ScoredPoint
from skillsearch.store.embedded import build as embedded_build
from skillsearch.store.filters import Match, Where
from skillsearch.store.search import EXACT, LADDER, Search

pytestmark = pytest.mark.filterwarnings(
    "ignore:Payload indexes have no effect in the local Qdrant:UserWarning"
)
LIMIT = 20
POINTS = 60


def made() -> list[Point]:
    draw = np.random.default_rng(0)
    vectors = draw.standard_normal((POINTS, 1024))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    kinds, levels = ("skill", "skill", "knowledge"), ("cross-sector", "sector-specific")
    return [
        point(
            number,
            vectors[number].tolist(),
            skill_type=kinds[number % 3],
            reuse_level=levels[number % 2],
            taxonomy="esco",
            language="en",
        )
        for number in range(POINTS)
    ]


class Clipped:
    """A build whose graph finds less than there is: the narrower its walk, and below a filter."""

    def __init__(self, build: Build, loss: dict[int, float]) -> None:
        self.info = build.info
        self._build = build
        self._loss = loss

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._build, name)

    def query(
        self,
        space: Any,  # noqa: ANN401
        vector: Sequence[float],
        limit: int,
        where: Where | None = None,
        fields: Sequence[str] = ("uri",),
        *,
        search: Search | None = None,
    ) -> list[ScoredPoint]:
        found = self._build.query(space, vector, limit, where, fields, search=EXACT)
        loss = 0.0 if search is None or search.is_exact else self._loss.get(search.ef, 0.0)
        narrow = 2 if where and where.must else 1
        return found[: len(found) - round(loss * narrow * len(found))]


@pytest.fixture(params=KINDS)
def build(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401
    kind: Kind = request.param
    with empty_store(kind) as store:
        draft = store.draft(info(skills=POINTS))
        draft.upsert("skills", made())
        sealed = draft.seal()
        for module in (candidates, searching, embedded_build):
            monkeypatch.setattr(module, "EXACT_LIMIT", LIMIT)
        yield sealed


def test_a_small_space_is_compared_whole(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "EXACT_LIMIT", POINTS)
    assert choose_search(build) == (EXACT, {"search": "every vector", "candidates": 1.0})


def test_the_first_way_that_keeps_the_promise_under_every_filter_is_chosen(build: Build) -> None:
    narrow, wider, *_ = LADDER
    clipped: Any = Clipped(build, {narrow.ef: 0.03, wider.ef: 0.0})
    heard: list[int] = []
    search, quality = choose_search(clipped, heard.append)
    assert search == wider
    assert quality["search"] == f"graph, ef {wider.ef}"
    assert quality["candidates"] >= PROMISE
    assert set(quality["filters"]) == {
        "none",
        "skill_type skill",
        "reuse_level cross-sector",
        "reuse_level sector-specific",
    }
    assert len(heard) > len(quality["filters"])


def test_where_no_walk_keeps_it_every_vector_is_compared(build: Build) -> None:
    clipped: Any = Clipped(build, {search.ef: 0.2 for search in LADDER})
    search, quality = choose_search(clipped)
    assert (search, quality["candidates"]) == (EXACT, 1.0)


def test_a_filter_may_fail_where_no_filter_does_not(build: Build) -> None:
    """2 of 60 are lost below a filter alone."""
    clipped: Any = Clipped(build, {LADDER[0].ef: 0.008})
    assert choose_search(clipped)[0] == LADDER[1]


def test_common_filters_are_those_that_a_graph_is_walked_for(build: Build) -> None:
    found = dict(common_filters(build))
    assert found["none"] == Where()
    assert "skill_type knowledge" not in found  # 20 points: compared whole
    assert "taxonomy esco" not in found  # all points are of it
    assert found["skill_type skill"] == Where((Match(("skill_type",), ("skill",)),))


@pytest.mark.parametrize(("matching", "expected"), [(1_000_000, EXACT), (1_000_001, Search(1024))])
def test_a_build_says_how_it_is_searched(matching: int, expected: Search) -> None:
    assert replace(info(), search_ef=1024).search(matching) == expected
    assert replace(info(), search_ef=0).search(matching) == EXACT
