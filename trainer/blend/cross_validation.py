"""Fitting a blender and cross-validating it: the same steps, on all titles and on each fold's.

The titles are dealt to folds. Scores of a fold's titles come from the other folds: their evidence, networks
trained on their features, and their features in turn from evidence that leaves their own title out.
Nothing is tuned on the folds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from skillsearch.arrays import Float32Array, Int64Array
from skillsearch.models.classes import CLASSES
from skillsearch.models.hub import ModelFolder
from skillsearch.models.protocols import PairScorer
from skillsearch.progress import Progress, silent
from skillsearch.rank.blender import Blender, Head
from skillsearch.rank.features import FIRST, SECOND, reranked_features
from skillsearch.tasks import TITLE_TO_SKILLS
from trainer.blend.catalogue import Catalogue
from trainer.blend.evidence import build_evidence, crossed_features, deal, pool_features
from trainer.blend.judgements import check_judgements
from trainer.blend.network import Training, calibrate, fit_head
from trainer.blend.pool import Pool

__all__ = ["Fit", "FitOptions", "Fitter", "Stage", "fit_blender", "merge_scores"]


@dataclass(frozen=True, slots=True)
class FitOptions:
    """Options of a fit.

    Attributes:
        folds: of the cross-validation, at most one for each title.
        seed: of folds, weights and batches.
        depth: how many skills of a title are reranked.
        alpha: weight of retrieval in the fixed blend, which is measured beside.
        training: how much networks are trained.
    """

    folds: int = 5
    seed: int = 42
    depth: int = 200
    alpha: float = 0.7
    training: Training = field(default_factory=Training)


@dataclass(frozen=True, eq=False)
class Stage:
    """Heads that were each trained on all folds but one, and the features of that fold's titles.

    Attributes:
        features: names of d features.
        folds: of t titles; each has rows of the pool.
        heads: one for each fold.
        tables: features of each fold's titles with n skills, shape (k, n, d).
    """

    features: tuple[str, ...]
    folds: Sequence[Int64Array]
    heads: Sequence[Head]
    tables: Sequence[Float32Array]

    @cached_property
    def scores(self) -> Float32Array:
        """Scores of each title by the head that was not trained on it: shape (t, n)."""
        parts = [
            np.stack([head.raw(rows) for rows in table])
            for head, table in zip(self.heads, self.tables, strict=True)
        ]
        scores: Float32Array = np.concatenate(parts)[np.argsort(np.concatenate(self.folds))]
        return scores


@dataclass(frozen=True, eq=False)
class Fit:
    """A blender, and others like it that were fitted without some of the titles.

    Attributes:
        blender: fitted on all titles.
        pool: what it was fitted on.
        options: how it was fitted.
        first: the heads before reranking, for all skills.
        second: the heads after reranking, for the skills of `top`; None without a reranker.
        top: shape (t, depth), each title's skills to rerank, in the order of the first heads.
        logits: shape (t, m, 3), of the reranker; NaN where not reranked.
    """

    blender: Blender
    pool: Pool
    options: FitOptions
    first: Stage
    second: Stage | None
    top: Int64Array
    logits: Float32Array


@dataclass(frozen=True, eq=False)
class Fitter:
    """Fits heads on some titles of a pool."""

    catalogue: Catalogue
    pool: Pool
    options: FitOptions

    def first_head(self, rows: Int64Array) -> Head:
        """A head trained on some titles and the skills that the index has."""
        table = self._crossed(rows)[:, self.pool.known]
        return self._head(FIRST, table, self.pool.grades[np.ix_(rows, self.pool.known)])

    def second_head(self, rows: Int64Array, logits: Float32Array, columns: Int64Array) -> Head:
        """A head trained on some titles and their reranked skills.

        Logits, shape (t, m, 3), and columns of the skills, shape (t, n), are those of all titles.
        """
        table = _second_table(self._crossed(rows), logits[rows], columns[rows])
        return self._head(SECOND, table, np.take_along_axis(self.pool.grades[rows], columns[rows], axis=1))

    def features(self, train: Int64Array, test: Int64Array) -> Float32Array:
        """Features of some titles by the evidence of others: (k,) and (l,) to (l, m, 11)."""
        return pool_features(build_evidence(self.catalogue, self.pool, train), self.pool, test)

    def _crossed(self, rows: Int64Array) -> Float32Array:
        return crossed_features(self.catalogue, self.pool, rows, self.options.seed)

    def _head(self, names: tuple[str, ...], table: Float32Array, grades: Float32Array) -> Head:
        return fit_head(names, table, grades, seed=self.options.seed, training=self.options.training)


def fit_blender(
    catalogue: Catalogue,
    pool: Pool,
    encoder: ModelFolder,
    reranker: PairScorer | None,
    options: FitOptions,
    *,
    progress: Progress = silent,
) -> Fit:
    """Cross-validate, then fit on all titles.

    Args:
        catalogue: the index.
        pool: judged titles and skills.
        encoder: that the index was built with.
        reranker: None to do without, and without a second head.
        options: how to fit.
        progress: hears of the stages.

    Raises:
        EvaluationError: too few titles are left, or nothing tells relevant from irrelevant.
    """
    check_judgements(pool.benchmark, pool.benchmark.name)
    fitter, everyone, known = Fitter(catalogue, pool, options), np.arange(len(pool.titles)), pool.known
    folds = deal(len(everyone), options.folds, options.seed)
    trains = [np.setdiff1d(everyone, fold) for fold in folds]
    advance = progress("first stage", len(folds) + 1)
    tables, heads = [], []
    for train, test in zip(trains, folds, strict=True):
        tables.append(fitter.features(train, test))
        heads.append(fitter.first_head(train))
        advance(1)
    first = Stage(FIRST, folds, heads, tables)
    first_head = fitter.first_head(everyone)
    first_head = calibrate(first_head, first.scores[:, known].ravel(), pool.grades[:, known].ravel())
    advance(1)
    top = pool.best(first.scores, options.depth)
    logits = np.full((*first.scores.shape, len(CLASSES)), np.nan, dtype=np.float32)
    second, second_head = None, None
    if reranker is not None:
        taught = pool.best(np.where(known, first.scores, -np.inf), min(options.depth, int(known.sum())))
        nearest = pool.best(pool.cosines, options.depth)
        _rerank(reranker, pool, (top, taught, nearest), logits, progress)
        advance = progress("second stage", len(folds) + 1)
        tables, heads = [], []
        for train, test, table in zip(trains, folds, first.tables, strict=True):
            tables.append(_second_table(table, logits[test], top[test]))
            heads.append(fitter.second_head(train, logits, taught))
            advance(1)
        second = Stage(SECOND, folds, heads, tables)
        second_head = fitter.second_head(everyone, logits, taught)
        grades = np.take_along_axis(pool.grades, top, axis=1)
        second_head = calibrate(second_head, second.scores.ravel(), grades.ravel())
        advance(1)
    blender = Blender(
        evidence=build_evidence(catalogue, pool, everyone),
        first=first_head,
        second=second_head,
        encoder=encoder.fingerprint,
        reranker=reranker.folder.fingerprint if reranker is not None else None,
        facts={},
    )
    return Fit(blender, pool, options, first, second, top, logits)


def merge_scores(first: Float32Array, second: Float32Array, top: Int64Array) -> Float32Array:
    """Reranked skills by the second head, all others below by the first; only the order has a meaning.

    Scores of shapes (k, m) and (k, depth), and columns of the reranked skills, (k, depth), to (k, m).
    """
    scores: Float32Array = first - first.max() - 1.0
    np.put_along_axis(scores, top, second - second.min(), axis=1)
    return scores


def _second_table(table: Float32Array, logits: Float32Array, top: Int64Array) -> Float32Array:
    """All features of the reranked skills: (k, m, 11), (k, m, 3), (k, depth) to (k, depth, 16)."""
    first = np.take_along_axis(table, top[..., None], axis=1)
    chosen = np.take_along_axis(logits, top[..., None], axis=1)
    reranked = np.stack([reranked_features(rows) for rows in chosen])
    return np.concatenate((first, reranked), axis=2)


def _rerank(
    reranker: PairScorer,
    pool: Pool,
    choices: Sequence[Int64Array],
    logits: Float32Array,
    progress: Progress,
) -> None:
    """Fill in the logits, shape (t, m, 3), of the pairs of title and skill that any choice names."""
    advance = progress("rerank", len(pool.titles))
    for row, title in enumerate(pool.titles):
        columns = np.unique(np.concatenate([choice[row] for choice in choices]))
        labels = [pool.labels[column] for column in columns]
        logits[row, columns] = reranker.logits([TITLE_TO_SKILLS.pair(title, label) for label in labels])
        advance(1)
