"""Fitting a blender and cross-validating it: the same steps, on all titles and on each fold's.

The titles are dealt to folds. What is said of a fold comes from the others: their evidence, networks
trained on their features, and their features in turn from evidence that leaves their own title out.
Nothing is tuned on the folds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skillsearch.models.hub import ModelFolder
from skillsearch.models.reranker import Reranker
from skillsearch.rank.blender import Blender, Head
from skillsearch.rank.features import FIRST, SECOND, Floats, reranked_features
from skillsearch.rank.fuse import CLASSES
from skillsearch.taxonomy.texts import pair_text
from trainer.blend.catalogue import Catalogue
from trainer.blend.evidence import build_evidence, crossed_features, deal, pool_features
from trainer.blend.judgements import check_judgements
from trainer.blend.network import Training, calibrate, fit_head
from trainer.blend.pool import Pool
from trainer.evaluate.pipeline import Progress

__all__ = [
    "Fit",
    "Fold",
    "Options",
    "combined",
    "fit_blender",
    "fit_first",
    "quiet_progress",
    "raw_scores",
    "second_table",
]

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Options:
    """How to fit.

    Attributes:
        folds: titles are dealt to so many, to cross-validate.
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
class Fold:
    """One fold's titles, with what the others taught.

    Attributes:
        train: the others, shape (k,).
        test: its own, shape (l,).
        table: features of its own titles with all skills, shape (l, m, 11).
        first: trained on the others.
        second: trained on the others, where there is a reranker.
    """

    train: Places
    test: Places
    table: Floats
    first: Head
    second: Head | None = None


@dataclass(frozen=True, eq=False)
class Fit:
    """A blender, and what its like said of titles that it had not seen.

    Attributes:
        blender: fitted on all titles.
        pool: what it was fitted on.
        folds: of the cross-validation.
        logits: shape (t, m, 3), of the reranker; NaN where not reranked.
        top: shape (t, depth), each title's skills to rerank, in the order of the first head.
        first: shape (t, m), scores of the first heads, out of fold.
        second: shape (t, depth), scores of the second heads for `top`, out of fold; None without one.
    """

    blender: Blender
    pool: Pool
    folds: tuple[Fold, ...]
    logits: Floats
    top: NDArray[np.intp]
    first: Floats
    second: Floats | None


def quiet_progress(_name: str, _total: int) -> "_Ignore":
    """Hears nothing."""
    return _Ignore()


class _Ignore:
    def __call__(self, _done: int) -> None:
        """Take no notice."""


def fit_blender(
    catalogue: Catalogue,
    pool: Pool,
    encoder: ModelFolder,
    reranker: Reranker | None,
    options: Options,
    *,
    facts: Mapping[str, object] | None = None,
    progress: Progress = quiet_progress,
) -> Fit:
    """Cross-validate, then fit on all titles.

    Args:
        catalogue: the index.
        pool: judged titles and skills.
        encoder: what made the index's vectors.
        reranker: None to do without, and without a second head.
        options: how.
        facts: what the file is to tell.
        progress: hears how far it is.

    Raises:
        EvaluationError: too few titles are left, or nothing tells relevant from irrelevant.
    """
    check_judgements(pool.benchmark, pool.benchmark.name)
    everyone = np.arange(len(pool.titles))
    dealt = deal(len(everyone), options.folds, options.seed)
    advance = progress("first stage", len(dealt) + 1)
    folds, scores = [], np.zeros(pool.cosines.shape, dtype=np.float32)
    for test in dealt:
        train = np.setdiff1d(everyone, test)
        fold = _first_fold(catalogue, pool, train, test, options)
        scores[test] = raw_scores(fold.first, fold.table)
        folds.append(fold)
        advance(1)
    known = pool.known
    first = calibrate(
        fit_first(catalogue, pool, everyone, options),
        scores[:, known].ravel(),
        pool.grades[:, known].ravel(),
    )
    advance(1)
    top = pool.best(scores, options.depth)
    logits = np.full((*scores.shape, len(CLASSES)), np.nan, dtype=np.float32)
    second, said = None, None
    if reranker is not None:
        taught = pool.best(np.where(known, scores, -np.inf), min(options.depth, int(known.sum())))
        pairs = np.zeros(scores.shape, dtype=np.bool_)
        for places in (top, taught, pool.best(pool.cosines, options.depth)):
            np.put_along_axis(pairs, places, True, axis=1)
        _rerank(reranker, pool, pairs, logits, progress)
        folds, said = _second_folds(catalogue, pool, folds, logits, taught, top, options, progress)
        second = _second_head(catalogue, pool, everyone, logits, taught, options)
        second = calibrate(second, said.ravel(), np.take_along_axis(pool.grades, top, axis=1).ravel())
    blender = Blender(
        evidence=build_evidence(catalogue, pool, everyone),
        first=first,
        second=second,
        encoder=encoder.fingerprint,
        reranker=reranker.folder.fingerprint if reranker is not None else None,
        facts=dict(facts or {}),
    )
    return Fit(blender, pool, tuple(folds), logits, top, scores, said)


