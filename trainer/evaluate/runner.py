"""A whole evaluation: a benchmark and models, or a run, to rows of figures and curves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from skillsearch.errors import EvaluationError
from skillsearch.models.encoder import Encoder
from skillsearch.models.reranker import Reranker
from skillsearch.rank.late_interaction import LateInteraction
from trainer.evaluate.benchmark import Benchmark, Document, Qrels, Run
from trainer.evaluate.measures import Row, measure
from trainer.evaluate.pipeline import Progress, Scores, blended, score_benchmark, stage_one, stage_two
from trainer.evaluate.ranking import Ranking, rank_run
from trainer.evaluate.talentclef import check_ids

__all__ = [
    "ALPHAS",
    "DEPTHS",
    "SWEEPS",
    "Curve",
    "Evaluation",
    "Plan",
    "Sweep",
    "bare_benchmark",
    "evaluate_models",
    "evaluate_run",
]

Sweep = Literal["alpha", "depth"]
SWEEPS: Final[tuple[Sweep, ...]] = ("alpha", "depth")

ALPHAS: Final = tuple(step / 10 for step in range(11))
DEPTHS: Final = (0, 10, 20, 50, 100, 200, 500, 1000)

_NAMED = 3  # examples in a warning


@dataclass(frozen=True, slots=True)
class Plan:
    """How to rank, and what to vary.

    Attributes:
        alpha: weight of retrieval in the blend, in [0, 1].
        depth: candidates to rerank.
        cut: length that lists are cut to; None for all documents.
        sweeps: parameters to draw a curve over.
        note: stands in every label, such as ``trained on these occupations``; may be empty.
    """

    alpha: float = 0.7
    depth: int = 200
    cut: int | None = None
    sweeps: tuple[Sweep, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Curve:
    """The blend over the values of one parameter, a row each; `chosen` is the plan's value."""

    parameter: Sweep
    values: tuple[float, ...]
    chosen: float
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Evaluation:
    """Figures of a benchmark.

    Attributes:
        benchmark: what was measured on.
        rows: the first is what the others are compared with.
        ranking: of the last row.
        curves: one for each sweep.
        warnings: what a reader of the figures should know.
        note: as in the plan.
    """

    benchmark: Benchmark
    rows: tuple[Row, ...]
    ranking: Ranking
    curves: tuple[Curve, ...] = ()
    warnings: tuple[str, ...] = ()
    note: str = ""


def evaluate_models(
    benchmark: Benchmark,
    encoder: Encoder,
    reranker: Reranker | LateInteraction | None,
    plan: Plan,
    *,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure stage one, stage two and the blend; without a reranker, stage one alone.

    The models run once, as deep as the plan and its sweeps need; everything else is arithmetic on
    their scores.

    Raises:
        EvaluationError: a sweep is asked for without a reranker.
    """
    if plan.sweeps and reranker is None:
        raise EvaluationError(f"a sweep over {plan.sweeps[0]} varies the blend: it needs the reranker")
    depths = _depths(len(benchmark.documents)) if "depth" in plan.sweeps else ()
    deepest = max((plan.depth, *depths))
    scores = score_benchmark(benchmark, encoder, reranker, depth=deepest, progress=progress)
    rankings = {"stage one": stage_one(scores)}
    if reranker is not None:
        rankings["stage two"] = stage_two(scores, plan.depth)
        rankings[f"blend alpha={plan.alpha:g}"] = blended(scores, plan.depth, plan.alpha)
    cut = {label: _cut(ranking, plan) for label, ranking in rankings.items()}
    rows = tuple(measure(_label(label, ranking, plan), benchmark, ranking) for label, ranking in cut.items())
    return Evaluation(
        benchmark,
        rows,
        list(cut.values())[-1],
        tuple(_curve(parameter, benchmark, scores, plan, depths) for parameter in plan.sweeps),
        _warnings(benchmark),
        plan.note,
    )


def evaluate_run(benchmark: Benchmark, run: Run, *, label: str, source: str, plan: Plan) -> Evaluation:
    """Measure a run that exists already.

    Raises:
        EvaluationError: it names a query or document that the benchmark does not have.
    """
    check_ids(run, benchmark.queries, benchmark.documents, source)
    ranking = _cut(rank_run(run, list(benchmark.documents)), plan)
    row = measure(_label(label, ranking, plan), benchmark, ranking)
    missing = [query for query in benchmark.qrels if query not in run]
    warnings = _warnings(benchmark)
    if missing:
        warnings += (f"{_some(missing, 'judged queries')} missing in {source}: each counts 0",)
    return Evaluation(benchmark, (row,), ranking, warnings=warnings, note=plan.note)


def bare_benchmark(name: str, qrels: Qrels, run: Run) -> Benchmark:
    """Judgements without titles and skills: ids stand for titles, and the corpus is what is named at all."""
    named = (document for rows in (*qrels.values(), *run.values()) for document in rows)
    documents = {document: Document(document, "", (document,)) for document in named}
    return Benchmark(name, {query: query for query in qrels}, documents, qrels)


def _curve(
    parameter: Sweep, benchmark: Benchmark, scores: Scores, plan: Plan, depths: Sequence[int]
) -> Curve:
    values: tuple[float, ...] = ALPHAS if parameter == "alpha" else tuple(depths)
    rows = []
    for value in values:
        alpha, depth = (value, plan.depth) if parameter == "alpha" else (plan.alpha, int(value))
        ranking = _cut(blended(scores, depth, alpha), plan)
        rows.append(measure(_label(f"{parameter}={value:g}", ranking, plan), benchmark, ranking))
    chosen = plan.alpha if parameter == "alpha" else min(plan.depth, len(benchmark.documents))
    return Curve(parameter, values, chosen, tuple(rows))


def _depths(documents: int) -> tuple[int, ...]:
    """The depths below the size of the corpus, and its size where the deepest goes that far."""
    return tuple(dict.fromkeys(min(depth, documents) for depth in DEPTHS))


def _cut(ranking: Ranking, plan: Plan) -> Ranking:
    return ranking if plan.cut is None else ranking.cut(plan.cut)


def _label(name: str, ranking: Ranking, plan: Plan) -> str:
    return ", ".join(part for part in (name, ranking.cut_label, plan.note) if part)


def _warnings(benchmark: Benchmark) -> tuple[str, ...]:
    unjudged = [query for query in benchmark.queries if query not in benchmark.qrels]
    irrelevant = [query for query, grades in benchmark.qrels.items() if not any(grades.values())]
    warnings = []
    if unjudged:
        warnings.append(f"{_some(unjudged, 'queries')} without judgements: left out of all figures")
    if irrelevant:
        warnings.append(f"{_some(irrelevant, 'queries')} without a relevant document: each counts 0")
    return tuple(warnings)


def _some(ids: Iterable[str], kind: str) -> str:
    """A count and the first few, such as ``2 queries (a, b)``."""
    names = list(ids)
    return f"{len(names):,} {kind} ({', '.join(names[:_NAMED])}{', …' if len(names) > _NAMED else ''})"
