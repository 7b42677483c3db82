"""WorkBench's tasks as the client serves them: lists of URIs for queries."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from skillsearch import tasks
from skillsearch.client import SkillSearch
from skillsearch.progress import Advance
from trainer.evaluate.served.answers import ask
from trainer.evaluate.workbench.tasks import Kind, Task

__all__ = ["SERVED", "SERVED_LIMIT", "served_ranking"]

SERVED: Final[Mapping[Kind, tasks.Task[..., Any]]] = {
    "job2skill": tasks.TITLE_TO_SKILLS,
    "skill2job": tasks.SKILL_TO_TITLES,
    "skillnorm": tasks.NORMALIZE_SKILL,
    "skillextract": tasks.NORMALIZE_SKILL,
    "jobnorm": tasks.NORMALIZE_TITLE,
}
"""The client's task for each type; a sentence is ranked as the words of a skill."""

SERVED_LIMIT: Final = 200
"""Hits of a query."""


def served_ranking(client: SkillSearch, task: Task, advance: Advance) -> Mapping[str, Sequence[str]]:
    """URIs by id of the query, best first."""
    return ask(client, SERVED[task.kind], task.benchmark.queries, advance, limit=SERVED_LIMIT).ranked
