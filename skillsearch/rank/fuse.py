"""Scores as pure functions on arrays, used by the search and by the training alike."""

from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "CLASSES",
    "CONTEXTUAL",
    "CORE",
    "INTERACTIONS",
    "IRRELEVANT",
    "Interaction",
    "Relevance",
    "blend",
    "cosine",
    "late_interaction",
    "min_max",
    "softmax",
]

Relevance = Literal["irrelevant", "contextual", "core"]

CLASSES: Final[tuple[Relevance, ...]] = ("irrelevant", "contextual", "core")
"""The reranker's classes, in the order of its logits."""

IRRELEVANT, CONTEXTUAL, CORE = range(3)

Interaction = Literal["soft", "mean-target", "maxsim", "cosine"]

INTERACTIONS: Final[tuple[Interaction, ...]] = get_args(Interaction)
"""How `late_interaction` reads the tokens of two texts."""

_TINY = 1e-9
_SIMILAR = 64  # targets of similar length whose tokens meet those of the queries at once

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


def late_interaction(
    queries: "Tensor",
    targets: "Tensor",
    query_mask: "Tensor",
    target_mask: "Tensor",
    *,
    interaction: Interaction = "soft",
    temperature: float = 1.0,
    length_normalised: bool = False,
    chunk_elements: int = 1 << 24,
) -> "Tensor":
    """Score every query with every target from the embeddings of their tokens.

    Soft late interaction, after De Lange, Decorte and Van Haute, "Unified Work Embeddings" (2025),
    arXiv:2511.07969. For a query of s tokens E_q and a target of t tokens E_y:

        S = E_q E_y^T,   A = softmax of the rows of S / temperature,   score = sum of A * cos(E_q, E_y)

    where cos has the cosines of the same pairs of tokens. Its relatives:

    - `maxsim` takes the highest cosine of each query token (Khattab and Zaharia, "ColBERT", SIGIR
      2020), which is the limit of the soft form on tokens of unit length as the temperature falls;
    - `mean-target` has the mean of the target's tokens for its only one;
    - `cosine` has the means of both sides: the cosine of a mean-pooled bi-encoder.

    All but `cosine` are asymmetric, and grow with the number of query tokens unless they are
    `length_normalised`, so that scores are to be compared for one query at a time.

    Args:
        queries: shape (n, s, d), token embeddings that are not normalised.
        targets: shape (m, t, d).
        query_mask: shape (n, s), true for tokens and false for padding, which never counts.
        target_mask: shape (m, t).
        interaction: how the tokens meet.
        temperature: of the softmax over target tokens; above 0.
        length_normalised: divide by the number of query tokens, so that scores are in [-1, 1].
        chunk_elements: pairs of tokens whose scores are held at once; it bounds the memory and
            changes no result.

    Returns:
        Shape (n, m), float32; 0 where either side has no token.
    """
    if interaction in ("mean-target", "cosine"):
        targets, target_mask = _mean_token(targets, target_mask)
    if interaction == "cosine":
        queries, query_mask = _mean_token(queries, query_mask)
    (n, _, _), (m, t, _) = queries.shape, targets.shape
    owners = query_mask.nonzero()[:, 0]  # (tokens,), the query of each token
    scores = queries.new_zeros((n, m)).float()
    if not (len(owners) and m and t):
        return scores
    tokens = queries[query_mask].float()  # (tokens, d), without padding
    order = target_mask.sum(dim=1).argsort(descending=True)  # similar lengths together, for less padding
    columns = min(max(chunk_elements // (len(tokens) * t), 1), _SIMILAR)
    rows = max(chunk_elements // (t * columns), 1)
    found = []
    for places in order.split(columns):  # type: ignore[no-untyped-call]
        mask = target_mask[places]
        used = mask.any(dim=0).nonzero()
        width = int(used[-1]) + 1 if len(used) else 1
        others = targets[places, :width].float()
        parts = [
            _interact(some, others, mask[:, :width], maxsim=interaction == "maxsim", temperature=temperature)
            for some in tokens.split(rows)  # type: ignore[no-untyped-call]
        ]
        found.append(_concatenate(parts, axis=0))  # (tokens, columns)
    by_token = _concatenate(found, axis=1)[:, order.argsort()]
    scores = scores.index_add(0, owners, by_token)  # (tokens, m) -> (n, m)
    if length_normalised:
        scores = scores / query_mask.sum(dim=1, keepdim=True).clamp_min(1)
    return scores


def _interact(
    tokens: "Tensor", targets: "Tensor", mask: "Tensor", *, maxsim: bool, temperature: float
) -> "Tensor":
    """What each of k query tokens, shape (k, d), gives with each target, (m, t, d): shape (k, m)."""
    import torch

    k, (m, t, _) = len(tokens), targets.shape
    lengths = _lengths(tokens)[:, None]
    inverse = torch.where(mask, 1 / _lengths(targets), 0.0)  # (m, t)
    lowest = torch.finfo(tokens.dtype).min  # finite, so that a target without tokens gives no NaN
    if maxsim:
        unit = (targets * inverse[:, :, None]).flatten(0, 1)
        cosines = ((tokens / lengths) @ unit.T).view(k, m, t).masked_fill(~mask, lowest)
        return cosines.amax(dim=-1).masked_fill(~mask.any(dim=1), 0.0)
    # (k, d) @ (d, m * t) -> (k, m, t)
    logits = ((tokens / temperature) @ targets.flatten(0, 1).T).view(k, m, t).masked_fill(~mask, lowest)
    met: Tensor = (logits.softmax(dim=-1) * logits * inverse).sum(dim=-1) * (temperature / lengths)
    return met


def _lengths(tokens: "Tensor") -> "Tensor":
    """Shape (n, s, d) to (n, s)."""
    lengths: Tensor = tokens.norm(dim=-1).clamp_min(_TINY)
    return lengths


def _mean_token(tokens: "Tensor", mask: "Tensor") -> tuple["Tensor", "Tensor"]:
    """The mean of each text's tokens as its only one: shapes (n, 1, d) and (n, 1)."""
    total = tokens.float().masked_fill(~mask.unsqueeze(-1), 0.0).sum(dim=1, keepdim=True)
    count = mask.sum(dim=1, keepdim=True).unsqueeze(-1)  # (n, 1, 1)
    return total / count.clamp_min(1), mask.any(dim=1, keepdim=True)


def _concatenate(parts: list["Tensor"], *, axis: int) -> "Tensor":
    import torch

    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=axis)


def _unit(vectors: ArrayLike) -> Floats:
    rows = np.asarray(vectors, dtype=np.float64)
    norms: Floats = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms == 0, 1, norms)
