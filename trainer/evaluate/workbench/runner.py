"""A scorer on WorkBench's tasks: chunks of queries to ranks, ranks to figures, figures to averages."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillsearch.errors import EvaluationError
from trainer.evaluate.pipeline import Progress
from trainer.evaluate.workbench.measures import Figures, measure_ranks
from trainer.evaluate.workbench.ranking import rank_targets
from trainer.evaluate.workbench.scorers import ScoreQueries, Scorer, require_finite
from trainer.evaluate.workbench.tasks import KINDS, Kind, Task, WorkBench

__all__ = ["TaskResult", "WorkbenchResult", "evaluate_task", "evaluate_workbench"]

Ints = NDArray[np.int64]

_SCORES: Final = 1 << 24  # scores held at once, 64 MiB
_QUERIES: Final = 1024  # queries scored at once, at most


@dataclass(frozen=True, eq=False)
class TaskResult:
    """A task's figures.

    Attributes:
        task: what was measured on.
        figures: by query; where a query is a target itself, without it in its ranking.
        kept: with it, as the public code measures; None where queries are never targets.
        seconds: that it took, with embedding.
    """

    task: Task
    figures: Figures
    kept: Figures | None
    seconds: float


@dataclass(frozen=True)
class WorkbenchResult:
    """A scorer's figures on every task.

    Attributes:
        name: of the scorer.
        results: in the order of the tasks.
    """

    name: str
    results: tuple[TaskResult, ...]

    @property
    def average_map(self) -> float:
        """MAP, averaged as by `average`."""
        return self.average("map")

    def average(self, measure: str) -> float:
        """The mean over the types of task of `by_kind`: each type counts the same."""
        return float(np.mean(list(self.by_kind(measure).values())))

    def by_kind(self, measure: str) -> dict[Kind, float]:
        """The mean of each type of task that was measured, over its sets.

        HOUSE and TECH are averaged first; TECHWOLF, which the paper's average does not have, stands
        for SkillExtract only where neither of them is there.
        """
        means: dict[Kind, float] = {}
        for kind in KINDS:
            sets = [result for result in self.results if result.task.kind == kind]
            counted = [result for result in sets if result.task.averaged] or sets
            if counted:
                means[kind] = float(np.mean([result.figures.mean(measure) for result in counted]))
        return means


def evaluate_workbench(
    scorer: Scorer, tasks: WorkBench | Sequence[Task], *, progress: Progress | None = None
) -> WorkbenchResult:
    """Measure a scorer on tasks.

    Args:
        scorer: ranks all targets of a task for each query.
        tasks: at least one.
        progress: told of each stage.

    Raises:
        EvaluationError: there is no task.
        ModelError: the scorer gave something that is not finite.
    """
    tasks = tasks.tasks if isinstance(tasks, WorkBench) else tuple(tasks)
    if not tasks:
        raise EvaluationError("there is no task to measure on")
    return WorkbenchResult(
        scorer.name, tuple(evaluate_task(scorer, task, progress=progress) for task in tasks)
    )


def evaluate_task(scorer: Scorer, task: Task, *, progress: Progress | None = None) -> TaskResult:
    """Measure a scorer on one task, with the scores of only some queries in memory at a time.

    Raises:
        ModelError: the scorer gave something that is not finite.
    """
    start = time.perf_counter()
    advance = progress(f"{scorer.name}: {task.name} targets", len(task.targets)) if progress else None
    score = scorer.fit(task.targets, direction=task.direction, progress=advance)
    advance = progress(f"{scorer.name}: {task.name} queries", len(task.queries)) if progress else None
    step = max(min(_SCORES // len(task.targets), _QUERIES), 1)
    ranks: list[Ints] = []
    kept: list[Ints] = []
    for first in range(0, len(task.queries), step):
        chunk = slice(first, first + step)
        with_own, without_own = _rank_chunk(scorer.name, score, task, chunk)
        kept.append(with_own)
        ranks.append(without_own)
        if advance:
            advance(len(task.queries[chunk]))
    rows = np.repeat(np.arange(len(task.queries)), [len(places) for places in task.positives])
    figures = measure_ranks(rows, np.concatenate(ranks), len(task.queries))
    with_query = None
    if task.own is not None:
        with_query = measure_ranks(rows, np.concatenate(kept), len(task.queries))
    return TaskResult(task, figures, with_query, time.perf_counter() - start)


def _rank_chunk(name: str, score: ScoreQueries, task: Task, chunk: slice) -> tuple[Ints, Ints]:
    """Ranks of the right targets of some queries, with the query itself in the ranking and without."""
    queries, positives = task.queries[chunk], task.positives[chunk]
    scores = score(queries)  # (n, m)
    require_finite(name, scores)
    rows = np.repeat(np.arange(len(queries)), [len(places) for places in positives])
    columns = np.concatenate(positives)
    ranks = rank_targets(scores, rows, columns)
    if task.own is None:
        return ranks, ranks
    own = task.own[chunk]
    itself = np.flatnonzero(own >= 0)
    own_ranks = np.full(len(queries), np.iinfo(np.int64).max)
    own_ranks[itself] = rank_targets(scores, itself, own[itself])
    return ranks, ranks - (own_ranks[rows] < ranks)
