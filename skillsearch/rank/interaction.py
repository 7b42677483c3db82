"""Soft late interaction: the score of a text and others from the embeddings of their tokens."""

from typing import Final

import numpy as np

from skillsearch.arrays import BoolArray, Float16Array, Float32Array, Float64Array

__all__ = ["late_interaction"]

_TINY: Final = 1e-9
_SIMILAR: Final = 64  # targets of similar length whose tokens meet those of the query at once


def late_interaction(
    query: Float32Array,
    targets: Float16Array | Float32Array,
    mask: BoolArray,
    *,
    temperature: float = 1.0,
    length_normalised: bool = False,
) -> Float64Array:
    """Score a query with targets; see `trainer.interaction`, which trains with the same formula.

    Args:
        query: shape (s, d), token embeddings that are not normalised.
        targets: shape (m, t, d).
        mask: shape (m, t), true for the targets' tokens and false for padding, which never counts.
        temperature: of the softmax over target tokens; above 0.
        length_normalised: divide by the number of query tokens, so that scores are in [-1, 1].

    Returns:
        Shape (m,); 0 where either side has no token.
    """
    scores = np.zeros(len(targets))
    lengths = mask.sum(axis=1)
    order = np.argsort(-lengths, kind="stable")
    scale = temperature / np.maximum(np.linalg.norm(query, axis=1), _TINY)  # (s,)
    for places in np.split(order, range(_SIMILAR, len(order), _SIMILAR)):
        columns = np.flatnonzero(mask[places].any(axis=0))
        if not len(columns):
            continue
        width = int(columns[-1]) + 1
        used = mask[places, :width]  # (k, width)
        block = targets[places, :width].astype(np.float32)  # (k, width, d)
        inverse = used / np.maximum(np.linalg.norm(block, axis=2), _TINY)
        products = query / temperature @ block.reshape(-1, block.shape[2]).T  # (s, d) @ (d, k * width)
        logits = np.where(used, products.reshape(-1, *used.shape), np.finfo(np.float32).min)
        powers = np.exp(logits - logits.max(axis=2, keepdims=True))  # (s, k, width)
        weighted = (powers * logits * inverse).sum(axis=2) / powers.sum(axis=2)  # (s, k)
        scores[places] = scale @ weighted
    return scores / max(len(query), 1) if length_normalised else scores
