"""A sealed build on a server: two collections."""

from collections.abc import Iterator, Sequence

from qdrant_client import models

from skillsearch.store.base import EXACT_LIMIT, Payload, Point, ScoredPoint, Space
from skillsearch.store.filters import Where
from skillsearch.store.info import BuildInfo
from skillsearch.store.schema import VECTOR_NAME, point_id
from skillsearch.store.server.calls import Connection, translated
from skillsearch.store.server.layout import collection, to_filter, to_payload

__all__ = ["ServerBuild"]

_PAGE = 500
_ALL = 1_000_000  # more values than any field has


class ServerBuild:
    """Searched through the client, which threads can share."""

    def __init__(self, connection: Connection, info: BuildInfo) -> None:
        self.info = info
        self.connection = connection

    @translated
    def count(self, space: Space, where: Where | None = None) -> int:
        """Count exactly."""
        name = collection(space, self.info.name)
        return self.connection.client.count(name, count_filter=to_filter(where), exact=True).count

    @translated
    def query(
        self,
        space: Space,
        vector: Sequence[float],
        limit: int,
        where: Where | None = None,
        fields: Sequence[str] = ("uri",),
    ) -> list[ScoredPoint]:
        """Search, exactly below `EXACT_LIMIT` points; above it compressed vectors are rescored."""
        size = self.info.skills if space == "skills" else self.info.occupations
        params = models.SearchParams(
            exact=size < EXACT_LIMIT, quantization=models.QuantizationSearchParams(rescore=True)
        )
        found = self.connection.client.query_points(
            collection(space, self.info.name),
            query=list(vector),
            using=VECTOR_NAME,
            query_filter=to_filter(where),
            limit=limit,
            with_payload=sorted({"uri", *fields}),
            search_params=params,
        ).points
        points = [ScoredPoint(str(to_payload(p)["uri"]), float(p.score), to_payload(p)) for p in found]
        return sorted(points, key=lambda point: (-point.score, point.uri))

    @translated
    def fetch(self, space: Space, uris: Sequence[str]) -> dict[str, Payload]:
        """Payloads by URI."""
        records = self.connection.client.retrieve(
            collection(space, self.info.name), [point_id(uri) for uri in uris], with_payload=True
        )
        return {str(to_payload(record)["uri"]): to_payload(record) for record in records}

    def scan(
        self, space: Space, *, vectors: bool = False, fields: Sequence[str] | None = None
    ) -> Iterator[Point]:
        """All points, a page at a time; `fields` names those of the payload that are wanted."""
        offset: models.ExtendedPointId | None = None
        while True:
            records, offset = self._scroll(space, offset, vectors, fields)
            for record in records:
                named = record.vector if isinstance(record.vector, dict) else {}
                vector = named.get(VECTOR_NAME, ())
                yield Point(to_payload(record), vector)  # type: ignore[arg-type] # a dense vector
            if offset is None:
                return

    @translated
    def _scroll(
        self,
        space: Space,
        offset: models.ExtendedPointId | None,
        vectors: bool,
        fields: Sequence[str] | None,
    ) -> tuple[list[models.Record], models.ExtendedPointId | None]:
        return self.connection.client.scroll(
            collection(space, self.info.name),
            limit=_PAGE,
            offset=offset,
            with_payload=list(fields) if fields else True,
            with_vectors=[VECTOR_NAME] if vectors else False,
        )

    @translated
    def values(self, space: Space, field: str) -> dict[str, int]:
        """Values of a field with their counts."""
        name = collection(space, self.info.name)
        hits = self.connection.client.facet(name, field, limit=_ALL, exact=True).hits
        return {str(hit.value): hit.count for hit in hits}
