"""WorkBench's tasks as the client serves them: lists of URIs for queries."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from skillsearch.client import SkillSearch
from skillsearch.progress import Advance
from skillsearch.tasks import NORMALIZE_SKILL, NORMALIZE_TITLE, SKILL_TO_TITLES, TITLE_TO_SKILLS
from skillsearch.tasks import Task as ServedTask
from trainer.evaluate.served.answers import ask
from trainer.evaluate.workbench.tasks import Kind, Task

__all__ = ["SERVED", "SERVED_LIMIT", "served_ranking"]

SERVED: Final[Mapping[Kind, ServedTask[..., Any]]] = {
    "job2skill": TITLE_TO_SKILLS,
    "skill2job": SKILL_TO_TITLES,
    "skillnorm": NORMALIZE_SKILL,
    "skillextract": NORMALIZE_SKILL,
    "jobnorm": NORMALIZE_TITLE,
}
"""The client's task for each type; a sentence is ranked as the words of a skill."""

SERVED_LIMIT: Final = 200
"""Hits of a query."""


def served_ranking(client: SkillSearch, task: Task, advance: Advance) -> Mapping[str, Sequence[str]]:
    """URIs by id of the query, best first."""
    return ask(client, SERVED[task.kind], task.benchmark.queries, advance, limit=SERVED_LIMIT).ranked
