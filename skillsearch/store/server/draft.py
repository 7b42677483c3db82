"""A build on a server while it is written."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from qdrant_client import models

from skillsearch.errors import StoreError
from skillsearch.store.base import SPACES, Hashes, Payload, Point, Space, batches
from skillsearch.store.info import BuildInfo
from skillsearch.store.schema import KEYWORD_FIELDS, VECTOR_NAME, point_id
from skillsearch.store.server.build import CANDIDATES, ServerBuild
from skillsearch.store.server.calls import Connection, translated
from skillsearch.store.server.copies import wait_for_copies
from skillsearch.store.server.layout import CollectionOptions
from skillsearch.store.server.limits import Limits
from skillsearch.store.server.messages import Struct, changed, to_models, uri_of, write_messages
from skillsearch.store.server.names import Names

__all__ = ["ServerDraft"]

_BATCH: Final = 250  # about 7 MB in a request over REST, where the server takes 32
_WRITERS: Final = 4  # requests at once
_LINKS: Final = 16  # of a point in the graph, which is a server's own default
_HASH_FIELDS = ("uri", "embedding_hash", "payload_hash")


class ServerDraft:
    """Every write is durable on the server once it is answered, so a draft goes on from what it holds."""

    def __init__(
        self,
        connection: Connection,
        info: BuildInfo,
        names: Names,
        *,
        base: ServerBuild | None = None,
        options: CollectionOptions,
        guard: Callable[[], object] = lambda: None,
    ) -> None:
        """Create what is not there yet.

        Args:
            connection: to the server.
            info: describes the build.
            names: of the index.
            base: a build that points can be copied from.
            options: of new collections.
            guard: called before each write; raises where this process may write no more.

        Raises:
            StoreError: strict mode forbids what a build needs, or the server failed.
        """
        self.connection = connection
        self.info = info
        self._base = base
        self._options = options
        self._guard = guard
        self._collections: dict[Space, str] = {space: names.collection(space, info.name) for space in SPACES}
        self._limits = self._create()

    def written(self, space: Space) -> dict[str, Hashes]:
        """Hashes of the points in the collection."""
        points = self._build().scan(space, fields=_HASH_FIELDS)
        return {point.uri: Hashes.of(point.payload) for point in points}

    def copy(
        self,
        space: Space,
        changes: Mapping[str, Payload],
        advance: Callable[[int], object] = lambda _: None,
    ) -> None:
        """Pass on pages of the base, with what is changed in each point.

        Raises:
            StoreError: there is no base, or the server failed.
        """
        if self._base is None:
            raise StoreError(f"build {self.info.name} has no base to copy from")
        wanted = (
            changed(found, changes[uri])
            for found in self._base.found(space)
            if (uri := uri_of(found)) in changes
        )
        self._write_all(space, wanted, advance)

    def upsert(self, space: Space, points: Sequence[Point]) -> None:
        """Write points, and wait until they can be found."""
        self._write_all(space, map(_struct, points), lambda _: None)

    def seal(self) -> ServerBuild:
        """Mark both collections as complete, once all their copies are; that of the skills last."""
        self._guard()
        wait_for_copies(self.connection, self._collections.values())
        self._mark()
        return self._build()

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _build(self) -> ServerBuild:
        return ServerBuild(self.connection, self.info, self._collections, self._limits)

    def _write_all(self, space: Space, points: Iterable[Struct], advance: Callable[[int], object]) -> None:
        """Write batches, some at once, while the next are read."""
        size = min(_BATCH, self._limits.batch or _BATCH)
        writers = 1 if self.connection.is_local else _WRITERS  # a client in memory cannot be shared
        with ThreadPoolExecutor(writers, "write") as pool:
            running: deque[tuple[Future[None], int]] = deque()
            for page in batches(points, size):
                self._guard()
                running.append((pool.submit(self._write, space, page), len(page)))
                if len(running) > writers:
                    _finish(running.popleft(), advance)
            while running:
                _finish(running.popleft(), advance)

    @translated
    def _create(self) -> Limits:
        """Create what is not there yet: collections, and payload indexes before the first point."""
        client = self.connection.client
        limits = Limits()
        for space, name in self._collections.items():
            self._guard()
            if not client.collection_exists(name):
                client.create_collection(
                    name,
                    metadata=self.info.to_dict(),
                    **self._options.arguments(self.info.points(space), self.info.dimension),
                )
            found = client.get_collection(name)
            for field in KEYWORD_FIELDS:
                if field not in found.payload_schema:
                    client.create_payload_index(name, field, self._options.index(), wait=True)
            limits = Limits.of(found)
            if not (limits.exact or limits.graph):
                client.update_collection(name, hnsw_config=self._options.graph(_LINKS))
                limits = replace(limits, graph=True)
            limits.require(name, self.info.points(space), CANDIDATES)
        return limits

    @translated
    def _mark(self) -> None:
        self.info = replace(self.info, state="sealed")
        for space in reversed(SPACES):
            self._guard()
            self.connection.client.update_collection(self._collections[space], metadata=self.info.to_dict())

    @translated
    def _write(self, space: Space, points: Sequence[Struct]) -> None:
        name, connection = self._collections[space], self.connection
        if bulk := connection.bulk:
            write_messages(bulk, name, points, connection.timeout)
        else:
            connection.client.upsert(name, to_models(points), wait=True)


def _struct(point: Point) -> models.PointStruct:
    return models.PointStruct(
        id=point_id(point.uri), vector={VECTOR_NAME: list(point.vector)}, payload=point.payload
    )


def _finish(running: tuple[Future[None], int], advance: Callable[[int], object]) -> None:
    future, count = running
    future.result()
    advance(count)
