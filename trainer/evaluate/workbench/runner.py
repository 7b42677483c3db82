"""Scorers on WorkBench's tasks: ranks of the right targets to figures, figures to averages."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

import numpy as np

from skillsearch.arrays import Int64Array
from skillsearch.client import SkillSearch
from skillsearch.errors import ConfigurationError, EvaluationError
from skillsearch.models.device import use_threads
from skillsearch.models.hub import ModelFolder, resolve_model
from skillsearch.models.pair import RECORD, SKILLSCOUT, locate_models
from skillsearch.models.torch import TEXT_LENGTH, load_sentence_transformer
from skillsearch.progress import Progress, silent
from skillsearch.settings import Settings
from skillsearch.taxonomy.records import Taxonomy
from trainer.evaluate.benchmark import relevant_pairs
from trainer.evaluate.measures import Row, measure_ranks
from trainer.evaluate.ranking import rank_pairs
from trainer.evaluate.scorers import BM25, TFIDF, Reading, Scorer, make_scorer
from trainer.evaluate.served.answers import ranked_row
from trainer.evaluate.workbench.build import build_workbench
from trainer.evaluate.workbench.served import SERVED, SERVED_LIMIT, served_ranking
from trainer.evaluate.workbench.tasks import KINDS, Kind, Split, Task, WorkBench

__all__ = [
    "MEASURES",
    "Baseline",
    "TaskResult",
    "WorkbenchReport",
    "WorkbenchRequest",
    "WorkbenchResult",
    "evaluate_task",
    "evaluate_workbench",
    "run_workbench",
]

MEASURES: Final[Mapping[str, str]] = MappingProxyType({"map": "MAP", "rp@10": "RP@10", "mrr": "MRR"})
"""Names of the measures of `trainer.evaluate.measures` that WorkBench has, and how tables call them."""

Baseline = Literal["tfidf", "bm25"]
"""A scorer that needs no model."""


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
    figures: Row
    kept: Row | None
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


@dataclass(frozen=True, slots=True)
class WorkbenchRequest:
    """Request of a measurement on WorkBench: a model, or baselines.

    Attributes:
        taxonomy: the release that labels and relations are taken from.
        data: folder of the tasks' files; None for the tasks that a release gives.
        kinds: types of task.
        split: part of the tasks.
        queries: drawn of each task; None for all.
        seed: of that draw.
        model: folder of our models, whose encoder is measured, or any sentence-transformers model.
        baselines: in place of a model.
        client: measure the published index as a search serves it, in place of a model.
        readings: how the model is read; by its cosine where there is none.
        temperature: of soft late interaction; None for that of the model's manifest.
        settings: the device, and the texts embedded at once.
    """

    taxonomy: Taxonomy
    settings: Settings
    data: Path | None = None
    kinds: tuple[Kind, ...] = KINDS
    split: Split = "all"
    queries: int | None = None
    seed: int = 0
    model: str | None = None
    baselines: tuple[Baseline, ...] = ()
    client: bool = False
    readings: tuple[Reading, ...] = ()
    temperature: float | None = None


@dataclass(frozen=True)
class WorkbenchReport:
    """The tasks, the figures of each scorer, and what was measured."""

    bench: WorkBench
    results: tuple[WorkbenchResult, ...]
    facts: Mapping[str, object] = field(default_factory=dict)


def run_workbench(request: WorkbenchRequest, progress: Progress = silent) -> WorkbenchReport:
    """Build the tasks and measure what the request names on them.

    Raises:
        ConfigurationError: it does not name one of a model, baselines, and the client.
        EvaluationError: a file cannot be read, or no task can be built.
        ModelError: the model cannot be loaded, or gave something that is not finite.
    """
    if sum((bool(request.model), bool(request.baselines), request.client)) != 1:
        raise ConfigurationError("give one of --model, --baseline and --client")
    if request.readings and not request.model:
        raise ConfigurationError("--interaction reads the tokens of a model: it goes with --model alone")
    facts: dict[str, object] = {"taxonomy": str(request.taxonomy), "split": request.split}
    bench = build_workbench(request.taxonomy, request.data, kinds=request.kinds, split=request.split)
    if request.queries is not None:
        bench = bench.sample(queries=request.queries, seed=request.seed)
        facts["sample"] = {"queries": request.queries, "seed": request.seed}
    if request.client:
        return _served(request, bench, facts, progress)
    if request.model is None:
        scorers: list[Scorer] = [TFIDF if name == "tfidf" else BM25 for name in request.baselines]
    else:
        progress("load the model")
        folder, scorers = _model_scorers(request, request.model)
        facts["model"] = {"path": str(folder.path), "name": folder.name, "fingerprint": folder.fingerprint}
        if "soft" in request.readings:
            pairs = sum(len(task.queries) * len(task.targets) for task in bench.tasks)
            progress(f"soft: the tokens of {pairs:,} pairs of texts will be compared")
    results = tuple(evaluate_workbench(scorer, bench, progress=progress) for scorer in scorers)
    return WorkbenchReport(bench, results, facts)


def evaluate_workbench(
    scorer: Scorer, tasks: WorkBench | Sequence[Task], *, progress: Progress = silent
) -> WorkbenchResult:
    """Measure a scorer on at least one task.

    Raises:
        EvaluationError: there is no task.
        ModelError: the scorer gave something that is not finite.
    """
    tasks = tasks.tasks if isinstance(tasks, WorkBench) else tuple(tasks)
    if not tasks:
        raise EvaluationError("there is no task to measure on")
    results = (evaluate_task(scorer, task, progress=progress) for task in tasks)
    return WorkbenchResult(scorer.name, tuple(results))


def evaluate_task(scorer: Scorer, task: Task, *, progress: Progress = silent) -> TaskResult:
    """Measure a scorer on one task.

    Raises:
        ModelError: the scorer gave something that is not finite.
    """
    start, benchmark = time.perf_counter(), task.benchmark
    advance = progress(f"{scorer.name}: {task.name} targets", len(task.targets))
    score = scorer.fit(task.targets, direction=task.direction, advance=advance)
    rows, columns, _ = relevant_pairs(benchmark.qrels, benchmark.documents)
    advance = progress(f"{scorer.name}: {task.name} queries", len(task.queries))
    ranks = rank_pairs(scorer.name, score, benchmark, rows, columns, advance=advance)
    kept = None
    if task.ranks_itself:
        kept = _row(scorer.name, task, rows, ranks)
        itself = {query: {query: 1} for query in benchmark.queries}
        own_rows, own_columns, _ = relevant_pairs(itself, benchmark.documents)
        own = rank_pairs(scorer.name, score, benchmark, own_rows, own_columns)  # (n,)
        ranks = ranks - (own[rows] < ranks)
    return TaskResult(task, _row(scorer.name, task, rows, ranks), kept, time.perf_counter() - start)


def _served(
    request: WorkbenchRequest, bench: WorkBench, facts: dict[str, object], progress: Progress
) -> WorkbenchReport:
    """The figures of the client, for the tasks that it has."""
    missing, results = dict(bench.missing), list[TaskResult]()
    progress("load index and models")
    with SkillSearch.open(request.settings, progress=progress) as client:
        for task in bench.tasks:
            if task.kind not in SERVED:
                missing[task.name] = "the client has no such task: its skills are no concepts of an index"
                continue
            start = time.perf_counter()
            ranked = served_ranking(client, task, progress(f"{task.name} queries", len(task.queries)))
            row = ranked_row("client", task.benchmark.qrels, ranked, tuple(MEASURES))
            results.append(TaskResult(task, row, None, time.perf_counter() - start))
    if not results:
        raise EvaluationError("the client has none of these tasks")
    bench = WorkBench(tuple(one.task for one in results), missing)
    name = f"client, cut at {SERVED_LIMIT}"
    return WorkbenchReport(bench, (WorkbenchResult(name, tuple(results)),), facts)


def _row(name: str, task: Task, rows: Int64Array, ranks: Int64Array) -> Row:
    values = measure_ranks(tuple(MEASURES), rows, ranks, len(task.queries))
    return Row(name, tuple(task.benchmark.queries), values)


def _model_scorers(request: WorkbenchRequest, name: str) -> tuple[ModelFolder, list[Scorer]]:
    """The model's folder, and a scorer for each reading; our own encoders are cut as a search cuts them."""
    is_ours = name == SKILLSCOUT or (Path(name).expanduser() / RECORD).is_file()
    folder = locate_models(name).find_encoder() if is_ours else resolve_model(name)
    manifest, settings = folder.manifest, request.settings
    length = manifest.max_length or (TEXT_LENGTH if is_ours else None)
    use_threads(settings.threads)
    model = load_sentence_transformer(folder, device=settings.device, max_length=length)
    temperature = manifest.interaction.temperature if request.temperature is None else request.temperature
    return folder, [
        make_scorer(
            model,
            folder.name,
            interaction=reading,
            temperature=temperature,
            batch_size=settings.batch_size,
            folder=folder,
        )
        for reading in request.readings or ("cosine",)
    ]
