"""All of WorkBench that a release and a folder of files give."""

from collections.abc import Collection
from pathlib import Path

from skillsearch.errors import EvaluationError
from skillsearch.taxonomy.records import Taxonomy
from trainer.evaluate.workbench.esco_tasks import Spaces, job2skill, skill2job, skillnorm
from trainer.evaluate.workbench.file_tasks import (
    EXTRACTION_SETS,
    has_task_file,
    jobnorm,
    skillextract,
    skillsim,
)
from trainer.evaluate.workbench.tasks import KINDS, Kind, Missing, Split, Task, WorkBench

__all__ = ["build_workbench"]


def build_workbench(
    taxonomy: Taxonomy,
    data: Path | None = None,
    *,
    kinds: Collection[Kind] = KINDS,
    split: Split = "all",
) -> WorkBench:
    """Build the tasks; those whose file is absent are listed as missing.

    Args:
        taxonomy: the release that labels and relations are taken from.
        data: folder with ``skill-extraction/``, ``jobbert/`` and ``skillmatch/``, or with their files.
        kinds: types of task to build.
        split: part to build; ``all`` is both.

    Raises:
        EvaluationError: the folder does not exist or has no file of any task, a file cannot be read,
            or no task can be built.
    """
    if data is not None and not data.is_dir():
        raise EvaluationError(
            f"{data}: no such folder; give the one that holds skill-extraction/ or jobbert/"
        )
    if data is not None and not has_task_file(data):
        raise EvaluationError(
            f"{data} has no file of any task, such as skill-extraction/house_validation_annotations.csv "
            "or jobbert/titles.csv; give the right folder, or leave out --data"
        )
    spaces = Spaces(taxonomy)
    built: list[Task | Missing] = []
    for kind in (kind for kind in KINDS if kind in kinds):
        if kind == "job2skill":
            built.append(job2skill(spaces, split))
        elif kind == "skill2job":
            built.append(skill2job(spaces, split))
        elif kind == "skillnorm":
            built.append(skillnorm(spaces, split))
        elif kind == "skillextract":
            built += [skillextract(name, spaces, data, split) for name in EXTRACTION_SETS]
        elif kind == "jobnorm":
            built.append(jobnorm(spaces, data, split))
        else:
            built.append(skillsim(data, split))
    tasks = tuple(task for task in built if isinstance(task, Task))
    missing = tuple(task for task in built if isinstance(task, Missing))
    if not tasks:
        reasons = "; ".join(f"{task.name}: {task.reason}" for task in missing)
        raise EvaluationError(f"no task can be built: {reasons}")
    return WorkBench(tasks, missing)
