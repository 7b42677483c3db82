"""Confidence: what a cosine is worth as a probability, learned from the other names of the index itself.

Each alias is another name of a known concept. Searched for as if nobody knew it, it tells how often a
concept at a given cosine is the one that is meant, for this encoder and this index.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from skillsearch.arrays import Float64Array
from skillsearch.models.protocols import Encoder
from skillsearch.tasks.kept_files import kept_in
from skillsearch.tasks.names import Names
from skillsearch.tasks.vectors import Vectors

__all__ = ["Confidence"]

_SAMPLE: Final = 300  # aliases that are searched for
_NEAREST: Final = 10  # concepts that each of them is compared with
_LOWEST: Final = 0.02  # share of aliases whose nearest concept may be further away than what is recognised
_NEAR: Final = 0.25  # share of aliases that may be further away from their own concept than what is near
_STEPS: Final = 30
_RIDGE: Final = 1e-3


@dataclass(frozen=True)
class Confidence:
    """A logistic model of whether a concept is the one meant.

    Attributes:
        weights: of 1, the cosine, and how far it is below the best; None where there are
            too few aliases to learn from.
        least: the cosine that the nearest concept of 98% of the aliases reaches.
        near: the cosine that three of four aliases have with their own concept.
    """

    weights: tuple[float, ...] | None
    least: float
    near: float

    def probabilities(self, cosines: Sequence[float]) -> list[float | None]:
        """The probability of each concept of being the one meant; cosines are all that compete."""
        if self.weights is None or not cosines:
            return [None] * len(cosines)
        values = np.asarray(cosines, dtype=np.float64)
        shares: list[float | None] = _logistic(
            _features(values, values.max()) @ np.array(self.weights)
        ).tolist()
        return shares

    def recognises(self, cosine: float) -> bool:
        """Whether something is as near to the index as 98% of its own names are."""
        return cosine >= self.least

    @classmethod
    def kept_in(cls, path: Path, build: str, make: "Callable[[], Confidence]") -> "Confidence":
        """What a file keeps of a build; see `skillsearch.tasks.kept_files.kept_in`."""
        return kept_in(path, build, make, read=cls._of_values, write=asdict)

    @classmethod
    def _of_values(cls, values: Mapping[str, Any]) -> "Confidence":
        weights = values["weights"]
        return cls(weights and tuple(map(float, weights)), float(values["least"]), float(values["near"]))

    @classmethod
    def of(cls, names: Names, vectors: Vectors, encoder: Encoder) -> "Confidence":
        """Learn from aliases of a space, some hundred of them, spread evenly over the alphabet."""
        aliases = sorted((name.text, name.uri) for name in names if name.how == "alias")
        aliases = [pair for pair in aliases if names.find(pair[0])[0].how == "alias"]
        chosen = aliases[:: max(len(aliases) // _SAMPLE, 1)]
        if len(chosen) < _NEAREST or len(vectors.uris) < _NEAREST:
            return cls(None, 0.0, 0.0)
        cosines = encoder.encode([text for text, _ in chosen]) @ vectors.matrix.T  # (n, concepts)
        own = cosines[np.arange(len(chosen)), [vectors.rows[uri] for _, uri in chosen]]
        order = np.argsort(-cosines, axis=1)[:, :_NEAREST]  # (n, 10)
        found = np.take_along_axis(cosines, order, axis=1).astype(np.float64)
        meant = order == np.array([[vectors.rows[uri]] for _, uri in chosen])
        table = np.concatenate([_features(row, row[0]) for row in found])
        return cls(
            tuple(_fitted(table, meant.ravel().astype(np.float64)).tolist()),
            float(np.quantile(found[:, 0], _LOWEST)),
            float(np.quantile(own, _NEAR)),
        )


def _features(cosines: Float64Array, best: float) -> Float64Array:
    """Shape (n,) to (n, 3)."""
    return np.stack([np.ones_like(cosines), cosines, best - cosines], axis=-1)


def _logistic(values: Float64Array) -> Float64Array:
    shares: Float64Array = 1.0 / (1.0 + np.exp(-np.clip(values, -30.0, 30.0)))
    return shares


def _fitted(table: Float64Array, truth: Float64Array) -> Float64Array:
    """Weights of a logistic regression, by Newton's method: shapes (n, f) and (n,) to (f,)."""
    weights = np.zeros(table.shape[1])
    for _ in range(_STEPS):
        shares = _logistic(table @ weights)
        slope = table.T @ (truth - shares) - _RIDGE * weights
        curve = (table * (shares * (1 - shares))[:, None]).T @ table + _RIDGE * np.eye(len(weights))
        weights = weights + np.linalg.solve(curve, slope)
    return weights
