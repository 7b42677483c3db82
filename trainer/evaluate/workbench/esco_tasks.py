"""The three tasks that a taxonomy alone gives: Job2Skill, Skill2Job and SkillNorm.

The public code takes all queries of the first two for its test part and vacancies, which are not part
of a release, for validation. Here a fixed draw of a fifth of the queries, by URI, is for validation.
SkillNorm is split as in the public code: the first alternative label of each skill validates.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from skillsearch.taxonomy.records import Taxonomy
from skillsearch.taxonomy.texts import occupation_text, skill_text
from trainer.evaluate.workbench.tasks import Dropped, Missing, Split, Task, in_validation, make_task

__all__ = ["VALIDATION_SHARE", "Spaces", "job2skill", "skill2job", "skillnorm"]

VALIDATION_SHARE: Final = 0.2
"""Of the queries of Job2Skill and Skill2Job."""

_SHORTEST = 2  # characters of an alternative label, as in the public code


@dataclass(frozen=True)
class Spaces:
    """The target spaces of a taxonomy: its skills and its occupations, each sorted by label.

    Tasks that rank the same concepts share one tuple of texts.
    """

    taxonomy: Taxonomy

    @cached_property
    def skills(self) -> tuple[str, ...]:
        """The text of each skill."""
        return tuple(skill_text(self.taxonomy.skills[uri]) for uri in self.skill_places)

    @cached_property
    def skill_places(self) -> dict[str, int]:
        """The place of each skill, by URI."""
        skills = self.taxonomy.skills
        uris = sorted(skills, key=lambda uri: (skills[uri].label, uri))
        return {uri: place for place, uri in enumerate(uris)}

    @cached_property
    def skills_by_label(self) -> dict[str, list[int]]:
        """The places of the skills with a label; there may be several."""
        places: dict[str, list[int]] = {}
        for uri, place in self.skill_places.items():
            places.setdefault(self.taxonomy.skills[uri].label, []).append(place)
        return places

    @cached_property
    def occupations(self) -> tuple[str, ...]:
        """The text of each occupation."""
        return tuple(occupation_text(self.taxonomy.occupations[uri]) for uri in self.occupation_places)

    @cached_property
    def occupation_places(self) -> dict[str, int]:
        """The place of each occupation, by URI."""
        occupations = self.taxonomy.occupations
        uris = sorted(occupations, key=lambda uri: (occupations[uri].label, uri))
        return {uri: place for place, uri in enumerate(uris)}


def job2skill(spaces: Spaces, split: Split) -> Task | Missing:
    """An occupation's label ranks all skills; right are those it needs, essential or optional."""
    taxonomy, places = spaces.taxonomy, spaces.skill_places
    entries = (
        (text, [places[relation.skill] for relation in taxonomy.relations_by_occupation.get(uri, ())])
        for uri, text in zip(spaces.occupation_places, spaces.occupations, strict=True)
        if _is_in(uri, split)
    )
    return make_task("job2skill", "job2skill", split, entries, spaces.skills, taxonomy=str(taxonomy))


def skill2job(spaces: Spaces, split: Split) -> Task | Missing:
    """A skill's label ranks all occupations; right are those that need it, essentially or optionally."""
    taxonomy, places = spaces.taxonomy, spaces.occupation_places
    needed_by: dict[str, list[int]] = {}
    for relation in taxonomy.relations:
        needed_by.setdefault(relation.skill, []).append(places[relation.occupation])
    entries = (
        (text, needed_by.get(uri, ()))
        for uri, text in zip(spaces.skill_places, spaces.skills, strict=True)
        if _is_in(uri, split)
    )
    return make_task("skill2job", "skill2job", split, entries, spaces.occupations, taxonomy=str(taxonomy))


def skillnorm(spaces: Spaces, split: Split) -> Task | Missing:
    """An alternative label ranks all skills; right are those that have it.

    Equal alternatives of several skills are one query. A query goes to validation where it is the
    first alternative, in the release's order, that any of its skills has; others are for the test.
    """
    owners: dict[str, list[str]] = {}
    short: list[str] = []
    for uri, skill in spaces.taxonomy.skills.items():
        for label in dict.fromkeys(skill.alt_labels):
            if len(label) < _SHORTEST:
                short.append(label)
            else:
                owners.setdefault(label, []).append(uri)
    seen: set[str] = set()
    entries: list[tuple[str, list[int]]] = []
    for label, uris in owners.items():
        part: Split = "test" if seen.issuperset(uris) else "validation"
        seen.update(uris)
        if split in (part, "all"):
            entries.append((label, [spaces.skill_places[uri] for uri in uris]))
    dropped = Dropped.of(f"the alternative label has fewer than {_SHORTEST} characters", short)
    return make_task(
        "skillnorm",
        "skillnorm",
        split,
        entries,
        spaces.skills,
        taxonomy=str(spaces.taxonomy),
        dropped=dropped,
    )


def _is_in(uri: str, split: Split) -> bool:
    return split == "all" or in_validation(uri, VALIDATION_SHARE) == (split == "validation")
