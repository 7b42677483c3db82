"""A build on a server while it is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from qdrant_client import models

from skillsearch.errors import StoreError
from skillsearch.store.base import SPACES, Hashes, Payload, Point, Space, batches
from skillsearch.store.info import BuildInfo
from skillsearch.store.schema import KEYWORD_FIELDS, VECTOR_NAME, point_id
from skillsearch.store.server.build import ServerBuild
from skillsearch.store.server.calls import Connection, translated
from skillsearch.store.server.layout import CollectionOptions, collection

__all__ = ["ServerDraft"]

_BATCH = 250  # about 7 MB in a request, where the server takes 32
_HASH_FIELDS = ("uri", "embedding_hash", "payload_hash")


class ServerDraft:
    """Every write is durable on the server once it is answered, so a draft goes on from what it holds."""

    def __init__(
        self, connection: Connection, info: BuildInfo, base: ServerBuild | None, options: CollectionOptions
    ) -> None:
        self.connection = connection
        self.info = info
        self._base = base
        self._options = options
        self._create()

    def written(self, space: Space) -> dict[str, Hashes]:
        """Hashes of the points in the collection."""
        points = ServerBuild(self.connection, self.info).scan(space, fields=_HASH_FIELDS)
        return {point.uri: Hashes.of(point.payload) for point in points}

    def copy(
        self,
        space: Space,
        changes: Mapping[str, Payload],
        advance: Callable[[int], object] = lambda _: None,
    ) -> None:
        """Read pages of the base with their vectors, and write what is wanted of each.

        Raises:
            StoreError: there is no base, or the server failed.
        """
        if self._base is None:
            raise StoreError(f"build {self.info.name} has no base to copy from")
        wanted = (
            Point(point.payload | changes[point.uri], point.vector)
            for point in self._base.scan(space, vectors=True)
            if point.uri in changes
        )
        for page in batches(wanted, _BATCH):
            self._write(space, page)
            advance(len(page))

    def upsert(self, space: Space, points: Sequence[Point]) -> None:
        """Write points, and wait until they can be found."""
        for page in batches(points, _BATCH):
            self._write(space, page)

    @translated
    def seal(self) -> ServerBuild:
        """Mark both collections as complete; that of the skills, which is the one that is read, last."""
        self.info = replace(self.info, state="sealed")
        for space in reversed(SPACES):
            self.connection.client.update_collection(
                collection(space, self.info.name), metadata=self.info.to_dict()
            )
        return ServerBuild(self.connection, self.info)

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    @translated
    def _create(self) -> None:
        """Create what is not there yet: collections, and payload indexes before the first point."""
        client = self.connection.client
        for space in SPACES:
            name = collection(space, self.info.name)
            if not client.collection_exists(name):
                points = self.info.skills if space == "skills" else self.info.occupations
                client.create_collection(
                    name, metadata=self.info.to_dict(), **self._options.arguments(points, self.info.dimension)
                )
            for field in KEYWORD_FIELDS:
                client.create_payload_index(name, field, self._options.index(), wait=True)

    @translated
    def _write(self, space: Space, points: Sequence[Point]) -> None:
        batch = [
            models.PointStruct(
                id=point_id(point.uri), vector={VECTOR_NAME: list(point.vector)}, payload=point.payload
            )
            for point in points
        ]
        self.connection.client.upsert(collection(space, self.info.name), batch, wait=True)
