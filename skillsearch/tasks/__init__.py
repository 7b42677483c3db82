"""Tasks: one declaration each, in one registry; served by every face and measured by every evaluation."""

from collections.abc import Mapping
from typing import Any, Final

from skillsearch.tasks.compare import COMPARE, Comparison
from skillsearch.tasks.concept import CONCEPT, Concept
from skillsearch.tasks.extraction import Extraction
from skillsearch.tasks.normalize_skill import NORMALIZE_SKILL
from skillsearch.tasks.normalize_title import NORMALIZE_TITLE
from skillsearch.tasks.similar_skills import SIMILAR_SKILLS
from skillsearch.tasks.skill_to_titles import SKILL_TO_TITLES
from skillsearch.tasks.suggest import SUGGEST
from skillsearch.tasks.task import Task
from skillsearch.tasks.text_to_skills import TEXT_TO_SKILLS
from skillsearch.tasks.title_to_skills import TITLE_TO_SKILLS

__all__ = [
    "COMPARE",
    "CONCEPT",
    "NORMALIZE_SKILL",
    "NORMALIZE_TITLE",
    "SIMILAR_SKILLS",
    "SKILL_TO_TITLES",
    "SUGGEST",
    "TASKS",
    "TEXT_TO_SKILLS",
    "TITLE_TO_SKILLS",
    "Comparison",
    "Concept",
    "Extraction",
    "Task",
]

TASKS: Final[Mapping[str, Task[Any, Any]]] = {
    task.name: task
    for task in (
        TITLE_TO_SKILLS,
        SKILL_TO_TITLES,
        TEXT_TO_SKILLS,
        NORMALIZE_SKILL,
        NORMALIZE_TITLE,
        SIMILAR_SKILLS,
        SUGGEST,
        COMPARE,
        CONCEPT,
    )
}
"""By name."""
