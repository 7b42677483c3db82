"""Where the right targets stand in a ranking, without sorting it.

A target's rank is one more than the number of targets that score higher, or score the same and stand
before it: that is its place in a stable sort by falling score.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["rank_targets"]

Ranks = NDArray[np.int64]

_BLOCK = 1 << 23  # scores compared at once


def rank_targets(
    scores: NDArray[np.float32],
    rows: NDArray[np.integer],
    columns: NDArray[np.integer],
    *,
    block: int = _BLOCK,
) -> Ranks:
    """Rank some targets of some queries.

    Args:
        scores: shape (n, m), of each query and target; finite.
        rows: shape (p,), the query of each pair to rank.
        columns: shape (p,), its target.
        block: scores that are compared at once; it bounds the memory and changes no result.

    Returns:
        Shape (p,), ranks from 1 to m.
    """
    width = scores.shape[1]
    places = np.arange(width)
    ranks = np.empty(len(rows), dtype=np.int64)
    step = max(block // max(width, 1), 1)
    for start in range(0, len(rows), step):
        some, targets = rows[start : start + step], columns[start : start + step]
        own = scores[some, targets][:, None]  # (step, 1)
        others = scores[some]  # (step, m)
        above = np.count_nonzero(others > own, axis=1)
        equal = others == own
        tied = np.flatnonzero(np.count_nonzero(equal, axis=1) > 1)
        if len(tied):
            before = equal[tied] & (places < targets[tied, None])
            above[tied] += np.count_nonzero(before, axis=1)
        ranks[start : start + step] = above + 1
    return ranks
