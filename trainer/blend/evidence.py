"""From judged titles to evidence: demand, and what similar titles say.

Everything is counted on the titles that are given, and on no others; whoever fits with it keeps a
title out of its own evidence.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillsearch.rank.features import FIRST, Evidence, Floats, title_profile
from trainer.blend.catalogue import Catalogue, sparse_rows
from trainer.blend.pool import Pool

__all__ = ["build_evidence", "crossed_features", "deal", "demand", "pool_features"]

Doubles = NDArray[np.float64]
Places = NDArray[np.int64]

_PRIOR = 5.0  # titles that a skill's predicted demand counts for
_TITLE_PENALTY = 1.0
_SKILL_PENALTY = 1.0
_DEMAND_PENALTIES: Final = (1.0, 10.0, 100.0, 1000.0)
_INNER_FOLDS = 10


def build_evidence(catalogue: Catalogue, pool: Pool, rows: Places) -> Evidence:
    """What the taxonomy and some of the pool's titles say.

    Args:
        catalogue: the index.
        pool: all titles.
        rows: those that may be looked at, shape (k,).
    """
    columns = np.flatnonzero(pool.known)
    places, grades = pool.places[columns], pool.grades[np.ix_(rows, columns)]  # (p,), (k, p)
    judged = sparse_rows(
        {int(places[column]): float(row[column]) for column in np.flatnonzero(row)} for row in grades
    )
    size, rank = len(rows), catalogue.directions.shape[1]
    evidence = Evidence(
        uris=catalogue.uris,
        attributes=catalogue.attributes,
        directions=catalogue.directions,
        occupations=catalogue.occupations,
        needs=catalogue.needs,
        demand=demand(catalogue, places, (grades > 0).sum(axis=0), size),
        titles=pool.vectors[rows],
        judged=judged,
        title_ridge=np.zeros((size, pool.vectors.shape[1] + rank), dtype=np.float32),
        skill_ridge=np.zeros((size, rank + 1), dtype=np.float32),
    )
    profiles = [title_profile(evidence.votes(pool.occupations[row]), catalogue.directions) for row in rows]
    views = np.column_stack((pool.vectors[rows], profiles)).astype(np.float64)  # (k, 1024 + r)
    evidence.title_ridge[:] = _title_ridge(views)
    evidence.skill_ridge[:] = _skill_ridge(catalogue.directions[places], grades)
    return evidence


def demand(catalogue: Catalogue, places: Places, counts: NDArray[np.int64], titles: int) -> Floats:
    """The log-odds that a skill is judged relevant for a title of which nothing is known.

    The count is smoothed toward a prediction from the skill's direction and attributes, by ridge
    regression over the judged skills; a judged skill's own count is left out of its prediction. A skill
    that was never judged has the prediction.

    Args:
        catalogue: N skills.
        places: the p judged ones, shape (p,).
        counts: for how many titles each is relevant, shape (p,).
        titles: how many titles there are.

    Returns:
        Shape (N,).
    """
    inputs = np.column_stack((catalogue.directions, _standardised(catalogue.attributes))).astype(np.float64)
    odds = _log_odds((counts + 0.5) / (titles + 1))
    predicted, left_out = _ridge(inputs[places], odds, inputs)
    shares = _shares(left_out)
    predicted[places] = _log_odds((counts + _PRIOR * shares) / (titles + _PRIOR))
    return predicted.astype(np.float32)


def pool_features(evidence: Evidence, pool: Pool, rows: Places) -> Floats:
    """The features of `FIRST` of some titles with all skills of the pool: shape (k, m, 11)."""
    table = np.empty((len(rows), len(pool.places), len(FIRST)), dtype=np.float32)
    for index, row in enumerate(rows):
        view = evidence.view(pool.vectors[row], pool.occupations[row])
        table[index] = evidence.features(view, pool.places, pool.cosines[row])
    return table


def crossed_features(catalogue: Catalogue, pool: Pool, rows: Places, seed: int) -> Floats:
    """The same, each title with evidence of the other titles only: shape (k, m, 11).

    The titles are dealt to ten folds; a fold's features come from evidence of the other nine.
    """
    table = np.empty((len(rows), len(pool.places), len(FIRST)), dtype=np.float32)
    for fold in deal(len(rows), _INNER_FOLDS, seed):
        others = np.delete(rows, fold)
        table[fold] = pool_features(build_evidence(catalogue, pool, others), pool, rows[fold])
    return table


def deal(size: int, folds: int, seed: int) -> list[Places]:
    """Numbers below `size`, shuffled by seed and dealt to at most so many folds."""
    order = np.random.default_rng(seed).permutation(size)
    return [np.sort(order[start::folds]) for start in range(min(folds, size))]


def _title_ridge(views: Doubles) -> Doubles:
    """``(K + penalty)^-1 X / 2`` where ``K = X X' / 2``: the mean of the kernels of vector and profile."""
    doubled = views @ views.T + 2 * _TITLE_PENALTY * np.eye(len(views))
    return np.asarray(np.linalg.solve(doubled, views), dtype=np.float64)


def _skill_ridge(directions: Floats, grades: Floats) -> Doubles:
    """Each title's grades, less their means, regressed on directions and 1: (p, r), (k, p) to (k, r + 1)."""
    inputs = np.column_stack((directions, np.ones(len(directions)))).astype(np.float64)  # (p, r + 1)
    targets = (grades - grades.mean(axis=0)).astype(np.float64)
    gram = inputs.T @ inputs + _SKILL_PENALTY * np.eye(inputs.shape[1])
    solved: Doubles = np.linalg.solve(gram, inputs.T @ targets.T).T
    return solved


def _ridge(inputs: Doubles, targets: Doubles, everyone: Doubles) -> tuple[Doubles, Doubles]:
    """Ridge regression with the penalty that has the least leave-one-out error.

    Args:
        inputs: shape (p, d).
        targets: shape (p,).
        everyone: shape (N, d), whom to predict for.

    Returns:
        Predictions of shape (N,), and those of shape (p,) that each leave out their own target.
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


def _standardised(attributes: Floats) -> Floats:
    """Columns of mean 0 and deviation 1, 0 where not known; shape (N, 4)."""
    if np.isnan(attributes).all(axis=0).any():
        attributes = np.where(np.isnan(attributes).all(axis=0), 0, attributes)
    deviations = np.nanstd(attributes, axis=0)
    scaled = (attributes - np.nanmean(attributes, axis=0)) / np.where(deviations > 0, deviations, 1)
    filled: Floats = np.nan_to_num(scaled)
    return filled


def _shares(odds: Doubles) -> Doubles:
    shares: Doubles = 1 / (1 + np.exp(-odds))
    return shares


def _log_odds(shares: Doubles) -> Doubles:
    odds: Doubles = np.log(shares / (1 - shares))
    return odds
