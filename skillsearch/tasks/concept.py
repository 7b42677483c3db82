"""Concept: all that the index knows of one skill or occupation, by its URI."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from skillsearch.characters import json_text, quoted
from skillsearch.errors import ConceptNotFoundError
from skillsearch.results import Reference, Timings, Versions
from skillsearch.store.base import SPACES, Payload, Space
from skillsearch.tasks.engine import PLAIN, Engine, Run, checked_request
from skillsearch.tasks.task import Input, Task
from skillsearch.taxonomy.texts import query_text

__all__ = ["CONCEPT", "Concept"]

URI: Final = Input("uri", "http://data.europa.eu/esco/skill/…", "max_title_length", query_text)


@dataclass(frozen=True, slots=True)
class Concept:
    """A skill or an occupation.

    Attributes:
        uri: of the concept.
        label: its preferred label.
        space: ``skills`` or ``occupations``.
        aliases: its other names.
        description: may be empty.
        code: of an occupation; may be empty.
        skill_type: ``skill``, ``knowledge`` or empty.
        reuse_level: of a skill; may be empty.
        collections: that a skill is in.
        broader: direct parents of a skill.
        groups: codes and URIs above it: of the skills hierarchy, or of ISCO-08.
        essential: what the taxonomy links essentially: occupations of a skill, skills of an occupation.
        optional: what it links optionally.
        links: how many are linked essentially and optionally; `essential` and `optional` are cut to the
            limit.
        taxonomy: that it is from.
        language: of its labels.
        timings: milliseconds by stage.
        versions: what answered.
    """

    uri: str
    label: str
    space: Space
    aliases: tuple[str, ...]
    description: str
    code: str
    skill_type: str
    reuse_level: str
    collections: tuple[str, ...]
    broader: tuple[Reference, ...]
    groups: tuple[str, ...]
    essential: tuple[Reference, ...]
    optional: tuple[Reference, ...]
    links: tuple[int, int]
    taxonomy: str
    language: str
    timings: Timings
    versions: Versions

    def to_dict(self) -> dict[str, Any]:
        """Values ready for JSON."""
        return asdict(self)

    def to_json(self, *, indent: int | None = None) -> str:
        """The concept as a JSON object."""
        return json_text(self.to_dict(), indent=indent)


def concept(engine: Engine, uri: str, *, limit: int = 50) -> Concept:
    """Look up a skill or an occupation.

    Args:
        engine: what runs it.
        uri: of the concept.
        limit: how many links of each kind are named.

    Raises:
        ConceptNotFoundError: the index has no such concept.
        QueryError: the URI is empty, too long or not text, or the limit is out of range.
        StoreError: the store failed, or the client is closed.
    """
    return _prepare(engine, limit=limit)(uri)


def _prepare(engine: Engine, *, limit: int = 50) -> Callable[[object], Concept]:
    checked_request(limit, None, PLAIN)

    def answer(uri: object) -> Concept:
        given = URI.read(uri, engine.settings)
        with engine.run() as run:
            for space in SPACES:
                payload = run.build.fetch(space, [given]).get(given)
                if payload:
                    return _concept(run, space, payload, limit)
            raise ConceptNotFoundError(
                f"{run.build.info.name} has no concept {quoted(given)}: search for its label; it may have "
                "been removed, or belong to another taxonomy"
            )

    return answer


def _concept(run: Run, space: Space, payload: Payload, limit: int) -> Concept:
    is_skill = space == "skills"
    other: Space = "occupations" if is_skill else "skills"
    essential, optional = payload[f"{other}_essential"], payload[f"{other}_optional"]
    return Concept(
        uri=payload["uri"],
        label=payload["label"],
        space=space,
        aliases=tuple(payload["alt_labels"]),
        description=payload["description"],
        code=payload.get("code", ""),
        skill_type=payload.get("skill_type", ""),
        reuse_level=payload.get("reuse_level", ""),
        collections=tuple(payload.get("collections", ())),
        broader=tuple(Reference(**parent) for parent in payload.get("broader", ())),
        groups=tuple(payload["ancestors" if is_skill else "isco_groups"]),
        essential=_references(run, other, essential, limit),
        optional=_references(run, other, optional, limit),
        links=(len(essential), len(optional)),
        taxonomy=payload["taxonomy"],
        language=payload["language"],
        timings=run.timings(),
        versions=run.versions(),
    )


def _references(run: Run, space: Space, uris: Iterable[str], limit: int) -> tuple[Reference, ...]:
    """The first of some concepts by label."""
    labels = run.kept.names(space).labels
    known = sorted((labels[uri], uri) for uri in uris if uri in labels)
    return tuple(Reference(uri, label, "") for label, uri in known[:limit])


CONCEPT: Final = Task("concept", URI, "skills", concept, _prepare)
"""Looks up a concept."""
