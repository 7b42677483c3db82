"""Limits that strict mode sets on a collection: what is asked is cut to them, or said to be needed."""

from dataclasses import dataclass

from qdrant_client import models

from skillsearch.errors import StoreError

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What strict mode allows; None where it sets no limit.

    Attributes:
        exact: whether every vector of a collection with a graph may be compared.
        query: points in an answer.
        ef: points that a walk through the graph may keep in sight.
        oversampling: times as many points as asked for.
        batch: points in a write.
    """

    exact: bool = True
    query: int | None = None
    ef: int | None = None
    oversampling: float | None = None
    batch: int | None = None

    @classmethod
    def of(cls, found: models.CollectionInfo) -> "Limits":
        """Those in the description of a collection."""
        mode = found.config.strict_mode_config
        if mode is None or not mode.enabled:
            return cls()
        return cls(
            mode.search_allow_exact is not False,
            mode.max_query_limit,
            mode.search_max_hnsw_ef,
            mode.search_max_oversampling,
            mode.upsert_max_batchsize,
        )

    def page(self, size: int) -> int:
        """Points to read at once."""
        return size if self.query is None else min(size, self.query)

    def require(self, collection: str, candidates: int) -> None:
        """Check that a search can work within them.

        Raises:
            StoreError: it cannot; says which limit has to be raised.
        """
        if self.query is not None and self.query < candidates:
            raise StoreError(
                f"strict mode allows {self.query:,} points in an answer of {collection}, and a search needs "
                f"{candidates:,}: raise max_query_limit in the server's strict_mode_config"
            )
