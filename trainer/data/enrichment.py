"""Inverse minority enrichment: synthetic titles give skills that real titles rarely name their titles.

Each synthetic title joins its nearest real title where the two are near enough, and brings its
skills along; the others stay as titles of their own. The method is that of arXiv 2511.07969.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from skillsearch.errors import ConfigurationError, TrainingError
from trainer.unified.nodes import node_key

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MERGE", "Enriched", "Spread", "TextEncoder", "enrich", "nearest", "plot_spread", "spread"]

MERGE: Final = 0.7
"""Cosine from which a synthetic title joins a real one."""

_CHUNK = 2048  # titles embedded at a time
_CHUNK_ELEMENTS = 1 << 24  # cosines at a time: 64 MiB
_BINS = (0, 1, 2, 5, 10, 20, 50, 100)  # lower ends
_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
_DPI = 120


class TextEncoder(Protocol):
    """Gives vectors of unit length."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (n, d)."""
        ...


@dataclass(frozen=True, slots=True)
class Enriched:
    """Which real title each synthetic title joined.

    Attributes:
        joined: real title by synthetic title.
        alone: the synthetic titles that are near no real one.
    """

    joined: Mapping[str, str]
    alone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """How titles are spread over the skills.

    Attributes:
        titles: how many titles each skill has; shape (skills,), at least one.
    """

    titles: NDArray[np.int64]

    def to_dict(self) -> dict[str, Any]:
        """Skills by how many titles they have, and quantiles of that."""
        ends = [str(low) if high - low == 1 else f"{low}-{high - 1}" for low, high in pairwise(_BINS)]
        places = np.digitize(self.titles, _BINS) - 1
        counts = np.bincount(places, minlength=len(_BINS)).tolist()
        quantiles = np.quantile(self.titles, _QUANTILES).tolist()
        return {
            "mean": round(float(self.titles.mean()), 2),
            "quantiles": {f"{share:g}": value for share, value in zip(_QUANTILES, quantiles, strict=True)},
            "skills by titles": dict(zip([*ends, f"{_BINS[-1]}+"], counts, strict=True)),
        }


def enrich(
    real: Sequence[str],
    synthetic: Sequence[str],
    encoder: TextEncoder,
    *,
    threshold: float = MERGE,
    progress: Callable[[int], object] | None = None,
) -> Enriched:
    """Find the real title that each synthetic title joins.

    Args:
        real: titles to join; without any, every synthetic title stays alone and nothing is embedded.
        synthetic: titles that join, each once; those with an equal real title join it.
        encoder: of titles.
        threshold: cosine from which they join.
        progress: called with the number of titles just done, real ones and synthetic ones.

    Raises:
        ConfigurationError: the threshold is not above 0 and at most 1.
    """
    if not 0 < threshold <= 1:
        raise ConfigurationError(f"merging from cosine {threshold:g}, expected above 0 and at most 1")
    if not real:
        return Enriched({}, tuple(synthetic))
    vectors = []
    for start in range(0, len(real), _CHUNK):
        vectors.append(encoder.encode(real[start : start + _CHUNK]))
        if progress:
            progress(len(vectors[-1]))
    targets = np.concatenate(vectors)  # (real, d)
    same = {node_key("titles", title): title for title in real}
    joined = {title: same[key] for title in synthetic if (key := node_key("titles", title)) in same}
    left = [title for title in synthetic if title not in joined]
    alone: list[str] = []
    if progress:
        progress(len(joined))
    for start in range(0, len(left), _CHUNK):
        some = left[start : start + _CHUNK]
        places, cosines = nearest(encoder.encode(some), targets)
        for title, place, cosine in zip(some, places.tolist(), cosines.tolist(), strict=True):
            if cosine >= threshold:
                joined[title] = real[place]
            else:
                alone.append(title)
        if progress:
            progress(len(some))
    return Enriched(joined, tuple(alone))


def nearest(
    queries: NDArray[np.float32], targets: NDArray[np.float32], *, chunk_elements: int = _CHUNK_ELEMENTS
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The nearest target of each query by dot product, the first of equally near ones.

    Args:
        queries: shape (n, d).
        targets: shape (m, d), m at least 1.
        chunk_elements: products held at a time.

    Returns:
        Two arrays of shape (n,): the places of the targets, and the products.
    """
    rows = max(1, chunk_elements // len(targets))
    places = np.empty(len(queries), dtype=np.int64)
    products = np.empty(len(queries), dtype=np.float32)
    for start in range(0, len(queries), rows):
        scores = queries[start : start + rows] @ targets.T  # (rows, m)
        best = scores.argmax(axis=1)
        places[start : start + rows] = best
        products[start : start + rows] = scores[np.arange(len(best)), best]
    return places, products


def spread(uris: Iterable[str], titles: Iterable[Iterable[str]]) -> Spread:
    """How many of some titles each skill has.

    Args:
        uris: of all skills.
        titles: the URIs of the skills of each title, each once.
    """
    counts = dict.fromkeys(uris, 0)
    for skills in titles:
        for uri in skills:
            counts[uri] += 1
    return Spread(np.array(list(counts.values()), dtype=np.int64))


def plot_spread(path: "Path", spreads: Mapping[str, Spread]) -> None:
    """Titles by skill, the skills in falling order: one line a name, such as before and after.

    Raises:
        TrainingError: it cannot be written.
    """
    from matplotlib.figure import Figure  # without pyplot, which would want a display
    from matplotlib.ticker import ScalarFormatter

    figure = Figure(figsize=(6.5, 4), layout="constrained")
    axes = figure.subplots()
    for name, one in spreads.items():
        axes.plot(np.arange(1, len(one.titles) + 1), np.sort(one.titles)[::-1], label=name)
    most = max(int(one.titles.max()) for one in spreads.values())
    axes.set_yscale("symlog", linthresh=1)
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.set(xlabel="skills, those with most titles first", ylabel="titles", ylim=(0, 2 * most + 1))
    axes.set_title("Titles a skill")
    axes.legend()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=_DPI)
    except OSError as error:
        raise TrainingError(f"the plot {path} cannot be written: {error}") from error
