"""Forms of the answers, for the description of the API: the results of the tasks, and what is around them."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from skillsearch.results import FailedSearch, Found, How, OccupationMatch, SearchResult, SkillMatch, Versions
from skillsearch.store.base import Space

__all__ = [
    "Batch",
    "Health",
    "JudgementAnswer",
    "JudgementList",
    "OccupationPage",
    "ProblemDetails",
    "SearchPage",
    "SkillPage",
    "StatusAnswer",
    "SuggestionList",
    "TaxonomyList",
    "Unsure",
    "UnsureList",
]

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class SearchPage(SearchResult):
    """A page of a search; `next` is the cursor of the one after, `degraded` what a latency budget cost."""

    next: str | None = None
    degraded: str | None = None


@dataclass(frozen=True)
class OccupationPage(Found[OccupationMatch]):
    """A page of occupations; `next` is the cursor of the one after, `degraded` what a latency budget cost."""

    next: str | None = None
    degraded: str | None = None


@dataclass(frozen=True)
class SkillPage(Found[SkillMatch]):
    """A page of skills; `next` is the cursor of the one after."""

    next: str | None = None


@dataclass(frozen=True)
class Batch(Generic[Answer]):
    """A result, or an error, for each input, in order."""

    results: list[Answer | FailedSearch]
    versions: Versions


@dataclass(frozen=True)
class SuggestedConcept:
    """A concept with a name that begins so."""

    uri: str
    label: str
    name: str
    how: How
    space: Space


@dataclass(frozen=True)
class SuggestionList:
    """What the text so far may become."""

    input: str
    hits: list[SuggestedConcept]
    versions: Versions


@dataclass(frozen=True)
class TaxonomyPart:
    """A taxonomy in the published build."""

    taxonomy: str
    version: str
    language: str
    skills: int
    occupations: int


@dataclass(frozen=True)
class TaxonomyList:
    """The taxonomies that are published."""

    taxonomies: list[TaxonomyPart]
    versions: Versions


@dataclass(frozen=True)
class StatusAnswer:
    """The published build, as `skillsearch status --json` tells it, and what answers."""

    build: dict[str, Any]
    versions: Versions
    program: str
    judging: bool


@dataclass(frozen=True)
class JudgementAnswer:
    """A judgement, as it is kept."""

    id: int
    title: str
    uri: str
    label: str
    grade: str
    who: str
    at: str
    versions: dict[str, Any]
    undone: str | None


@dataclass(frozen=True)
class JudgementList:
    """The judgements that count."""

    judgements: list[JudgementAnswer]
    versions: Versions


@dataclass(frozen=True)
class Unsure:
    """A title, and how unsure the ranking of its first skills is, in [0, 1]."""

    title: str
    unsureness: float


@dataclass(frozen=True)
class UnsureList:
    """The titles whose judgements would teach most, first."""

    titles: list[Unsure]
    versions: Versions


@dataclass(frozen=True)
class Health:
    """That the service is there."""

    status: str


@dataclass(frozen=True)
class Fault:
    """What is wrong at one place of a body, by JSON pointer."""

    pointer: str
    detail: str


@dataclass(frozen=True)
class ProblemDetails:
    """A problem (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[Fault] | None = None
