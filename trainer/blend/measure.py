"""Measuring a learned blend on a benchmark: all skills of each title it was not fitted on, in its order."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from skillsearch.arrays import Float32Array, Int64Array
from skillsearch.characters import fold
from skillsearch.errors import ConfigurationError, EvaluationError
from skillsearch.models.protocols import PairScorer
from skillsearch.progress import Progress, silent
from skillsearch.rank.blender import Blender, Head, load_blender
from skillsearch.rank.choose import require_one_ranker
from skillsearch.rank.features import reranked_features
from skillsearch.settings import Settings
from skillsearch.tasks import TITLE_TO_SKILLS
from trainer.blend.catalogue import read_catalogue
from trainer.blend.cross_validation import merge_scores
from trainer.blend.pool import Pool, build_pool
from trainer.evaluate.benchmark import Benchmark
from trainer.evaluate.evaluation import Evaluation, Plan

__all__ = ["FITTED_TITLES", "evaluate_blend", "unseen"]

FITTED_TITLES: Final = "fitted_titles"
"""Key of a blender's facts: the titles that it was fitted on, as the models saw them."""

_NAMED: Final = 3  # titles in a message


def evaluate_blend(
    benchmark: Benchmark, settings: Settings, plan: Plan, path: Path, progress: Progress = silent
) -> Evaluation:
    """Measure a learned blend on the titles of a benchmark that it was not fitted on.

    Every skill of the benchmark is ranked, those that the published index lacks too: they are embedded by
    their own names, and what else the blend looks at counts as not known.

    Args:
        benchmark: judged titles, and skills by URI.
        settings: which models and index, how many are reranked and how much demand counts.
        plan: how to measure; it has no sweeps.
        path: of the blender's file.
        progress: hears how far it is.

    Raises:
        ConfigurationError: a sweep is asked for, or a reranker that the blend does not take.
        EvaluationError: see `unseen`; or the index has none of the skills.
        ModelError: the blender or a model cannot be loaded.
        ModelMismatchError: the blender or the index belongs to other models.
        StoreError: nothing is published, or the store does not answer.
    """
    from skillsearch.models.device import use_threads
    from skillsearch.models.pair import locate_models
    from skillsearch.store import open_store

    if plan.sweeps:
        raise ConfigurationError("--sweep varies the fixed blend: it does not go with --blender")
    require_one_ranker(settings.model_copy(update={"blender": path}))
    blender = load_blender(path)
    benchmark, warnings = unseen(benchmark, blender, path)
    progress("load index and models")
    pair = locate_models(settings.model_location)
    use_threads(settings.threads)
    encoder = pair.load_encoder(**settings.running)
    scorer = None
    if plan.rerank and blender.second is not None:
        scorer = pair.load_reranker(precision=settings.precision, **settings.running)
    blender.require_match(encoder.folder, scorer.folder if scorer else None)
    store = open_store(settings)
    try:
        build = store.published()
        pool = build_pool(benchmark, read_catalogue(build), build, encoder)
    finally:
        store.close()
    tables, first, seconds = _first_scores(blender, pool, settings.demand_weight, progress)
    rankings = {"retrieval alone": pool.cosines, "learned, without reranker": first}
    if scorer is not None and blender.second is not None:
        top = pool.best(first, settings.depth)
        second = _second_scores(blender.second, pool, scorer, (tables, top), settings.demand_weight, progress)
        rankings["learned"] = merge_scores(first, second, top)
    ranked = {label: pool.ranking(scores).cut(plan.cut) for label, scores in rankings.items()}
    unknown = len(pool.unknown())
    if unknown:
        warnings += (f"{unknown:,} skills are not in the index: ranked by what their names say",)
    facts = {
        "encoder": str(encoder.folder),
        "reranker": str(scorer.folder) if scorer else None,
        "blender": str(path),
        "cut": plan.cut,
        "depth": settings.depth,
        "demand_weight": settings.demand_weight,
        "unknown_skills": unknown,
        "blend_ms_per_title": round(1000 * seconds / len(pool.titles), 1),
    }
    return Evaluation(
        pool.benchmark,
        tuple(plan.row(label, pool.benchmark, ranking) for label, ranking in ranked.items()),
        list(ranked.values())[-1],
        warnings=warnings,
        note=plan.note,
        facts=facts,
    )


def unseen(benchmark: Benchmark, blender: Blender, path: Path) -> tuple[Benchmark, tuple[str, ...]]:
    """A benchmark without the titles that a blender was fitted on, and a warning where there are any.

    Raises:
        EvaluationError: no title is left, or the file does not say what it was fitted on.
    """
    fitted = blender.facts.get(FITTED_TITLES)
    if not isinstance(fitted, list) or not all(isinstance(title, str) for title in fitted):
        raise EvaluationError(
            f"{path} does not say which titles it was fitted on, so figures on any could be of titles that "
            "it knows: fit it again with `skillsearch fit`"
        )
    known = set(map(fold, fitted))
    seen = [name for name, title in benchmark.queries.items() if fold(TITLE_TO_SKILLS.view(title)) in known]
    left = benchmark.queries.keys() - seen
    if not benchmark.qrels.keys() & left:
        raise EvaluationError(
            f"{path} was fitted on all {len(seen):,} judged titles of {benchmark.name}: give judgements of "
            "other titles; `skillsearch fit` cross-validates on its own"
        )
    warnings: tuple[str, ...] = ()
    if seen:
        examples = ", ".join(benchmark.queries[name] for name in seen[:_NAMED])
        more = ", …" if len(seen) > _NAMED else ""
        warnings = (f"{len(seen):,} titles that {path.name} was fitted on are left out ({examples}{more})",)
    queries = {name: title for name, title in benchmark.queries.items() if name in left}
    qrels = {name: grades for name, grades in benchmark.qrels.items() if name in left}
    return replace(benchmark, queries=queries, qrels=qrels), warnings


def _first_scores(
    blender: Blender, pool: Pool, demand_weight: float, progress: Progress
) -> tuple[Float32Array, Float32Array, float]:
    """Features of t titles with m skills, (t, m, 11), scores before reranking, (t, m), and the seconds."""
    uris = [document.uri for document in pool.benchmark.documents.values()]
    evidence, start = blender.evidence, time.perf_counter()
    rows = evidence.rows_of(uris)
    tables, scores = [], []
    advance = progress("rank", len(pool.titles))
    for vector, occupations, cosines in zip(pool.vectors, pool.occupations, pool.cosines, strict=True):
        tables.append(evidence.features(evidence.view(vector, occupations), rows, cosines))
        scores.append(blender.first.raw(tables[-1], demand_weight))
        advance(1)
    return np.stack(tables), np.stack(scores), time.perf_counter() - start


def _second_scores(
    head: Head,
    pool: Pool,
    scorer: PairScorer,
    chosen: tuple[Float32Array, Int64Array],
    demand_weight: float,
    progress: Progress,
) -> Float32Array:
    """Scores of the reranked skills, from all titles' features and the chosen columns: shape (t, depth)."""
    advance, scores = progress("rerank", len(pool.titles)), []
    for title, table, columns in zip(pool.titles, *chosen, strict=True):
        logits = scorer.logits([TITLE_TO_SKILLS.pair(title, pool.labels[column]) for column in columns])
        rows = np.concatenate((table[columns], reranked_features(logits)), axis=1)
        scores.append(head.raw(rows, demand_weight))
        advance(1)
    return np.stack(scores)
