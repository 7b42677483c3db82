"""Limits that strict mode sets on a collection: what is asked is cut to them, or said to be needed."""

from dataclasses import dataclass
from typing import Final

from qdrant_client import models

from skillsearch.errors import StoreError
from skillsearch.store.search import LADDER

__all__ = ["Limits"]

_WIDEST: Final = max(search.ef for search in LADDER)


@dataclass(frozen=True, slots=True)
class Limits:
    """What strict mode allows; None where it sets no limit.

    Attributes:
        exact: whether every vector may be compared, and every match counted.
        graph: whether the collection has a graph, without which it cannot be searched otherwise.
        query: points in an answer.
        ef: points that a walk through the graph may keep in sight.
        oversampling: times as many points as asked for.
        batch: points in a write.
        points: that the collection may have.
    """

    exact: bool = True
    graph: bool = False
    query: int | None = None
    ef: int | None = None
    oversampling: float | None = None
    batch: int | None = None
    points: int | None = None

    @classmethod
    def of(cls, found: models.CollectionInfo) -> "Limits":
        """Those in the description of a collection."""
        graph = found.config.hnsw_config.m > 0
        mode = found.config.strict_mode_config
        if mode is None or not mode.enabled:
            return cls(graph=graph)
        return cls(
            mode.search_allow_exact is not False,
            graph,
            mode.max_query_limit,
            mode.search_max_hnsw_ef,
            mode.search_max_oversampling,
            mode.upsert_max_batchsize,
            mode.max_points_count,
        )

    def page(self, size: int) -> int:
        """Points to read at once."""
        return size if self.query is None else min(size, self.query)

    def require(self, collection: str, points: int, candidates: int) -> None:
        """Check that so many points can be held, and so many candidates found.

        Raises:
            StoreError: they cannot; says which limit has to be raised.
        """
        start, end = f"strict mode on collection {collection} ", " in its strict_mode_config"
        if self.query is not None and self.query < candidates:
            raise StoreError(
                f"{start}allows {self.query:,} points in an answer, and a search needs {candidates:,}: "
                f"raise max_query_limit{end}"
            )
        if self.points is not None and self.points < points:
            raise StoreError(
                f"{start}allows {self.points:,} points, and it is to hold {points:,}: raise "
                f"max_points_count{end}"
            )
        if not self.exact and not self.graph:
            raise StoreError(
                f"{start}forbids to compare every vector, and it has no graph: set search_allow_exact to "
                f"true{end}"
            )
        if not self.exact and self.ef is not None and self.ef < min(points, _WIDEST):
            raise StoreError(
                f"{start}forbids to compare every vector, and allows hnsw_ef {self.ef:,}: raise "
                f"search_max_hnsw_ef to {_WIDEST:,}, or set search_allow_exact to true{end}"
            )
