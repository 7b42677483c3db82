"""What every vector store does: builds that are made, sealed, published by name, and searched.

A build holds two spaces, skills and occupations. It is written once and never changes after it is
sealed. A reader holds on to one build, so one result never mixes two versions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from skillsearch.errors import StoreError
from skillsearch.filters import Where

__all__ = ["EXACT_LIMIT", "SPACES", "Build", "BuildInfo", "Payload", "Point", "ScoredPoint", "Space", "Store"]

Space = Literal["skills", "occupations"]
SPACES: tuple[Space, ...] = ("skills", "occupations")
Payload = dict[str, Any]

EXACT_LIMIT = 100_000
"""Points below which every vector is compared; above it an HNSW graph is built and searched."""


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """What a build was made from; `name` is ``<taxonomy>-<version>__<model>__<build>``."""

    name: str
    taxonomy: str
    version: str
    language: str
    encoder: str
    encoder_fingerprint: str
    view_version: int
    schema_version: int
    created: str
    skills: int
    occupations: int
    program: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str) -> "BuildInfo":
        """Read what `to_dict` gave.

        Raises:
            StoreError: it is not the description of a build; `source` says where it stands.
        """
        try:
            return cls(**{name: values[name] for name in cls.__slots__})
        except (KeyError, TypeError) as error:
            raise StoreError(
                f"{source} does not describe a build of skillsearch: {error} is missing"
            ) from error


@dataclass(frozen=True, slots=True)
class Point:
    """A concept in a space: its payload, which has its URI, and its unit vector of 1024 numbers."""

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
    """One build, to be written or to be searched."""

    info: BuildInfo

    def upsert(self, space: Space, points: Sequence[Point]) -> None:
        """Write points; the same URI again replaces what was there."""

    def seal(self) -> None:
        """Make everything durable; the build is complete."""

    def count(self, space: Space, where: Where | None = None) -> int:
        """The exact number of points that fulfil the conditions."""

    def query(
        self,
        space: Space,
        vector: Sequence[float],
        limit: int,
        where: Where | None = None,
        fields: Sequence[str] = ("uri",),
    ) -> list[ScoredPoint]:
        """The nearest points that fulfil the conditions, ordered by score, then URI."""

    def fetch(self, space: Space, uris: Sequence[str]) -> dict[str, Payload]:
        """Whole payloads by URI; those that are not there are left out."""

    def scan(self, space: Space, *, vectors: bool = False) -> Iterator[Point]:
        """All points with their payloads; without `vectors` their vectors are empty."""

    def values(self, space: Space, field: str) -> dict[str, int]:
        """The values of a keyword field, and how many points have each."""

    def size(self) -> int | None:
        """Bytes on disk, where the store can tell."""


class Store(Protocol):
    """All builds of one place, one of them published."""

    def create(self, info: BuildInfo) -> Build:
        """Begin an empty build with its payload indexes.

        Raises:
            StoreError: there is one of that name.
        """

    def publish(self, name: str) -> None:
        """Make a sealed build the one that `published` gives, in one atomic step."""

    def published(self) -> Build:
        """The published build, the one of now; cheap enough to call for every query.

        Raises:
            IndexNotFoundError: none is published.
        """

    def builds(self) -> list[BuildInfo]:
        """All sealed builds, oldest first."""

    def remove(self, name: str) -> None:
        """Delete a build.

        Raises:
            StoreError: it is published, or there is none of that name.
        """

    def close(self) -> None:
        """Let go of files and connections."""
