"""A sealed build on a server: two collections."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Final, TypeVar

from qdrant_client import QdrantClient, grpc, models

from skillsearch.store.base import Payload, Point, ScoredPoint, Space
from skillsearch.store.filters import Where
from skillsearch.store.info import BuildInfo
from skillsearch.store.schema import VECTOR_NAME, point_id
from skillsearch.store.search import EXACT_LIMIT, OVERSAMPLING, Search
from skillsearch.store.server.calls import Connection, translated
from skillsearch.store.server.layout import to_filter, to_payload
from skillsearch.store.server.limits import Limits
from skillsearch.store.server.messages import Found, Offset, read_messages, vector_of

__all__ = ["CANDIDATES", "ServerBuild"]

CANDIDATES: Final = 200
"""Points that an answer to a search has at most, unless more are asked for."""

_PAGE = 500
_ALL = 1_000_000  # more values than any field has
_FILTERS = 256  # whose counts are kept

_Item = TypeVar("_Item")


class ServerBuild:
    """Searched through the client, which threads can share."""

    def __init__(
        self,
        connection: Connection,
        info: BuildInfo,
        collections: Mapping[Space, str],
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> None:
        """A build, known.

        Args:
            connection: to the server.
            info: describes it.
            collections: their names, or aliases of them.
            limits: of strict mode.
        """
        self.info = info
        self.connection = connection
        self.collections = collections
        self.limits = limits
        self._count_of = lru_cache(_FILTERS)(self._count)  # the points of a build never change

    def require_searchable(self) -> None:
        """Check that strict mode lets a search find its candidates.

        Raises:
            StoreError: it does not; says which limit has to be raised.
        """
        self.limits.require(self.collections["skills"], self.info.skills, CANDIDATES)

    def count(self, space: Space, where: Where | None = None) -> int:
        """Count, exactly where strict mode allows it; a count is kept once made."""
        return self._count_of(space, where)

    def query(
        self,
        space: Space,
        vector: Sequence[float],
        limit: int,
        where: Where | None = None,
        fields: Sequence[str] = ("uri",),
        *,
        search: Search | None = None,
    ) -> list[ScoredPoint]:
        """Search; see `Build.query`."""
        return self._query(space, vector, limit, where, fields, self._params(space, where, search))

    def _params(self, space: Space, where: Where | None, search: Search | None) -> models.SearchParams | None:
        """How to search; where comparing every vector is not allowed, as wide as is."""
        if self.connection.is_local:
            return None
        has_graph = self.info.points(space) > EXACT_LIMIT
        search = search or self.info.search(self.count(space, where) if has_graph else 0)
        if search.is_exact and self.limits.exact:
            return models.SearchParams(exact=True)
        ef = search.ef or EXACT_LIMIT
        return models.SearchParams(
            hnsw_ef=ef if self.limits.ef is None else min(ef, self.limits.ef),
            acorn=models.AcornSearchParams(enable=True, max_selectivity=1.0) if to_filter(where) else None,
            quantization=models.QuantizationSearchParams(
                rescore=True, oversampling=min(OVERSAMPLING, self.limits.oversampling or OVERSAMPLING)
            ),
        )

    @translated
    def _query(
        self,
        space: Space,
        vector: Sequence[float],
        limit: int,
        where: Where | None,
        fields: Sequence[str],
        params: models.SearchParams | None,
    ) -> list[ScoredPoint]:
        found = self.connection.client.query_points(
            self.collections[space],
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
            self.collections[space], [point_id(uri) for uri in uris], with_payload=True
        )
        return {str(to_payload(record)["uri"]): to_payload(record) for record in records}

    def scan(
        self, space: Space, *, vectors: bool = False, fields: Sequence[str] | None = None
    ) -> Iterator[Point]:
        """All points, a page at a time; `fields` names those of the payload that are wanted."""
        return self._all(lambda offset: self._points(space, offset, vectors, fields))

    def found(self, space: Space) -> Iterator[Found]:
        """All points with their payloads and vectors, in the form that they came in, to be passed on."""
        return self._all(lambda offset: self._found(space, offset))

    def _all(self, page: Callable[[Offset], tuple[Sequence[_Item], Offset]]) -> Iterator[_Item]:
        """The items of all pages; the next page is read while one is used."""
        if self.connection.is_local:  # its client cannot be shared between threads
            items, offset = page(None)
            yield from items
            while offset is not None:
                items, offset = page(offset)
                yield from items
            return
        with ThreadPoolExecutor(1, "read") as pool:
            ahead: Future[tuple[Sequence[_Item], Offset]] | None = pool.submit(page, None)
            while ahead:
                items, offset = ahead.result()
                ahead = None if offset is None else pool.submit(page, offset)
                yield from items

    def values(self, space: Space, field: str) -> dict[str, int]:
        """Values of a field with their counts; they are counted here where strict mode cuts the answer."""
        found = self._facet(space, field)
        if len(found) < self.limits.page(_ALL):
            return found
        counts: Counter[str] = Counter()
        for point in self.scan(space, fields=(field,)):
            value = point.payload.get(field) or ()
            counts.update([value] if isinstance(value, str) else value)
        return dict(counts)

    @translated
    def _facet(self, space: Space, field: str) -> dict[str, int]:
        name, limit = self.collections[space], self.limits.page(_ALL)
        hits = self.connection.client.facet(name, field, limit=limit, exact=self.limits.exact).hits
        return {str(hit.value): hit.count for hit in hits}

    @translated
    def _count(self, space: Space, where: Where | None) -> int:
        name = self.collections[space]
        return self.connection.client.count(
            name, count_filter=to_filter(where), exact=self.limits.exact
        ).count

    @translated
    def _points(
        self, space: Space, offset: Offset, vectors: bool, fields: Sequence[str] | None
    ) -> tuple[list[Point], Offset]:
        """A page: payloads over REST, since Python reads JSON faster, and vectors over gRPC."""
        bulk = self.connection.bulk if vectors else None
        records, following = self._scroll(space, offset, vectors and bulk is None, fields)
        if bulk is None:
            return [Point(to_payload(record), _vector(record)) for record in records], following
        messages, _ = self._messages(bulk, space, offset, payloads=False)
        by_id = {message.id.uuid: vector_of(message).tolist() for message in messages}
        return [Point(to_payload(record), by_id.get(str(record.id), ())) for record in records], following

    @translated
    def _found(self, space: Space, offset: Offset) -> tuple[Sequence[Found], Offset]:
        if bulk := self.connection.bulk:
            return self._messages(bulk, space, offset, payloads=True)
        return self._scroll(space, offset, True, None)

    def _messages(
        self, bulk: QdrantClient, space: Space, offset: Offset, *, payloads: bool
    ) -> tuple[list[grpc.RetrievedPoint], Offset]:
        limit, timeout = self.limits.page(_PAGE), self.connection.timeout
        name = self.collections[space]
        return read_messages(bulk, name, limit, offset, payloads=payloads, timeout=timeout)

    def _scroll(
        self, space: Space, offset: Offset, vectors: bool, fields: Sequence[str] | None
    ) -> tuple[list[models.Record], Offset]:
        return self.connection.client.scroll(
            self.collections[space],
            limit=self.limits.page(_PAGE),
            offset=offset,
            with_payload=list(fields) if fields else True,
            with_vectors=[VECTOR_NAME] if vectors else False,
        )


def _vector(record: models.Record) -> Sequence[float]:
    named = record.vector if isinstance(record.vector, dict) else {}
    return named.get(VECTOR_NAME, ())  # type: ignore[return-value] # a dense vector
