"""All of WorkBench that a release and a folder of files give."""

from collections.abc import Callable, Collection
from pathlib import Path

from skillsearch.errors import EvaluationError
from skillsearch.taxonomy.records import Taxonomy
from trainer.evaluate.workbench.esco_tasks import Spaces, job2skill, skill2job, skillnorm
from trainer.evaluate.workbench.file_tasks import has_task_file, jobnorm, skillextract, skillsim
from trainer.evaluate.workbench.tasks import KINDS, Kind, MissingTaskError, Split, Task, WorkBench

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
    makers: dict[str, tuple[Kind, Callable[[], Task]]] = {
        "job2skill": ("job2skill", lambda: job2skill(spaces, split)),
        "skill2job": ("skill2job", lambda: skill2job(spaces, split)),
        "skillnorm": ("skillnorm", lambda: skillnorm(spaces, split)),
        "house": ("skillextract", lambda: skillextract("house", spaces, data, split)),
        "tech": ("skillextract", lambda: skillextract("tech", spaces, data, split)),
        "techwolf": ("skillextract", lambda: skillextract("techwolf", spaces, data, split)),
        "jobnorm": ("jobnorm", lambda: jobnorm(spaces, data, split)),
        "skillsim": ("skillsim", lambda: skillsim(data, split)),
    }
    tasks: list[Task] = []
    missing: dict[str, str] = {}
    for name, (kind, make) in makers.items():
        if kind in kinds:
            try:
                tasks.append(make())
            except MissingTaskError as reason:
                missing[name] = str(reason)
    if not tasks:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in missing.items())
        raise EvaluationError(f"no task can be built: {reasons}")
    return WorkBench(tuple(tasks), missing)
