"""Scores as pure functions on arrays, used by the search and by the training alike."""

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "CLASSES",
    "CONTEXTUAL",
    "CORE",
    "IRRELEVANT",
    "Relevance",
    "blend",
    "cosine",
    "min_max",
    "softmax",
]

Relevance = Literal["irrelevant", "contextual", "core"]

CLASSES: Final[tuple[Relevance, ...]] = ("irrelevant", "contextual", "core")
"""The reranker's classes, in the order of its logits."""

IRRELEVANT, CONTEXTUAL, CORE = range(3)

Floats = NDArray[np.float64]


def cosine(queries: ArrayLike, targets: ArrayLike) -> Floats:
    """Cosine similarity of every query with every target.

    Args:
        queries: shape (n, d).
        targets: shape (m, d).

    Returns:
        Shape (n, m), each in [-1, 1]; 0 where either vector is zero.
    """
    similarity: Floats = _unit(queries) @ _unit(targets).T  # (n, d) @ (d, m) -> (n, m)
    return similarity


def min_max(scores: ArrayLike, among: ArrayLike | None = None) -> Floats:
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
    scaled: Floats = values - low + 1.0 if high == low else (values - low) / (high - low)
    return scaled


def blend(retrieval: ArrayLike, rerank: ArrayLike, alpha: float) -> Floats:
    """`alpha * min_max(retrieval) + (1 - alpha) * min_max(rerank)`, all of shape (n,)."""
    return alpha * min_max(retrieval) + (1.0 - alpha) * min_max(rerank)


def softmax(logits: ArrayLike) -> Floats:
    """Softmax over the last axis: shape (..., classes) to (..., classes), rows summing to 1."""
    values = np.asarray(logits, dtype=np.float64)
    powers = np.exp(values - values.max(axis=-1, keepdims=True, initial=-np.inf))
    shares: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def _unit(vectors: ArrayLike) -> Floats:
    rows = np.asarray(vectors, dtype=np.float64)
    norms: Floats = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms == 0, 1, norms)
