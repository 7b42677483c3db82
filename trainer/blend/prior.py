"""Fitting demand on judged titles, and measuring it on titles and skills that are both left out.

Skills and titles are dealt to folds. What demand adds for a title and a skill comes from the shares of other
titles that other skills are relevant for; its weight in the blend is chosen on these other titles in the
same way. The coefficients for every day are fitted on all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from skillsearch.arrays import BoolArray, Float64Array, Int64Array
from skillsearch.errors import ConfigurationError, EvaluationError
from skillsearch.progress import Progress, silent
from skillsearch.rank.demand import FEATURES, MOST, DemandModel, demand_features, skill_payloads, title_hash
from skillsearch.settings import Settings
from skillsearch.taxonomy.records import Taxonomy
from trainer.blend.evidence import deal, ridge
from trainer.blend.judgements import check_judgements
from trainer.evaluate.benchmark import Benchmark, Qrels
from trainer.evaluate.evaluation import Evaluation, Plan, load_ranker
from trainer.evaluate.measures import measure
from trainer.evaluate.scores import Scores, score_benchmark

__all__ = ["DemandFit", "FitOptions", "fit_demand", "fit_scores"]

_WEIGHTS: Final = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1)
"""What one deviation of demand among the judged skills may add to the score of a blend, in [0, 1]."""

_FEWEST: Final = 50  # skills that coefficients can be learned from


@dataclass(frozen=True, slots=True)
class FitOptions:
    """Options of a fit: folds of titles and of skills, and the seed that deals them."""

    folds: int = 5
    seed: int = 42


@dataclass(frozen=True)
class DemandFit:
    """A model of demand, and what it is worth on titles and skills that are left out."""

    model: DemandModel
    evaluation: Evaluation


def fit_demand(
    benchmark: Benchmark,
    taxonomy: Taxonomy,
    settings: Settings,
    options: FitOptions,
    progress: Progress = silent,
) -> DemandFit:
    """Cross-validate demand in the blend of the settings' models, then fit it on all titles and skills.

    Args:
        benchmark: judged titles; its skills are known by URI.
        taxonomy: tells the features of its skills.
        settings: which models, and how they rank.
        options: how to fit.
        progress: hears how far it is.

    Raises:
        ConfigurationError: the settings rank without a reranker.
        EvaluationError: too few titles are judged, or too few of their skills are in the taxonomy.
        ModelError: a model cannot be loaded, or gave something that is not finite.
    """
    payloads = skill_payloads(taxonomy)
    rows = {str(one["uri"]): row for row, one in enumerate(payloads)}
    places = [rows.get(document.uri, -1) for document in benchmark.documents.values()]
    check_judgements(benchmark, benchmark.name)
    if sum(place >= 0 for place in places) < _FEWEST:
        raise EvaluationError(
            f"{benchmark.name}: {sum(place >= 0 for place in places):,} of its skills are in {taxonomy}, "
            f"{_FEWEST} are needed: give the taxonomy that its URIs are of"
        )
    plan = Plan()
    encoder, ranker = load_ranker(settings, plan, progress)
    if ranker is None:
        raise ConfigurationError("demand is a part of the blend with a reranker: name one with --reranker")
    judged = [query for query in benchmark.queries if query in benchmark.qrels]
    queries = {query: benchmark.queries[query] for query in judged}
    benchmark = Benchmark(benchmark.name, queries, benchmark.documents, benchmark.qrels)
    scores = score_benchmark(benchmark, encoder, ranker, depth=settings.depth, progress=progress)
    features = demand_features(payloads)
    model, crossed, chosen = fit_scores(
        benchmark, scores, features, np.array(places), settings.alpha, options, progress
    )
    alpha, depth = settings.alpha, scores.depth
    rankings = {
        f"blend alpha={alpha:g}": scores.fused(alpha, depth),
        f"blend alpha={alpha:g}, demand": scores.fused(alpha, depth, crossed),
    }
    facts: dict[str, Any] = {
        "encoder": str(encoder.folder),
        "reranker": str(ranker.model),
        "folds": options.folds,
        "seed": options.seed,
        "weights": chosen,
        "taxonomy": str(taxonomy),
        "skills": sum(place >= 0 for place in places),
    }
    return DemandFit(
        model,
        Evaluation(
            benchmark,
            tuple(plan.row(label, benchmark, ranking) for label, ranking in rankings.items()),
            list(rankings.values())[-1],
            note="titles and skills left out",
            facts=facts,
        ),
    )


def fit_scores(
    benchmark: Benchmark,
    scores: Scores,
    features: Float64Array,
    places: Int64Array,
    alpha: float,
    options: FitOptions,
    progress: Progress = silent,
) -> tuple[DemandModel, Float64Array, list[float]]:
    """The arithmetic of `fit_demand`, on scores of t titles and m skills.

    Args:
        benchmark: judged titles.
        scores: of its titles and skills.
        features: of all skills of the taxonomy, shape (N, 10).
        places: rows of the m skills among these, -1 where it lacks one.
        alpha: weight of retrieval in the blend.
        options: how to fit.
        progress: hears of the folds.

    Returns:
        The model of all; what demand adds with title and skill left out, shape (t, m); and the weights that
        the folds chose, then that of the model.
    """
    means = np.nan_to_num(np.nanmean(_known(features), axis=0))
    deviations = np.nanstd(_known(features), axis=0)
    deviations = np.where(deviations > 0, deviations, 1.0)
    inputs = np.clip(np.nan_to_num((features - means) / deviations), -3.0, 3.0)[places]  # (m, 10)
    known, relevant = places >= 0, _relevant(benchmark)
    titles = len(relevant)
    parts = deal(len(places), options.folds, options.seed)
    crossed, chosen = np.zeros(relevant.shape), []
    advance = progress("leave titles and skills out", options.folds + 1)
    for fold in deal(titles, options.folds, options.seed):
        others = np.setdiff1d(np.arange(titles), fold)
        inner = _crossed(inputs, relevant, known, parts, others, options)
        chosen.append(_best_weight(benchmark, scores, others, inner, alpha))
        crossed[fold] = _added(chosen[-1], _left_out(inputs, relevant[others], known, parts))
        advance(1)
    everyone = np.arange(titles)
    whole = _crossed(inputs, relevant, known, parts, everyone, options)
    chosen.append(_best_weight(benchmark, scores, everyone, whole, alpha))
    weights = _coefficients(inputs[known], relevant[:, known].mean(axis=0))
    weights = weights * chosen[-1] / max(float((inputs[known] @ weights).std()), 1e-9)
    advance(1)
    model = DemandModel(
        tuple(np.round(means, 5).tolist()),
        tuple(np.round(deviations, 5).tolist()),
        tuple(np.round(weights, 6).tolist()),
        f"{benchmark.name}: {titles:,} titles, {int(known.sum()):,} skills",
        tuple(sorted(map(title_hash, benchmark.queries.values()))),
    )
    return model, crossed, chosen


def _crossed(
    inputs: Float64Array,
    relevant: BoolArray,
    known: BoolArray,
    parts: Sequence[Int64Array],
    rows: Int64Array,
    options: FitOptions,
) -> Float64Array:
    """Demand of skills for some titles, each from other titles among these and other skills: (k, m)."""
    found = np.empty((len(rows), len(known)))
    for fold in deal(len(rows), options.folds, options.seed + 1):
        others = np.delete(rows, fold)
        found[fold] = _left_out(inputs, relevant[others], known, parts)
    return found


def _left_out(
    inputs: Float64Array, relevant: BoolArray, known: BoolArray, parts: Sequence[Int64Array]
) -> Float64Array:
    """Demand of each skill from the shares of other skills, of mean 0 and deviation 1: shape (m,)."""
    shares, found = relevant.mean(axis=0), np.zeros(len(known))
    for part in parts:
        train = known.copy()
        train[part] = False
        found[part] = inputs[part] @ _coefficients(inputs[train], shares[train])
    found -= found[known].mean()
    found[~known] = 0.0
    scaled: Float64Array = found / max(float(found[known].std()), 1e-9)
    return scaled


def _coefficients(inputs: Float64Array, shares: Float64Array) -> Float64Array:
    """Of a ridge regression of shares, (p,), on inputs, (p, f): shape (f,)."""
    basis = np.vstack((np.zeros(len(FEATURES)), np.eye(len(FEATURES))))
    predicted, _ = ridge(inputs, shares, basis)
    weights: Float64Array = predicted[1:] - predicted[0]
    return weights


def _best_weight(
    benchmark: Benchmark, scores: Scores, rows: Int64Array, demand: Float64Array, alpha: float
) -> float:
    """The weight with the highest MAP on some titles, whose demand has shape (k, m)."""
    some = Scores(
        tuple(scores.queries[row] for row in rows),
        scores.documents,
        scores.retrieval[rows],
        scores.rerank[rows],
        scores.depth,
    )
    qrels: Qrels = {query: benchmark.qrels[query] for query in some.queries}
    part = Benchmark(benchmark.name, benchmark.queries, benchmark.documents, qrels)
    figures = [
        measure("", part, some.fused(alpha, some.depth, _added(weight, demand))).mean("map")
        for weight in _WEIGHTS
    ]
    return _WEIGHTS[int(np.argmax(figures))]


def _added(weight: float, demand: Float64Array) -> Float64Array:
    """What demand adds with a weight, as a search limits it."""
    return np.minimum(weight * demand, MOST)


def _relevant(benchmark: Benchmark) -> BoolArray:
    columns = {document: column for column, document in enumerate(benchmark.documents)}
    table = np.zeros((len(benchmark.queries), len(columns)), dtype=bool)
    for row, query in enumerate(benchmark.queries):
        for document, grade in benchmark.qrels[query].items():
            table[row, columns[document]] = grade > 0
    return table


def _known(features: Float64Array) -> Float64Array:
    """The features, those that no skill has as zeros."""
    return np.where(np.isnan(features).all(axis=0), 0.0, features)
