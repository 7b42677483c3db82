"""Probabilities of candidates: what their scores are worth, by a calibrator that saw the truth of others.

A calibrator sees a candidate's cosine, how far it is below the best one, its rank, and what the reranker
said of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from skillsearch.arrays import Float64Array
from skillsearch.models.calibration import Calibrator
from skillsearch.rank.candidates import Candidate
from skillsearch.rank.cross_encoder import probability_of
from skillsearch.rank.logistic import logistic
from skillsearch.rank.ranker import Ranker

__all__ = ["NO_RERANKER", "features", "keep_probable", "with_probabilities"]

NO_RERANKER: Final = "none"
"""Key of the calibrator of candidates that no reranker scored."""


def with_probabilities(
    candidates: Sequence[Candidate], ranker: Ranker, calibrators: Mapping[str, Calibrator]
) -> list[Candidate]:
    """Candidates of one query, in their final order, with their probabilities.

    A learned blend gives them by itself. Without a calibrator they are those of the cross-encoder, as it
    gives them, and None where it did not score a candidate.
    """
    if ranker.blend is not None:
        return [replace(one, probability=one.score) for one in candidates]
    found: list[float | None] = [probability_of(one, ranker.temperature) for one in candidates]
    for name, reranked in ((ranker.reranker or "", True), (NO_RERANKER, False)):
        rows = [row for row, one in enumerate(candidates) if (one.rerank_score is not None) == reranked]
        if name in calibrators and rows:
            table = features(candidates)[rows]
            table = table if reranked else table[:, :_PLAIN]
            for row, share in zip(rows, logistic(table @ np.array(calibrators[name].weights)), strict=True):
                found[row] = float(share)
    return [replace(one, probability=share) for one, share in zip(candidates, found, strict=True)]


def keep_probable(candidates: Sequence[Candidate], least: float | None) -> list[Candidate]:
    """Candidates that are at least so probable; None keeps all."""
    if least is None:
        return list(candidates)
    return [one for one in candidates if one.probability is not None and one.probability >= least]


_PLAIN: Final = 4
"""Features of a candidate that no reranker scored."""


def features(candidates: Sequence[Candidate]) -> Float64Array:
    """What a calibrator sees of n candidates of one query, in their final order: shape (n, 6).

    1, the cosine, how far it is below the best, ``log(rank)``, and of the reranker, where it scored them,
    the log odds of being relevant (its score, where it gives no classes) and how far these are below
    the best.
    """
    cosines = np.array([one.retrieval_score for one in candidates], dtype=np.float64)
    scores = np.array([_odds(one) for one in candidates], dtype=np.float64)
    ranks = np.arange(1, len(candidates) + 1)
    best = scores.max(initial=-np.inf, where=np.isfinite(scores))
    return np.stack(
        [
            np.ones_like(cosines),
            cosines,
            cosines.max(initial=-1.0) - cosines,
            np.log(ranks),
            scores,
            best - scores,
        ],
        axis=1,
    )


def _odds(candidate: Candidate) -> float:
    """Log odds of the classes contextual and core together, or the reranker's score; NaN without one."""
    if candidate.logits is not None:
        irrelevant, *relevant = candidate.logits
        return float(np.logaddexp.reduce(relevant) - irrelevant)
    return np.nan if candidate.rerank_score is None else candidate.rerank_score
