"""Taxonomies that differ a little from another, and indexes as they can be compared."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from indexer.plan import make_plan
from skillsearch.models.protocols import Encoder
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
    "esco_zips",
    "held",
    "part_of",
    "relate",
    "require_same",
    "small_taxonomy",
    "unrelate",
]


def esco_zips(version: str) -> list[Path]:
    """The zips of a release of ESCO; skips the test where they are not at hand."""
    given = os.environ.get("SKILLSEARCH_TEST_DATA")
    shared = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(given or shared) / "esco" / f"v{version}"
    if not (found := sorted(folder.glob("*.zip"))):
        pytest.skip(f"no ESCO v{version} in {folder}; SKILLSEARCH_TEST_DATA names the folder of the data")
    return found


def small_taxonomy(
    version: str,
    skills: dict[str, str],
    occupations: dict[str, str] | None = None,
    relations: Iterable[tuple[str, str, RelationKind]] = (),
    *,
    name: str = "t",
    language: str = "en",
) -> Taxonomy:
    """Labels of skills and occupations by URI, and their relations."""
    return Taxonomy(
        name,
        version,
        language,
        {uri: Skill(uri, label) for uri, label in skills.items()},
        {uri: Occupation(uri, label) for uri, label in (occupations or {}).items()},
        tuple(Relation(*relation) for relation in relations),
        {},
        {},
    )


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
        plan = make_plan(taxonomy, encoder.folder, base)
        payloads = {
            space: [
                *(plan.release.payload(space, uri) for uri in plan.release.concepts(space)),
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