def fit_first(catalogue: Catalogue, pool: Pool, rows: Places, options: Options) -> Head:
    """A first head of some titles, trained on the skills that the index knows."""
    table = crossed_features(catalogue, pool, rows, options.seed)[:, pool.known]
    grades = pool.grades[np.ix_(rows, pool.known)]
    return fit_head(FIRST, table, grades, seed=options.seed, training=options.training)


def raw_scores(head: Head, table: Floats) -> Floats:
    """A head's scores before calibration: shape (k, m, d) to (k, m)."""
    return np.stack([head.raw(rows) for rows in table])


def combined(first: Floats, second: Floats, top: NDArray[np.intp]) -> Floats:
    """Reranked skills by the second head, all others below by the first.

    Args:
        first: shape (k, m).
        second: shape (k, depth).
        top: shape (k, depth), which skills `second` is about.

    Returns:
        Shape (k, m); only the order has a meaning.
    """
    scores: Floats = first - first.max() - 1.0
    np.put_along_axis(scores, top, second - second.min(), axis=1)
    return scores


def _first_fold(catalogue: Catalogue, pool: Pool, train: Places, test: Places, options: Options) -> Fold:
    head = fit_first(catalogue, pool, train, options)
    return Fold(train, test, pool_features(build_evidence(catalogue, pool, train), pool, test), head)


def _rerank(
    reranker: Reranker, pool: Pool, pairs: NDArray[np.bool_], logits: Floats, progress: Progress
) -> None:
    """Fill in the logits of all pairs of title and skill that are marked: (t, m) into (t, m, 3)."""
    advance = progress("rerank", len(pool.titles))
    for row, title in enumerate(pool.titles):
        places = np.flatnonzero(pairs[row])
        logits[row, places] = reranker.logits([pair_text(title, pool.labels[place]) for place in places])
        advance(1)


def _second_folds(
    catalogue: Catalogue,
    pool: Pool,
    folds: list[Fold],
    logits: Floats,
    taught: NDArray[np.intp],
    top: NDArray[np.intp],
    options: Options,
    progress: Progress,
) -> tuple[list[Fold], Floats]:
    """Train each fold's second head, and say with it what it makes of the fold's own titles.

    Returns:
        The folds with their heads, and scores of shape (t, depth) for `top`.
    """
    advance = progress("second stage", len(folds))
    scores, finished = np.zeros(top.shape, dtype=np.float32), []
    for fold in folds:
        head = _second_head(catalogue, pool, fold.train, logits, taught, options)
        scores[fold.test] = raw_scores(head, second_table(fold.table, logits[fold.test], top[fold.test]))
        finished.append(Fold(fold.train, fold.test, fold.table, fold.first, head))
        advance(1)
    return finished, scores


def _second_head(
    catalogue: Catalogue,
    pool: Pool,
    rows: Places,
    logits: Floats,
    taught: NDArray[np.intp],
    options: Options,
) -> Head:
    """Trained on some titles and their reranked skills."""
    crossed = crossed_features(catalogue, pool, rows, options.seed)
    table = second_table(crossed, logits[rows], taught[rows])
    grades = np.take_along_axis(pool.grades[rows], taught[rows], axis=1)
    return fit_head(SECOND, table, grades, seed=options.seed, training=options.training)


def second_table(table: Floats, logits: Floats, top: NDArray[np.intp]) -> Floats:
    """All features of the reranked skills: (k, m, 11), (k, m, 3), (k, depth) to (k, depth, 16)."""
    first = np.take_along_axis(table, top[..., None], axis=1)
    chosen = np.take_along_axis(logits, top[..., None], axis=1)
    reranked = np.stack([reranked_features(rows) for rows in chosen])
    table_of_all: Floats = np.concatenate((first, reranked), axis=2)
    return table_of_all
