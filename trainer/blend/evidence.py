"""Evidence from judged titles: demand, and the judgements of similar titles.

Everything is counted on the given titles alone; whoever fits with it keeps a title out of its own
evidence.
"""

from typing import Final

import numpy as np

from skillsearch.arrays import Float32Array, Float64Array, Int64Array
from skillsearch.rank.features import FIRST, Evidence, title_profile
from trainer.blend.catalogue import Catalogue, sparse_rows
from trainer.blend.pool import Pool

__all__ = ["build_evidence", "crossed_features", "deal", "demand", "pool_features", "ridge"]

_PRIOR = 5.0  # titles that a skill's predicted demand counts for
_TITLE_PENALTY = 1.0
_SKILL_PENALTY = 1.0
_DEMAND_PENALTIES: Final = (1.0, 10.0, 100.0, 1000.0)
_INNER_FOLDS = 10


def build_evidence(catalogue: Catalogue, pool: Pool, rows: Int64Array) -> Evidence:
    """The evidence of the taxonomy and of some of the pool's titles, shape (k,)."""
    columns = np.flatnonzero(pool.known)
    skills, grades = pool.catalogue_rows[columns], pool.grades[np.ix_(rows, columns)]  # (p,), (k, p)
    judged = sparse_rows(
        {int(skills[column]): float(row[column]) for column in np.flatnonzero(row)} for row in grades
    )
    size, rank = len(rows), catalogue.directions.shape[1]
    evidence = Evidence(
        uris=catalogue.uris,
        attributes=catalogue.attributes,
        directions=catalogue.directions,
        occupations=catalogue.occupations,
        needs=catalogue.needs,
        demand=demand(catalogue, skills, (grades > 0).sum(axis=0), size),
        titles=pool.vectors[rows],
        judged=judged,
        title_ridge=np.zeros((size, pool.vectors.shape[1] + rank), dtype=np.float32),
        skill_ridge=np.zeros((size, rank + 1), dtype=np.float32),
    )
    profiles = [title_profile(evidence.votes(pool.occupations[row]), catalogue.directions) for row in rows]
    views = np.column_stack((pool.vectors[rows], profiles)).astype(np.float64)  # (k, d + r)
    evidence.title_ridge[:] = _title_ridge(views)
    evidence.skill_ridge[:] = _skill_ridge(catalogue.directions[skills], grades)
    return evidence


def demand(catalogue: Catalogue, skills: Int64Array, counts: Int64Array, titles: int) -> Float32Array:
    """The log-odds that a skill is judged relevant for a title of which nothing is known.

    The count is smoothed toward a prediction from the skill's direction and attributes, by ridge
    regression over the judged skills; a judged skill's own count is left out of its prediction. A skill
    that was never judged has the prediction.

    Args:
        catalogue: N skills.
        skills: rows of the p judged ones, shape (p,).
        counts: for how many titles each is relevant, shape (p,).
        titles: how many titles there are.

    Returns:
        Shape (N,).
    """
    inputs = np.column_stack((catalogue.directions, _standardised(catalogue.attributes))).astype(np.float64)
    odds = _log_odds((counts + 0.5) / (titles + 1))
    predicted, left_out = ridge(inputs[skills], odds, inputs)
    shares = 1 / (1 + np.exp(-left_out))
    predicted[skills] = _log_odds((counts + _PRIOR * shares) / (titles + _PRIOR))
    return predicted.astype(np.float32)


def pool_features(evidence: Evidence, pool: Pool, rows: Int64Array) -> Float32Array:
    """The features of `FIRST` of k titles with all m skills of the pool: shape (k, m, 11)."""
    table = np.empty((len(rows), len(pool.catalogue_rows), len(FIRST)), dtype=np.float32)
    for index, row in enumerate(rows):
        view = evidence.view(pool.vectors[row], pool.occupations[row])
        table[index] = evidence.features(view, pool.catalogue_rows, pool.cosines[row])
    return table


def crossed_features(catalogue: Catalogue, pool: Pool, rows: Int64Array, seed: int) -> Float32Array:
    """The same, each title with evidence of the other titles only: shape (k, m, 11).

    The titles are dealt to ten folds; a fold's features come from evidence of the other nine.
    """
    table = np.empty((len(rows), len(pool.catalogue_rows), len(FIRST)), dtype=np.float32)
    for fold in deal(len(rows), _INNER_FOLDS, seed):
        others = np.delete(rows, fold)
        table[fold] = pool_features(build_evidence(catalogue, pool, others), pool, rows[fold])
    return table


def deal(size: int, folds: int, seed: int) -> list[Int64Array]:
    """Numbers below `size`, shuffled by seed and dealt to at most so many folds."""
    order = np.random.default_rng(seed).permutation(size)
    return [np.sort(order[start::folds]) for start in range(min(folds, size))]


def _title_ridge(views: Float64Array) -> Float64Array:
    """``(K + penalty)^-1 X / 2`` where ``K = X X' / 2``: the mean of the kernels of vector and profile."""
    doubled = views @ views.T + 2 * _TITLE_PENALTY * np.eye(len(views))
    return np.asarray(np.linalg.solve(doubled, views), dtype=np.float64)


def _skill_ridge(directions: Float32Array, grades: Float32Array) -> Float64Array:
    """Each title's grades, less their means, regressed on directions and 1: (p, r), (k, p) to (k, r + 1)."""
    inputs = np.column_stack((directions, np.ones(len(directions)))).astype(np.float64)  # (p, r + 1)
    targets = (grades - grades.mean(axis=0)).astype(np.float64)
    gram = inputs.T @ inputs + _SKILL_PENALTY * np.eye(inputs.shape[1])
    solved: Float64Array = np.linalg.solve(gram, inputs.T @ targets.T).T
    return solved


def ridge(
    inputs: Float64Array, targets: Float64Array, everyone: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Ridge regression with the penalty of the least leave-one-out error.

    Inputs (p, d), targets (p,) and inputs to predict for (N, d), to predictions (N,), and to predictions
    (p,) that each leave out their own target.
    """
    middle, mean = inputs.mean(axis=0), targets.mean()
    centred = inputs - middle
    variances, basis = np.linalg.eigh(centred.T @ centred)
    turned = centred @ basis  # (p, d)
    best = None
    for penalty in _DEMAND_PENALTIES:
        shrunk = turned / (variances + penalty)
        weights = shrunk.T @ (targets - mean)  # (d,)
        leverage = np.minimum((shrunk * turned).sum(axis=1) + 1 / len(targets), 0.99)
        fitted = turned @ weights + mean
        left_out = (fitted - leverage * targets) / (1 - leverage)
        error = float(np.square(left_out - targets).mean())
        if best is None or error < best[0]:
            best = (error, (everyone - middle) @ (basis @ weights) + mean, left_out)
    assert best is not None  # noqa: S101 - there are penalties
    return best[1], best[2]


def _standardised(attributes: Float32Array) -> Float32Array:
    """Columns of mean 0 and deviation 1, 0 where not known; shape (N, 4)."""
    attributes = np.where(np.isnan(attributes).all(axis=0), 0, attributes)
    deviations = np.nanstd(attributes, axis=0)
    scaled = (attributes - np.nanmean(attributes, axis=0)) / np.where(deviations > 0, deviations, 1)
    filled: Float32Array = np.nan_to_num(scaled)
    return filled


def _log_odds(shares: Float64Array) -> Float64Array:
    odds: Float64Array = np.log(shares / (1 - shares))
    return odds
