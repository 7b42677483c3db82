"""Figures of a fit: out of fold, and by the number of judged titles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillsearch.arrays import Float64Array
from skillsearch.models.classes import CORE
from skillsearch.progress import Progress, silent
from skillsearch.rank.features import FIRST
from skillsearch.rank.fuse import fuse
from trainer.blend.catalogue import Catalogue
from trainer.blend.cross_validation import Fit, FitOptions, Fitter, Stage, merge_scores
from trainer.evaluate.measures import Row, measure

__all__ = ["CURVE_SIZES", "CurvePoint", "learning_curve", "measure_fit"]

CURVE_SIZES: Final = (5, 10, 20, 50, 100, 200, 500)
"""Training titles."""

_DRAWS = 3


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Figures of a blend without reranker, fitted on so many titles: means over draws."""

    titles: int
    map: float
    map_deviation: float
    ndcg_10: float
    ndcg: float


def measure_fit(fit: Fit) -> list[Row]:
    """Out of fold: retrieval alone, the fixed blend where there is a reranker, and the learned ones."""
    pool = fit.pool
    scores: dict[str, NDArray[np.floating]] = {"retrieval alone": pool.cosines}
    if fit.second is not None:
        scores["fixed blend"] = _fixed_blend(fit)
    scores["learned, without reranker"] = fit.first.scores
    if fit.second is not None:
        scores["learned"] = merge_scores(fit.first.scores, fit.second.scores, fit.top)
    return [measure(label, pool.benchmark, pool.ranking(table)) for label, table in scores.items()]


def learning_curve(catalogue: Catalogue, fit: Fit, progress: Progress = silent) -> list[CurvePoint]:
    """Figures by number of training titles, each drawn three times from every fold's training titles.

    The blend is the one without reranker, of a single network.
    """
    most = len(fit.pool.titles) - max(map(len, fit.first.folds))
    sizes = [size for size in CURVE_SIZES if size < most]
    advance = progress("learning curve", len(sizes) * _DRAWS)
    single = replace(fit.options.training, networks=1)
    points = []
    for size in sizes:
        draws = []
        for number in range(_DRAWS):
            seeded = replace(fit.options, seed=fit.options.seed + number, training=single)
            draws.append(_draw(catalogue, fit, size, seeded))
            advance(1)
        points.append(_point(size, draws))
    whole = measure("", fit.pool.benchmark, fit.pool.ranking(fit.first.scores))
    return [*points, _point(most, [whole])]


def _fixed_blend(fit: Fit) -> Float64Array:
    """Scores of the blend that is served without judgements: shape (t, m)."""
    cosines, depth = fit.pool.cosines, fit.options.depth
    scores = np.empty(cosines.shape)
    for row, columns in enumerate(fit.pool.best(cosines, cosines.shape[1])):
        logits = fit.logits[row, columns[:depth], CORE]
        scores[row, columns] = fuse(cosines[row, columns], logits, fit.options.alpha)
    return scores


def _draw(catalogue: Catalogue, fit: Fit, size: int, options: FitOptions) -> Row:
    """Figures of a blend that each fold's titles are kept out of, fitted on so many of the others."""
    fitter, everyone = Fitter(catalogue, fit.pool, options), np.arange(len(fit.pool.titles))
    heads, tables = [], []
    for fold in fit.first.folds:
        others = np.setdiff1d(everyone, fold)
        rows = np.sort(np.random.default_rng(options.seed).permutation(others)[:size])
        heads.append(fitter.first_head(rows))
        tables.append(fitter.features(rows, fold))
    stage = Stage(FIRST, fit.first.folds, heads, tables)
    return measure("", fit.pool.benchmark, fit.pool.ranking(stage.scores))


def _point(size: int, rows: Sequence[Row]) -> CurvePoint:
    maps = [row.mean("map") for row in rows]
    return CurvePoint(
        titles=size,
        map=_mean(maps),
        map_deviation=float(np.std(maps)),
        ndcg_10=_mean(row.mean("ndcg@10") for row in rows),
        ndcg=_mean(row.mean("ndcg") for row in rows),
    )


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
