"""The three tasks that a taxonomy alone gives: Job2Skill, Skill2Job and SkillNorm.

The public code takes all queries of the first two for its test part and vacancies, which are not part
of a release, for validation. Here a fixed draw of a fifth of the queries, by URI, is for validation.
SkillNorm is split as in the public code: the first alternative label of each skill validates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from skillsearch.tasks import TITLE_TO_SKILLS
from skillsearch.taxonomy.records import Taxonomy
from skillsearch.taxonomy.texts import occupation_text, skill_text
from trainer.evaluate.benchmark import Document
from trainer.evaluate.workbench.tasks import Split, Task, in_validation, make_task

__all__ = ["VALIDATION_SHARE", "Spaces", "job2skill", "skill2job", "skillnorm"]

VALIDATION_SHARE: Final = 0.2
"""Of the queries of Job2Skill and Skill2Job."""

_SHORTEST: Final = 2  # characters of an alternative label, as in the public code


@dataclass(frozen=True)
class Spaces:
    """The target spaces of a taxonomy: its skills and its occupations by URI, sorted by text, then URI."""

    taxonomy: Taxonomy

    @cached_property
    def skills(self) -> dict[str, Document]:
        """Every skill."""
        return _documents({uri: skill_text(skill) for uri, skill in self.taxonomy.skills.items()})

    @cached_property
    def occupations(self) -> dict[str, Document]:
        """Every occupation."""
        return _documents({uri: occupation_text(one) for uri, one in self.taxonomy.occupations.items()})

    @cached_property
    def skills_by_label(self) -> dict[str, list[str]]:
        """The URIs of the skills with a label; there may be several."""
        found: dict[str, list[str]] = {}
        for uri in self.skills:
            found.setdefault(self.taxonomy.skills[uri].label, []).append(uri)
        return found


def job2skill(spaces: Spaces, split: Split) -> Task:
    """An occupation's label ranks all skills; right are those it needs, essential or optional.

    It is `skillsearch.tasks.TITLE_TO_SKILLS`: the texts and the target space are that task's.
    """
    taxonomy, needs = spaces.taxonomy, spaces.taxonomy.relations_by_occupation
    occupations = [uri for uri in spaces.occupations if _is_in(uri, split)]
    right = {uri: [relation.skill for relation in needs.get(uri, ())] for uri in occupations}
    texts = {uri: TITLE_TO_SKILLS.view(taxonomy.occupations[uri].label) for uri in occupations}
    targets: dict[str, Document] = getattr(spaces, TITLE_TO_SKILLS.space)
    return make_task("job2skill", "job2skill", split, right, targets, texts=texts, taxonomy=str(taxonomy))


def skill2job(spaces: Spaces, split: Split) -> Task:
    """A skill's label ranks all occupations; right are those that need it, essentially or optionally."""
    taxonomy, jobs = str(spaces.taxonomy), spaces.occupations
    right: dict[str, list[str]] = {uri: [] for uri in spaces.skills if _is_in(uri, split)}
    for relation in spaces.taxonomy.relations:
        if relation.skill in right:
            right[relation.skill].append(relation.occupation)
    texts = {uri: spaces.skills[uri].label for uri in right}
    return make_task("skill2job", "skill2job", split, right, jobs, texts=texts, taxonomy=taxonomy)


def skillnorm(spaces: Spaces, split: Split) -> Task:
    """An alternative label ranks all skills; right are those that have it.

    Equal alternatives of several skills are one query. A query goes to validation where it is the
    first alternative, in the release's order, that any of its skills has; others are for the test.
    """
    owners: dict[str, list[str]] = {}
    dropped: dict[str, list[str]] = {}
    for uri, skill in spaces.taxonomy.skills.items():
        for label in dict.fromkeys(skill.alt_labels):
            if len(label) < _SHORTEST:
                reason = f"the alternative label has fewer than {_SHORTEST} characters"
                dropped.setdefault(reason, []).append(label)
            else:
                owners.setdefault(label, []).append(uri)
    seen: set[str] = set()
    right: dict[str, list[str]] = {}
    for label, uris in owners.items():
        part: Split = "test" if seen.issuperset(uris) else "validation"
        seen.update(uris)
        if split in (part, "all"):
            right[label] = uris
    taxonomy = str(spaces.taxonomy)
    return make_task(
        "skillnorm", "skillnorm", split, right, spaces.skills, taxonomy=taxonomy, dropped=dropped
    )


def _documents(texts: Mapping[str, str]) -> dict[str, Document]:
    by_text = sorted(texts, key=lambda uri: (texts[uri], uri))
    return {uri: Document(uri, uri, (texts[uri],)) for uri in by_text}


def _is_in(uri: str, split: Split) -> bool:
    return split == "all" or in_validation(uri, VALIDATION_SHARE) == (split == "validation")
