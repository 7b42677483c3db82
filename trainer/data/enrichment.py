"""Inverse minority enrichment: synthetic titles give skills that real titles rarely name their titles.

Each synthetic title joins its nearest real title where the two are near enough, and brings its
skills along; the others stay as titles of their own. The method is that of arXiv 2511.07969.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from skillsearch.arrays import Int64Array
from skillsearch.models.protocols import Encoder
from skillsearch.progress import Advance, advance_only
from trainer.unified.nodes import node_key

__all__ = ["join_titles", "spread"]

_CHUNK = 2048  # titles embedded at a time
_CHUNK_ELEMENTS = 1 << 24  # cosines at a time: 64 MiB
_BINS: Final = (0, 1, 2, 5, 10, 20, 50, 100)  # lower ends
_QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9)


def join_titles(
    real: Sequence[str],
    synthetic: Sequence[str],
    encoder: Encoder,
    threshold: float,
    *,
    advance: Advance | None = None,
) -> dict[str, str]:
    """Find the real title that each synthetic title joins.

    Args:
        real: titles to join, at least one.
        synthetic: titles that join, each once; those with an equal real title join it.
        encoder: of titles.
        threshold: cosine from which they join; of equally near titles the first wins.
        advance: called with the number of titles just done, real ones and synthetic ones.

    Returns:
        The real title of each synthetic title that joins one.
    """
    report = advance or advance_only(None)
    targets = encoder.encode(real, advance=report)  # (real, d)
    same = {node_key("titles", title): title for title in real}
    joined = {title: same[key] for title in synthetic if (key := node_key("titles", title)) in same}
    report(len(joined))
    left = [title for title in synthetic if title not in joined]
    size = min(_CHUNK, max(1, _CHUNK_ELEMENTS // len(real)))
    for start in range(0, len(left), size):
        some = left[start : start + size]
        cosines = encoder.encode(some) @ targets.T  # (size, real)
        for title, row, best in zip(some, cosines, cosines.argmax(axis=1), strict=True):
            if row[best] >= threshold:
                joined[title] = real[best]
        report(len(some))
    return joined


def spread(titles: Int64Array) -> dict[str, Any]:
    """Statistics of the numbers of titles that skills have, shape (skills,): mean, quantiles, histogram."""
    ends = [str(low) if high - low == 1 else f"{low}-{high - 1}" for low, high in pairwise(_BINS)]
    counts = np.bincount(np.digitize(titles, _BINS) - 1, minlength=len(_BINS)).tolist()
    quantiles = np.quantile(titles, _QUANTILES).tolist()
    return {
        "mean": round(float(titles.mean()), 2),
        "quantiles": {f"{share:g}": value for share, value in zip(_QUANTILES, quantiles, strict=True)},
        "skills by titles": dict(zip([*ends, f"{_BINS[-1]}+"], counts, strict=True)),
    }
