"""Taxonomies that differ a little from another, and indexes as they can be compared."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from indexer.plan import make_plan
from indexer.target import Target
from skillsearch.models.encoder import Encoder
from skillsearch.store.base import SPACES, Build, Payload, Point, Space
from skillsearch.store.info import BuildInfo
from skillsearch.taxonomy.records import Occupation, Relation, RelationKind, Skill, Taxonomy

__all__ = [
    "Held",
    "add_skill",
    "change_occupation",
    "change_skill",
    "content",
    "drop_occupation",
    "drop_skill",
    "held",
    "part_of",
    "relate",
    "require_same",
    "unrelate",
]


def change_skill(taxonomy: Taxonomy, uri: str, **changes: Any) -> Taxonomy:  # noqa: ANN401
    """With other fields of a skill."""
    changed = replace(taxonomy.skills[uri], **changes)
    return replace(taxonomy, skills={**taxonomy.skills, uri: changed})


def change_occupation(taxonomy: Taxonomy, uri: str, **changes: Any) -> Taxonomy:  # noqa: ANN401
    """With other fields of an occupation."""
    changed = replace(taxonomy.occupations[uri], **changes)
    return replace(taxonomy, occupations={**taxonomy.occupations, uri: changed})


def add_skill(taxonomy: Taxonomy, skill: Skill) -> Taxonomy:
    """With one more skill."""
    return replace(taxonomy, skills={**taxonomy.skills, skill.uri: skill})


def drop_skill(taxonomy: Taxonomy, uri: str) -> Taxonomy:
    """Without a skill and its relations; what stood below it stands below its parents."""
    above = taxonomy.skills[uri].broader

    def lifted(skill: Skill) -> Skill:
        if uri not in skill.broader:
            return skill
        parents = dict.fromkeys((*(one for one in skill.broader if one != uri), *above))
        return replace(skill, broader=tuple(parents))

    return replace(
        taxonomy,
        skills={one: lifted(skill) for one, skill in taxonomy.skills.items() if one != uri},
        relations=tuple(relation for relation in taxonomy.relations if relation.skill != uri),
    )


def drop_occupation(taxonomy: Taxonomy, uri: str) -> Taxonomy:
    """Without an occupation and its relations."""
    return replace(
        taxonomy,
        occupations={one: found for one, found in taxonomy.occupations.items() if one != uri},
        relations=tuple(relation for relation in taxonomy.relations if relation.occupation != uri),
    )


def unrelate(taxonomy: Taxonomy, occupation: str, skill: str) -> Taxonomy:
    """Without the relation of the two."""
    kept = (one for one in taxonomy.relations if (one.occupation, one.skill) != (occupation, skill))
    return replace(taxonomy, relations=tuple(kept))


def relate(taxonomy: Taxonomy, occupation: str, skill: str, kind: RelationKind) -> Taxonomy:
    """With this relation of the two, whatever theirs was."""
    others = unrelate(taxonomy, occupation, skill)
    return replace(others, relations=(*others.relations, Relation(occupation, skill, kind)))


def part_of(taxonomy: Taxonomy, occupations: int, skills: int) -> Taxonomy:
    """The first occupations, the first skills, what stands above them, and their relations."""
    some: dict[str, Occupation] = dict(list(taxonomy.occupations.items())[:occupations])
    first = list(taxonomy.skills)[:skills]
    above = {parent for uri in first for parent in taxonomy.skill_ancestors(uri)}
    kept = {uri: skill for uri, skill in taxonomy.skills.items() if uri in {*first, *above}}
    relations = (one for one in taxonomy.relations if one.occupation in some and one.skill in kept)
    return replace(taxonomy, skills=kept, occupations=some, relations=tuple(relations))


@dataclass(frozen=True)
class Held:
    """A build whose payloads are at hand: enough to plan from."""

    info: BuildInfo
    payloads: dict[Space, list[Payload]]

    def scan(self, space: Space, *, vectors: bool = False) -> Iterator[Point]:
        """All points, without vectors."""
        return (Point(dict(payload), ()) for payload in self.payloads[space])

    def fetch(self, space: Space, uris: Iterable[str]) -> dict[str, Payload]:
        """Payloads by URI."""
        wanted = set(uris)
        return {point.uri: point.payload for point in self.scan(space) if point.uri in wanted}


def held(encoder: Encoder, *taxonomies: Taxonomy) -> Build:
    """A published build of some taxonomies, the last of them indexed last."""
    base: Build | None = None
    for taxonomy in taxonomies:
        target = Target(taxonomy, alias_weight=encoder.alias_weight)
        plan = make_plan(target, encoder.identity, base)
        payloads = {
            space: [
                *(target.payload(space, uri) for uri in target.uris(space)),
                *(point.payload for point in (base.scan(space) if base else ())),
            ]
            for space in SPACES
        }
        base = cast(Build, Held(replace(plan.info, state="ready"), payloads))
    assert base is not None
    return base


def content(build: Build) -> dict[Space, dict[str, Point]]:
    """All that a build holds."""
    return {space: {point.uri: point for point in build.scan(space, vectors=True)} for space in SPACES}


def require_same(build: Build, expected: Build, *, atol: float = 1e-3) -> None:
    """Check that two builds have the same URIs with the same payloads and vectors."""
    for space in SPACES:
        found, wanted = content(build)[space], content(expected)[space]
        assert {uri: point.payload for uri, point in found.items()} == {
            uri: point.payload for uri, point in wanted.items()
        }
        uris = sorted(wanted)
        assert build.count(space) == len(uris)
        if uris:
            np.testing.assert_allclose(_vectors(found, uris), _vectors(wanted, uris), atol=atol)


def _vectors(points: dict[str, Point], uris: Iterable[str]) -> Any:  # noqa: ANN401
    return np.array([points[uri].vector for uri in uris])
