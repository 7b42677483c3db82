"""Short answers for agents: what is found, without what fills a context; pages say where the next begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from skillsearch.results import FailedSearch, Found, OccupationMatch, SearchResult, SkillMatch, Versions
from skillsearch.tasks import Comparison, Concept, Extraction

__all__ = [
    "ComparisonAnswer",
    "ConceptAnswer",
    "ExtractionAnswer",
    "NamedList",
    "OccupationAnswer",
    "OccupationList",
    "SkillAnswer",
    "SkillList",
    "named",
    "of_comparison",
    "of_concept",
    "of_extraction",
    "of_occupations",
    "of_search",
    "of_skills",
]


@dataclass(frozen=True)
class SkillAnswer:
    """A skill; `relevance` is core, contextual or irrelevant; `description` where it was asked for."""

    rank: int
    uri: str
    label: str
    probability: float | None = None
    relevance: str | None = None
    skill_type: str = ""
    description: str | None = None


@dataclass(frozen=True)
class SkillList:
    """Skills, best first; `next_offset` is where the next page begins, null at the end."""

    searched: list[str]
    recognised: bool
    skills: list[SkillAnswer]
    next_offset: int | None
    index: str


@dataclass(frozen=True)
class OccupationAnswer:
    """An occupation; `relation` is that of the taxonomy to the skill: essential, optional or null."""

    rank: int
    uri: str
    label: str
    isco: str = ""
    probability: float | None = None
    relation: str | None = None


@dataclass(frozen=True)
class OccupationList:
    """Occupations, best first; `next_offset` is where the next page begins, null at the end."""

    searched: list[str]
    recognised: bool
    occupations: list[OccupationAnswer]
    next_offset: int | None
    index: str


@dataclass(frozen=True)
class NamedAnswer:
    """What the taxonomy calls a text, or why it cannot be told."""

    text: str
    recognised: bool
    uri: str | None = None
    label: str | None = None
    isco: str | None = None
    probability: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class NamedList:
    """What the taxonomy calls each of some texts, in order."""

    answers: list[NamedAnswer]


@dataclass(frozen=True)
class ExtractedAnswer:
    """A skill of an advert: required, optional or excluded, and the words it was read from."""

    uri: str
    label: str
    requirement: str
    probability: float | None
    words: list[str]


@dataclass(frozen=True)
class ExtractionAnswer:
    """The skills of an advert, names of skills beyond the taxonomy, and what is in another language."""

    recognised: bool
    skills: list[ExtractedAnswer]
    unmatched: list[str]
    unread: list[str]
    index: str


@dataclass(frozen=True)
class ComparisonAnswer:
    """What two titles share, by label; `near` as `wanted (like: there)`."""

    shared: list[str]
    near: list[str]
    missing: list[str]
    notes: list[str]
    index: str


@dataclass(frozen=True)
class ConceptAnswer:
    """A skill or an occupation, and labels of what the taxonomy links it with."""

    uri: str
    label: str
    kind: str
    description: str
    aliases: list[str]
    broader: list[str]
    essential: list[str]
    optional: list[str]
    index: str


def of_search(result: SearchResult, offset: int, limit: int, *, descriptions: bool) -> SkillList:
    """A page of a search."""
    skills = [
        SkillAnswer(
            hit.rank,
            hit.uri,
            hit.label,
            _rounded(hit.probabilities.relevant if hit.probabilities else None),
            hit.relevance,
            hit.skill_type,
            hit.description if descriptions else None,
        )
        for hit in result.hits[offset:]
    ]
    following = _following(len(result.hits), offset, limit)
    return SkillList(list(result.searched), True, skills, following, _index(result.versions))


def of_skills(found: Found[SkillMatch], offset: int, limit: int, *, descriptions: bool) -> SkillList:
    """A page of skills that are like one."""
    skills = [
        SkillAnswer(
            hit.rank,
            hit.uri,
            hit.label,
            _rounded(hit.probability),
            None,
            hit.skill_type,
            hit.description if descriptions else None,
        )
        for hit in found.hits[offset:]
    ]
    following = _following(len(found.hits), offset, limit)
    return SkillList(list(found.searched), found.recognised, skills, following, _index(found.versions))


def of_occupations(found: Found[OccupationMatch], offset: int, limit: int) -> OccupationList:
    """A page of occupations."""
    occupations = [
        OccupationAnswer(hit.rank, hit.uri, hit.label, hit.isco, _rounded(hit.probability), hit.relation)
        for hit in found.hits[offset:]
    ]
    following = _following(len(found.hits), offset, limit)
    return OccupationList(
        list(found.searched), found.recognised, occupations, following, _index(found.versions)
    )


def named(
    texts: Sequence[str], results: Sequence[Found[SkillMatch] | Found[OccupationMatch] | FailedSearch]
) -> NamedList:
    """The best of each of some results."""
    return NamedList([_named(text, found) for text, found in zip(texts, results, strict=True)])


def of_extraction(result: Extraction) -> ExtractionAnswer:
    """The skills of an advert."""
    skills = [
        ExtractedAnswer(
            one.uri,
            one.label,
            one.requirement,
            _rounded(one.probability),
            [span.text for span in one.spans],
        )
        for one in result.skills
    ]
    unmatched = [span.text for span in result.unmatched]
    unread = [span.text for span in result.unread]
    return ExtractionAnswer(result.recognised, skills, unmatched, unread, _index(result.versions))


def of_comparison(result: Comparison) -> ComparisonAnswer:
    """A comparison, by labels."""
    return ComparisonAnswer(
        shared=[one.label for one in result.shared],
        near=[f"{one.label} (like: {one.near})" for one in result.near],
        missing=[one.label for one in result.missing],
        notes=list(result.notes),
        index=_index(result.versions),
    )


def of_concept(found: Concept) -> ConceptAnswer:
    """A concept, by labels."""
    return ConceptAnswer(
        uri=found.uri,
        label=found.label,
        kind="skill" if found.space == "skills" else "occupation",
        description=found.description,
        aliases=list(found.aliases),
        broader=[one.label for one in found.broader],
        essential=[one.label for one in found.essential],
        optional=[one.label for one in found.optional],
        index=_index(found.versions),
    )


def _named(text: str, found: Any) -> NamedAnswer:  # noqa: ANN401 - of either kind
    if isinstance(found, FailedSearch):
        return NamedAnswer(text, False, error=found.error)
    if not found.hits:
        return NamedAnswer(text, found.recognised)
    best = found.hits[0]
    return NamedAnswer(
        text,
        found.recognised,
        best.uri,
        best.label,
        best.isco if isinstance(best, OccupationMatch) else None,
        _rounded(best.probability),
    )


def _following(found: int, offset: int, limit: int) -> int | None:
    return offset + limit if found == offset + limit else None


def _rounded(probability: float | None) -> float | None:
    return None if probability is None else round(probability, 3)


def _index(versions: Versions) -> str:
    """What answered, in a line."""
    return ", ".join(map(str, versions.taxonomies))
