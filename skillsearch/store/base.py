"""The protocol of a vector store: builds are made, sealed, published by name, and searched.

A build holds two spaces, skills and occupations. It is written once, as a draft, and its points
never change after it is sealed. A reader holds on to one build, so one result never mixes two
versions.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from skillsearch.store.filters import Where
from skillsearch.store.info import BuildInfo
from skillsearch.store.search import Search

__all__ = [
    "SPACES",
    "Build",
    "Draft",
    "Hashes",
    "Payload",
    "Point",
    "ScoredPoint",
    "Space",
    "Store",
    "batches",
]

_Item = TypeVar("_Item")

Space = Literal["skills", "occupations"]
SPACES: tuple[Space, ...] = ("skills", "occupations")
Payload = dict[str, Any]


class Hashes(NamedTuple):
    """Hashes of what was embedded for a point, and of its payload; 16 hex digits each."""

    embedded: str
    payload: str

    @classmethod
    def of(cls, payload: Payload) -> "Hashes":
        """The hashes in a payload."""
        return cls(str(payload["embedding_hash"]), str(payload["payload_hash"]))


@dataclass(frozen=True, slots=True)
class Point:
    """A concept in a space: its payload, which has its URI, and its unit vector."""

    payload: Payload
    vector: Sequence[float]

    @property
    def uri(self) -> str:
        """The concept's URI."""
        return str(self.payload["uri"])


@dataclass(frozen=True, slots=True)
class ScoredPoint:
    """A concept found, with its cosine similarity to the query."""

    uri: str
    score: float
    payload: Payload


class Build(Protocol):
    """A sealed build, to be searched and read; safe to share between threads."""

    info: BuildInfo

    def count(self, space: Space, where: Where | None = None) -> int:
        """The exact number of points that fulfil the conditions."""

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
        """The nearest points that fulfil the conditions, ordered by score, then URI.

        Args:
            space: of the points.
            vector: shape (d,), of unit length.
            limit: how many points.
            where: the conditions.
            fields: of the payload that are wanted.
            search: how to find them; by default as `BuildInfo.search` says.
        """

    def fetch(self, space: Space, uris: Sequence[str]) -> dict[str, Payload]:
        """Whole payloads by URI; those that are not there are left out."""

    def scan(
        self, space: Space, *, vectors: bool = False, fields: Sequence[str] | None = None
    ) -> Iterator[Point]:
        """All points with their payloads, or some fields of them; without `vectors` no vectors."""

    def values(self, space: Space, field: str) -> dict[str, int]:
        """The values of a keyword field, and how many points have each."""


class Draft(Protocol):
    """A build that is being written; what it has taken stays if the process dies."""

    info: BuildInfo

    def written(self, space: Space) -> dict[str, Hashes]:
        """Hashes of the points that it holds already, by URI."""

    def copy(
        self,
        space: Space,
        changes: Mapping[str, Payload],
        advance: Callable[[int], object] = lambda _: None,
    ) -> None:
        """Take points of the base with their vectors, and leave out all that are not named.

        Args:
            space: of the points.
            changes: for each URI the fields of its payload that differ from the base's.
            advance: called with the number of points just copied.
        """

    def upsert(self, space: Space, points: Sequence[Point]) -> None:
        """Write points; the same URI again replaces what was there."""

    def seal(self) -> Build:
        """Make everything durable; the build is complete."""

    def close(self) -> None:
        """Release it; the points that were written stay."""


class Store(Protocol):
    """All builds of one place, one of them published."""

    def draft(self, info: BuildInfo, base: Build | None = None) -> Draft:
        """Begin a build, or go on with the unfinished one of that name.

        Args:
            info: describes it.
            base: a build that points can be copied from.

        Raises:
            StoreError: there is a complete one of that name.
        """

    def open(self, name: str) -> Build:
        """A sealed build, published or not.

        Raises:
            StoreError: there is none of that name, or it is not complete.
        """

    def record(self, info: BuildInfo) -> None:
        """Replace the description of a sealed build."""

    def publish(self, name: str) -> None:
        """Publish a sealed build, in one atomic step."""

    def published(self) -> Build:
        """The build that is published now; cheap enough to call for every query.

        Raises:
            IndexNotFoundError: none is published.
        """

    def current(self) -> BuildInfo:
        """The description of the published build, without opening it.

        Raises:
            IndexNotFoundError: none is published.
        """

    def builds(self) -> list[BuildInfo]:
        """All builds, oldest first; those that cannot be read any more are left out."""

    def size(self, name: str) -> int | None:
        """Bytes of a build on disk, where the store can tell; it is not opened."""

    def remove(self, name: str) -> None:
        """Delete a build.

        Raises:
            StoreError: it is published, or there is none of that name.
        """

    def facts(self) -> Mapping[str, str]:
        """What else there is to tell of the place, such as the version of its server, by what it is."""

    def sweep(self) -> None:
        """Delete what dead processes left that is no build; the caller holds the lock."""

    def lock(self, purpose: str) -> AbstractContextManager[None]:
        """Keep other writers out; readers do not notice.

        Raises:
            StoreLockedError: another process holds it; the message says which.
        """

    def close(self) -> None:
        """Release files and connections."""


def batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Lists of at most `size` items, none of them empty."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
