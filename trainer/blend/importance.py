"""What a blend is worth: rows of figures, the worth of each feature, and a learning curve."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillsearch.rank.features import FIRST, SECOND, Floats
from trainer.blend.catalogue import Catalogue
from trainer.blend.evidence import build_evidence, pool_features
from trainer.blend.fit import Fit, Options, combined, fit_first, quiet_progress, raw_scores, second_table
from trainer.blend.pool import Pool
from trainer.evaluate.measures import Row, measure
from trainer.evaluate.pipeline import Progress, Scores, blended

__all__ = ["CURVE_SIZES", "CurvePoint", "Worth", "importance", "learning_curve", "measure_fit"]

CURVE_SIZES: Final = (5, 10, 20, 50, 100, 200, 500)
"""Training titles."""

_DRAWS = 3
_SHUFFLES = 3


@dataclass(frozen=True, slots=True)
class Worth:
    """By how much MAP falls when a feature is shuffled, before reranking and after; None where not used."""

    feature: str
    first: float | None
    second: float | None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Figures of a blend without reranker that was fitted on so many titles: means over draws."""

    titles: int
    map: float
    map_deviation: float
    ndcg_10: float
    ndcg: float


def measure_fit(fit: Fit, options: Options) -> list[Row]:
    """Out of fold: retrieval alone, the fixed blend where there is a reranker, and the learned ones."""
    pool = fit.pool
    queries, documents = tuple(pool.benchmark.queries), tuple(pool.benchmark.documents)
    rankings = {"retrieval alone": pool.ranking(pool.cosines)}
    if fit.second is not None:
        scores = Scores(queries, documents, pool.cosines, fit.logits, options.depth)
        rankings["fixed blend"] = blended(scores, options.depth, options.alpha)
    rankings["learned, without reranker"] = pool.ranking(fit.first)
    if fit.second is not None:
        rankings["learned"] = pool.ranking(combined(fit.first, fit.second, fit.top))
    return [measure(label, pool.benchmark, ranking) for label, ranking in rankings.items()]


def importance(fit: Fit, seed: int) -> list[Worth]:
    """Shuffle each feature among a title's skills, and see by how much MAP falls, out of fold.

    Breiman's permutation importance, "Random Forests", 2001; the mean of three shuffles. After
    reranking, only the reranked skills are shuffled.
    """
    pool = fit.pool
    draw = np.random.default_rng(seed)
    whole = _map(pool, fit.first)
    first = {
        name: whole - np.mean([_map(pool, _first_shuffled(fit, column, draw)) for _ in range(_SHUFFLES)])
        for column, name in enumerate(FIRST)
    }
    second: dict[str, float] = {}
    if fit.second is not None:
        whole = _map(pool, combined(fit.first, fit.second, fit.top))
        for column, name in enumerate(SECOND):
            shuffled = [_map(pool, _second_shuffled(fit, column, draw)) for _ in range(_SHUFFLES)]
            second[name] = whole - float(np.mean(shuffled))
    names = SECOND if second else FIRST
    worth = [Worth(name, _float(first.get(name)), second.get(name)) for name in names]
    return sorted(worth, key=lambda one: -(one.second if one.second is not None else one.first or 0.0))


def learning_curve(
    catalogue: Catalogue, fit: Fit, options: Options, progress: Progress = quiet_progress
) -> list[CurvePoint]:
    """Figures by number of training titles, each drawn three times from every fold's training titles.

    The blend is the one without reranker, of a single network.
    """
    most = min(len(fold.train) for fold in fit.folds)
    sizes = [size for size in CURVE_SIZES if size < most]
    advance = progress("learning curve", len(sizes) * _DRAWS)
    single = replace(options.training, networks=1)
    points = []
    for size in sizes:
        draws = []
        for number in range(_DRAWS):
            seeded = replace(options, seed=options.seed + number, training=single)
            draws.append(_draw(catalogue, fit, size, seeded))
            advance(1)
        points.append(_point(size, draws))
    whole = measure("", fit.pool.benchmark, fit.pool.ranking(fit.first))
    return [*points, _point(most, [whole])]


def _draw(catalogue: Catalogue, fit: Fit, size: int, options: Options) -> Row:
    pool, scores = fit.pool, np.zeros_like(fit.first)
    for fold in fit.folds:
        rows = np.sort(np.random.default_rng(options.seed).permutation(fold.train)[:size])
        head = fit_first(catalogue, pool, rows, options)
        scores[fold.test] = raw_scores(
            head, pool_features(build_evidence(catalogue, pool, rows), pool, fold.test)
        )
    return measure("", pool.benchmark, pool.ranking(scores))


def _point(size: int, rows: Sequence[Row]) -> CurvePoint:
    maps = [row.mean("map") for row in rows]
    return CurvePoint(
        titles=size,
        map=float(np.mean(maps)),
        map_deviation=float(np.std(maps)),
        ndcg_10=float(np.mean([row.mean("ndcg@10") for row in rows])),
        ndcg=float(np.mean([row.mean("ndcg") for row in rows])),
    )


def _first_shuffled(fit: Fit, column: int, draw: np.random.Generator) -> Floats:
    scores = np.zeros_like(fit.first)
    for fold in fit.folds:
        scores[fold.test] = raw_scores(fold.first, _shuffled(fold.table, column, draw))
    return scores


def _second_shuffled(fit: Fit, column: int, draw: np.random.Generator) -> Floats:
    second = np.zeros(fit.top.shape, dtype=np.float32)
    for fold in fit.folds:
        if fold.second is not None:
            table = second_table(fold.table, fit.logits[fold.test], fit.top[fold.test])
            second[fold.test] = raw_scores(fold.second, _shuffled(table, column, draw))
    return combined(fit.first, second, fit.top)


def _shuffled(table: Floats, column: int, draw: np.random.Generator) -> Floats:
    """A copy with one feature shuffled within each title: shape (k, n, d)."""
    copy = table.copy()
    copy[..., column] = draw.permuted(table[..., column], axis=1)
    return copy


def _map(pool: Pool, scores: NDArray[np.floating]) -> float:
    """Mean average precision, in numpy: features are many, and this is asked for each."""
    relevant = np.take_along_axis(pool.grades > 0, pool.best(scores, scores.shape[1]), axis=1)
    found = np.cumsum(relevant, axis=1)
    precision = found / np.arange(1, relevant.shape[1] + 1)
    total = np.maximum(found[:, -1], 1)
    return float(((precision * relevant).sum(axis=1) / total).mean())


def _float(value: "np.floating | float | None") -> float | None:
    return None if value is None else float(value)
