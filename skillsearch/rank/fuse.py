"""The formula that blends retrieval and reranking: the one that is served, and the one that is measured."""

import numpy as np
from numpy.typing import ArrayLike

from skillsearch.arrays import Float64Array

__all__ = ["fuse", "min_max", "softmax"]


def fuse(
    retrieval: ArrayLike, rerank: ArrayLike, alpha: float, demand: ArrayLike | None = None
) -> Float64Array:
    """Blend the scores of candidates, of which the first k were reranked.

    Within the first k, ``alpha * min_max(retrieval) + (1 - alpha) * min_max(rerank)``, in [0, 1]. Below,
    ``alpha * min_max(retrieval)`` on the same scale, lowered to 0 where it is more, so that no candidate
    that was not reranked is above one that was.

    Demand is added to both; then all that was not reranked is lowered alike, so that this stays so.

    Args:
        retrieval: shape (n,), falling.
        rerank: shape (k,), k at most n.
        alpha: weight of retrieval, in [0, 1].
        demand: shape (n,), what is added; None adds nothing.

    Returns:
        Shape (n,).
    """
    cosines, scores = np.asarray(retrieval, dtype=np.float64), np.asarray(rerank, dtype=np.float64)
    head, tail = cosines[: len(scores)], cosines[len(scores) :]
    blended = alpha * min_max(head) + (1.0 - alpha) * min_max(scores)
    below = np.minimum(alpha * min_max(tail, among=head), 0.0)
    if demand is not None:
        added = np.asarray(demand, dtype=np.float64)
        blended, below = blended + added[: len(head)], below + added[len(head) :]
        below -= max(below.max(initial=-np.inf) - blended.min(initial=np.inf), 0.0)
    return np.concatenate((blended, below))


def min_max(scores: ArrayLike, among: ArrayLike | None = None) -> Float64Array:
    """Scale scores so that the lowest of `among` becomes 0 and the highest 1.

    Min-max normalisation for score fusion, after Lee, "Analyses of Multiple Evidence
    Combination", SIGIR 1997.

    Args:
        scores: shape (n,).
        among: shape (m,), the scores that set the scale; by default `scores` themselves.

    Returns:
        Shape (n,); beyond [0, 1] for scores outside the scale. Where the scale has no extent,
        scores on it become 1.
    """
    values = np.asarray(scores, dtype=np.float64)
    scale = values if among is None else np.asarray(among, dtype=np.float64)
    if scale.size == 0:
        return values
    low, high = scale.min(), scale.max()
    scaled: Float64Array = values - low + 1.0 if high == low else (values - low) / (high - low)
    return scaled


def softmax(logits: ArrayLike) -> Float64Array:
    """Softmax over the last axis: shape (..., classes) to (..., classes), rows summing to 1."""
    values = np.asarray(logits, dtype=np.float64)
    powers = np.exp(values - values.max(axis=-1, keepdims=True, initial=-np.inf))
    shares: Float64Array = powers / powers.sum(axis=-1, keepdims=True)
    return shares
