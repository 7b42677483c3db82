"""The description of a build: its sources, state and quality."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from typing_extensions import TypedDict

from skillsearch.errors import IndexNewerError, IndexOutdatedError, StoreError
from skillsearch.store.search import EXACT, EXACT_LIMIT, Search
from skillsearch.values import check_values

__all__ = ["SCHEMA_VERSION", "BuildInfo", "Part", "Quality", "State"]

State = Literal["unfinished", "sealed", "failed", "ready"]
"""States of a build: being written, complete, complete but wrong, complete and checked."""

SCHEMA_VERSION: Final = 2
"""Version of the form of points and descriptions; an index with another version is not read."""


@dataclass(frozen=True, slots=True)
class Part:
    """One taxonomy in a build, and the overlay that was laid over it, if any, as JSON-ready values."""

    taxonomy: str
    version: str
    language: str
    skills: int
    occupations: int
    overlay: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        """Name, version and language, such as ``esco 1.1.1 (en)``."""
        return f"{self.taxonomy} {self.version} ({self.language})"


class Quality(TypedDict, total=False):
    """The outcome of the checks; see `indexer.checks.check_quality` and `indexer.candidates`.

    `search` is the way of searching that was chosen, `candidates` the share of the nearest points that it
    finds under the hardest of `filters`.
    """

    golden: str
    titles: int
    recall: float | None
    published_recall: float | None
    search: str
    candidates: float
    filters: dict[str, float]


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """A build's sources, state and quality.

    Attributes:
        name: ``<taxonomy>-<version>__<model>__<build>``, of the taxonomy that was indexed last.
        parts: the taxonomies in it, by name.
        encoder: the name of its encoder.
        encoder_fingerprint: of the encoder's files.
        view_version: of the texts that were embedded.
        created: when it was begun, ISO 8601.
        program: the version of skillsearch that made it.
        dimension: numbers in a vector, those of its encoder.
        digest: identifies all that it is to hold; see `indexer.plan`.
        base: the build that unchanged points were copied from, if any.
        replaced: the build that was published before it, if any.
        state: how far it came.
        problem: what its checks found wrong.
        quality: what the quality gate measured.
        search_ef: how wide a walk through the graph of a large space is; 0 to compare every vector.
        schema_version: see `SCHEMA_VERSION`.
    """

    name: str
    parts: tuple[Part, ...]
    encoder: str
    encoder_fingerprint: str
    view_version: int
    created: str
    program: str
    dimension: int
    digest: str = ""
    base: str | None = None
    replaced: str | None = None
    state: State = "unfinished"
    problem: str = ""
    quality: Quality = field(default_factory=Quality)
    search_ef: int = 2048
    schema_version: int = SCHEMA_VERSION

    @property
    def skills(self) -> int:
        """Number of skills of all taxonomies."""
        return sum(part.skills for part in self.parts)

    @property
    def occupations(self) -> int:
        """Number of occupations of all taxonomies."""
        return sum(part.occupations for part in self.parts)

    def points(self, space: Literal["skills", "occupations"]) -> int:
        """Number of points in a space."""
        return self.skills if space == "skills" else self.occupations

    def search(self, matching: int) -> Search:
        """The way of searching among so many points that fulfil the conditions."""
        return EXACT if matching <= EXACT_LIMIT else Search(self.search_ef)

    @property
    def taxonomies(self) -> str:
        """All parts, such as ``esco 1.1.1 (en) + acme 3 (en)``."""
        return " + ".join(map(str, self.parts))

    def part(self, taxonomy: str) -> Part | None:
        """A taxonomy of this build by name."""
        return next((part for part in self.parts if part.taxonomy == taxonomy), None)

    def to_dict(self) -> dict[str, Any]:
        """Values ready for JSON."""
        values = asdict(self)
        return values | {"parts": [asdict(part) for part in self.parts], "quality": dict(self.quality)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str) -> "BuildInfo":
        """Read what `to_dict` gave.

        Raises:
            IndexOutdatedError: an older version of this program wrote it.
            IndexNewerError: a newer one did.
            StoreError: it is not the description of a build; `source` says where it stands.
        """
        _require_readable(values, source)
        return check_values(
            dict(values), cls, StoreError, source=f"{source} does not describe a build of skillsearch"
        )


def _require_readable(values: Mapping[str, Any], source: str) -> None:
    program = values.get("program", "unknown")
    match values.get("schema_version"):
        case int(schema) if schema > SCHEMA_VERSION:
            raise IndexNewerError(
                f"{source} was written by a newer skillsearch ({program}, schema {schema}); this one reads "
                f"schema {SCHEMA_VERSION}: install that version, or use another home"
            )
        case int(schema) if schema < SCHEMA_VERSION:
            raise IndexOutdatedError(
                f"{source} was written by an older skillsearch ({program}, schema {schema}); this one reads "
                f"schema {SCHEMA_VERSION}: build the index again with `skillsearch reindex`"
            )
