"""Tasks: one declaration each, in one registry; served by every face and measured by every evaluation."""

from collections.abc import Mapping
from typing import Final

from skillsearch.tasks.task import Task
from skillsearch.tasks.title_to_skills import TITLE_TO_SKILLS

__all__ = ["TASKS", "TITLE_TO_SKILLS", "Task"]

TASKS: Final[Mapping[str, Task]] = {task.name: task for task in (TITLE_TO_SKILLS,)}
"""By name."""
