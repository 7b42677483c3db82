"""A taxonomy of skills and occupations, frozen and keyed by URI.

Labels are not unique and change between releases, so nothing here is keyed by label.
Standard library only.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final, Literal

__all__ = [
    "REUSE_LEVELS",
    "SKILL_TYPES",
    "Group",
    "Occupation",
    "Relation",
    "RelationKind",
    "Skill",
    "Taxonomy",
]

RelationKind = Literal["essential", "optional"]

SKILL_TYPES: Final = ("skill", "knowledge")
REUSE_LEVELS: Final = ("transversal", "cross-sector", "sector-specific", "occupation-specific")
"""Of how wide use a skill is; both may also be empty."""


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill, competence or piece of knowledge.

    `skill_type` is one of `SKILL_TYPES` or empty, `reuse_level` one of `REUSE_LEVELS` or empty;
    `collections` are sorted names such as ``"digital"``; `broader` are the URIs of direct parents
    (groups or skills).
    """

    uri: str
    label: str
    alt_labels: tuple[str, ...] = ()
    hidden_labels: tuple[str, ...] = ()
    description: str = ""
    skill_type: str = ""
    reuse_level: str = ""
    collections: tuple[str, ...] = ()
    broader: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Occupation:
    """An occupation; `isco_group` is the URI of its ISCO-08 unit group, or empty."""

    uri: str
    label: str
    alt_labels: tuple[str, ...] = ()
    hidden_labels: tuple[str, ...] = ()
    description: str = ""
    code: str = ""
    isco_group: str = ""
    broader: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A node above skills or occupations: a skill group, or an ISCO-08 group.

    `code` is the notation within its scheme (``"S1.2"``, ``"2512"``), or empty.
    """

    uri: str
    label: str
    code: str = ""
    description: str = ""
    broader: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """An occupation needs a skill, essentially or optionally."""

    occupation: str
    skill: str
    kind: RelationKind


@dataclass(frozen=True)
class Taxonomy:
    """One release of a taxonomy in one language.

    `groups` are the nodes of the skills hierarchy and `isco_groups` those above occupations.
    Every URI that a skill, occupation, group or relation refers to is present.
    """

    name: str
    version: str
    language: str
    skills: Mapping[str, Skill]
    occupations: Mapping[str, Occupation]
    relations: tuple[Relation, ...]
    groups: Mapping[str, Group]
    isco_groups: Mapping[str, Group]

    def __post_init__(self) -> None:
        """Make the mappings read-only."""
        for field in ("skills", "occupations", "groups", "isco_groups"):
            object.__setattr__(self, field, MappingProxyType(dict(getattr(self, field))))

    def __str__(self) -> str:
        """Name, version and language, such as ``esco 1.1.1 (en)``."""
        return f"{self.name} {self.version} ({self.language})"

    @cached_property
    def relations_by_skill(self) -> Mapping[str, tuple[Relation, ...]]:
        """The relations of each skill that has any, in the release's order."""
        return _grouped((relation.skill, relation) for relation in self.relations)

    @cached_property
    def relations_by_occupation(self) -> Mapping[str, tuple[Relation, ...]]:
        """The relations of each occupation that has any, in the release's order."""
        return _grouped((relation.occupation, relation) for relation in self.relations)

    def skill_ancestors(self, uri: str) -> tuple[str, ...]:
        """All URIs above a skill, groups and skills, nearest first."""
        return _ancestors(self.skills[uri].broader, self._skill_parents)

    def isco_ancestors(self, uri: str) -> tuple[str, ...]:
        """All ISCO group URIs above an occupation, its own unit group first."""
        return self._isco_paths.get(self.occupations[uri].isco_group, ())

    @cached_property
    def _isco_paths(self) -> Mapping[str, tuple[str, ...]]:
        """Each ISCO group with all groups above it; occupations by the hundred share one."""
        return {uri: _ancestors((uri,), self._isco_parents) for uri in self.isco_groups}

    def _skill_parents(self, uri: str) -> tuple[str, ...]:
        return self.groups[uri].broader if uri in self.groups else self.skills[uri].broader

    def _isco_parents(self, uri: str) -> tuple[str, ...]:
        return self.isco_groups[uri].broader


def _ancestors(start: tuple[str, ...], parents: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
    """Breadth first, each URI once; a cycle ends where it closes."""
    seen: dict[str, None] = dict.fromkeys(start)
    queue = list(start)
    for uri in queue:
        for parent in parents(uri):
            if parent not in seen:
                seen[parent] = None
                queue.append(parent)
    return tuple(seen)


def _grouped(pairs: Iterator[tuple[str, Relation]]) -> Mapping[str, tuple[Relation, ...]]:
    lists: dict[str, list[Relation]] = {}
    for key, relation in pairs:
        lists.setdefault(key, []).append(relation)
    return MappingProxyType({key: tuple(relations) for key, relations in lists.items()})
