"""A whole evaluation: a benchmark and models, or a run, to rows of figures and curves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

import numpy as np

from skillsearch.arrays import Float64Array
from skillsearch.errors import ConfigurationError
from skillsearch.models.device import use_threads
from skillsearch.models.pair import locate_models
from skillsearch.models.protocols import Encoder
from skillsearch.progress import Progress, silent
from skillsearch.rank.cross_encoder import CrossEncoderRanker
from skillsearch.rank.demand import own_demand, skill_payloads, title_hash
from skillsearch.rank.distilled import DistilledRanker
from skillsearch.rank.late_interaction import LateInteractionRanker
from skillsearch.settings import Settings
from skillsearch.taxonomy.records import Taxonomy
from trainer.evaluate.benchmark import Benchmark, Document, Qrels, Run, check_ids
from trainer.evaluate.measures import Row, measure
from trainer.evaluate.ranking import Ranking, rank_run
from trainer.evaluate.scores import Reranker, score_benchmark

__all__ = [
    "SWEEPS",
    "Curve",
    "Evaluation",
    "Plan",
    "Sweep",
    "bare_benchmark",
    "evaluate_models",
    "evaluate_run",
    "evaluate_settings",
    "load_ranker",
]

Sweep = Literal["alpha", "depth"]
SWEEPS: Final[tuple[Sweep, ...]] = get_args(Sweep)

_ALPHAS: Final = tuple(step / 10 for step in range(11))
_DEPTHS: Final = (0, 10, 20, 50, 100, 200, 500, 1000)
_NAMED: Final = 3  # examples in a warning


@dataclass(frozen=True, slots=True)
class Plan:
    """Options of a measurement.

    Attributes:
        rerank: measure a reranker and the blend, too.
        cut: length that lists are cut to; None for all documents.
        sweeps: parameters to draw a curve over.
        note: stands in every label, such as ``trained on these occupations``; may be empty.
    """

    rerank: bool = True
    cut: int | None = None
    sweeps: tuple[Sweep, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        """Check that there is a blend to vary.

        Raises:
            ConfigurationError: a sweep is asked for without a reranker.
        """
        if self.sweeps and not self.rerank:
            raise ConfigurationError("--sweep varies the blend with a reranker: leave out --reranker none")

    def row(self, label: str, benchmark: Benchmark, ranking: Ranking) -> Row:
        """The figures of a ranking that is cut already."""
        parts = (label, ranking.cut_label, self.note)
        return measure(", ".join(part for part in parts if part), benchmark, ranking)


@dataclass(frozen=True)
class Curve:
    """The blend over the values of one parameter, a row each; `chosen` is the ranker's own value."""

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
        facts: what was measured, such as the names of the models.
    """

    benchmark: Benchmark
    rows: tuple[Row, ...]
    ranking: Ranking
    curves: tuple[Curve, ...] = ()
    warnings: tuple[str, ...] = ()
    note: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


def evaluate_settings(
    benchmark: Benchmark,
    settings: Settings,
    plan: Plan,
    progress: Progress = silent,
    *,
    taxonomy: Taxonomy | None = None,
) -> Evaluation:
    """Measure the models that the settings name, ranked as a search with these settings ranks.

    Args:
        benchmark: what is measured on.
        settings: which models, and how they rank.
        plan: how to measure.
        progress: hears how far it is.
        taxonomy: tells how much its skills are asked for; without it that has no part in the blend.

    Raises:
        ModelError: a model cannot be loaded, or gave something that is not finite.
    """
    encoder, ranker = load_ranker(settings, plan, progress)
    return evaluate_models(benchmark, encoder, ranker, plan, progress, demand=_demand(taxonomy, ranker))


def load_ranker(
    settings: Settings, plan: Plan, progress: Progress = silent
) -> tuple[Encoder, Reranker | None]:
    """The encoder that the settings name, and the ranker; None where the plan does without.

    Raises:
        ModelError: a model cannot be loaded.
    """
    progress("load models")
    pair = locate_models(settings.model_location)
    use_threads(settings.threads)
    encoder = pair.load_encoder(**settings.running)
    ranker: Reranker | None = None
    weight = settings.demand_weight
    wanted = settings.rerank or pair.default_reranker(encoder)
    if plan.rerank and wanted == "late-interaction":
        ranker = LateInteractionRanker(
            encoder, alpha=settings.alpha, depth=settings.depth, demand_weight=weight
        )
    elif plan.rerank and wanted == "distilled":
        ranker = DistilledRanker(
            encoder=encoder,
            alpha=settings.alpha,
            depth=settings.depth,
            demand_weight=weight,
            scorer=pair.load_distilled(encoder, threads=settings.threads),
        )
    elif plan.rerank:
        scorer = pair.load_reranker(precision=settings.precision, **settings.running)
        ranker = CrossEncoderRanker(scorer, alpha=settings.alpha, depth=settings.depth, demand_weight=weight)
    return encoder, ranker


def evaluate_models(
    benchmark: Benchmark,
    encoder: Encoder,
    ranker: Reranker | None,
    plan: Plan,
    progress: Progress = silent,
    *,
    demand: Mapping[str, float] | None = None,
) -> Evaluation:
    """Measure stage one, retrieval, and with a ranker stage two, the reranker alone, and their blend.

    With `demand`, what demand adds to the blend by URI, the blend is measured without and with it.

    The models run once, as deep as the ranker and the sweeps need; everything else is arithmetic on
    their scores.
    """
    size = len(benchmark.documents)
    depths = tuple(dict.fromkeys(min(depth, size) for depth in _DEPTHS))
    alpha, depth = (ranker.alpha, ranker.depth) if ranker else (1.0, 0)
    deepest = max((depth, *(depths if "depth" in plan.sweeps else ())))
    scores = score_benchmark(benchmark, encoder, ranker, depth=deepest, progress=progress)

    added = None
    if demand and ranker is not None and ranker.demand_weight:
        found = [demand.get(document.uri, 0.0) for document in benchmark.documents.values()]
        added = ranker.demand_weight * np.array(found)

    def rank(alpha: float, depth: int, added: Float64Array | None = None) -> Ranking:
        return scores.fused(alpha, depth, added).cut(plan.cut)

    rankings = {"stage one": rank(1.0, 0)}
    curves: list[Curve] = []
    facts: dict[str, object] = {"encoder": str(encoder.folder), "cut": plan.cut}
    if ranker is not None:
        rankings |= {"stage two": rank(0.0, depth), f"blend alpha={alpha:g}": rank(alpha, depth)}
        if added is not None:
            rankings[f"blend alpha={alpha:g}, demand"] = rank(alpha, depth, added)
            facts["demand_weight"] = ranker.demand_weight
        facts |= {"rerank": ranker.reranker, "reranker": str(ranker.model), "alpha": alpha, "depth": depth}
    for parameter in plan.sweeps if ranker else ():
        varied: dict[float, tuple[float, int]] = {value: (value, depth) for value in _ALPHAS}
        if parameter == "depth":
            varied = {value: (alpha, value) for value in depths}
        points = (
            plan.row(f"{parameter}={value:g}", benchmark, rank(*pair, added))
            for value, pair in varied.items()
        )
        chosen = alpha if parameter == "alpha" else min(depth, size)
        curves.append(Curve(parameter, tuple(varied), chosen, tuple(points)))
    return Evaluation(
        benchmark,
        tuple(plan.row(label, benchmark, ranking) for label, ranking in rankings.items()),
        list(rankings.values())[-1],
        tuple(curves),
        _warnings(benchmark) + (_fitted(benchmark) if added is not None else ()),
        plan.note,
        facts,
    )


def evaluate_run(benchmark: Benchmark, run: Run, *, label: str, source: str, plan: Plan) -> Evaluation:
    """Measure a run that exists already.

    Raises:
        EvaluationError: it names a query or document that the benchmark does not have.
    """
    check_ids(run, benchmark.queries, benchmark.documents, source)
    ranking = rank_run(run, list(benchmark.documents)).cut(plan.cut)
    row = plan.row(label, benchmark, ranking)
    missing = [query for query in benchmark.qrels if query not in run]
    warnings = _warnings(benchmark)
    if missing:
        warnings += (f"{_some(missing, 'judged queries')} missing in {source}: each counts 0",)
    facts = {"run": source, "cut": plan.cut}
    return Evaluation(benchmark, (row,), ranking, warnings=warnings, note=plan.note, facts=facts)


def bare_benchmark(name: str, qrels: Qrels, run: Run) -> Benchmark:
    """Judgements alone: ids stand for titles, and the documents are those that are named at all."""
    named = (document for rows in (*qrels.values(), *run.values()) for document in rows)
    documents = {document: Document(document, "", (document,)) for document in named}
    return Benchmark(name, {query: query for query in qrels}, documents, qrels)


def _demand(taxonomy: Taxonomy | None, ranker: Reranker | None) -> dict[str, float] | None:
    wanted = taxonomy is not None and ranker is not None and ranker.demand_weight
    return own_demand().by_uri(skill_payloads(taxonomy)) if wanted and taxonomy else None


def _fitted(benchmark: Benchmark) -> tuple[str, ...]:
    """What to know where demand was fitted on titles that it is measured on."""
    known = set(own_demand().titles)
    seen = sum(title_hash(title) in known for title in benchmark.queries.values())
    if not seen:
        return ()
    return (
        f"demand was fitted on {seen:,} of these titles, so the row with it flatters: `skillsearch evaluate "
        "demand` leaves titles and skills out",
    )


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
