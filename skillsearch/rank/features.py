"""Features of a learned blend: what speaks for a skill given a title, as numbers.

The same code computes them when a blend is fitted and when it searches, so that the two cannot
drift apart. Everything but the title's vector, its cosines and its nearest occupations is looked up
by URI in `Evidence`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillsearch.arrays import Float32Array, Int64Array
from skillsearch.models.classes import CONTEXTUAL, CORE, IRRELEVANT
from skillsearch.rank.fuse import softmax

__all__ = [
    "ATTRIBUTES",
    "DEMAND",
    "FIRST",
    "NEAREST_OCCUPATIONS",
    "RERANKED",
    "SECOND",
    "Evidence",
    "Rows",
    "TitleView",
    "reranked_features",
    "title_profile",
]

ATTRIBUTES: Final = ("esco_essential", "esco_optional", "reuse_level", "skill_type")
"""Of a skill alone: log1p of the occupations that need it, essentially and optionally; its reuse level
from 1, occupation-specific, to 4, transversal; 1 for knowledge and 0 for skill."""

DEMAND: Final = "demand"

FIRST: Final = (
    "retrieval",
    "occupation_votes",
    "occupation_profile",
    "similar_titles",
    "title_ridge",
    "skill_ridge",
    DEMAND,
    *ATTRIBUTES,
)
"""Known before reranking; `Evidence.features` computes them."""

RERANKED: Final = (
    "core_logit",
    "contextual_logit",
    "irrelevant_logit",
    "core_probability",
    "relevant_probability",
)
"""Known of a reranked skill; `reranked_features` computes them."""

SECOND: Final = (*FIRST, *RERANKED)

NEAREST_OCCUPATIONS: Final = 50
"""Occupations whose skills vote for a title."""

_SLIGHTLY = 1e-6  # demand only tells apart what title_ridge does not
_SHARPNESS = 0.05  # a cosine lower by so much weighs e times less


@dataclass(frozen=True, eq=False)
class Rows:
    """A sparse matrix by rows: row r holds `values` at `columns` from `starts[r]` to `starts[r + 1]`."""

    starts: Int64Array
    columns: Int64Array
    values: Float32Array

    def weighted_sum(self, rows: Int64Array | None, weights: Float32Array, width: int) -> Float32Array:
        """``weights @ matrix[rows]``: shapes (k,) and (k,) to (width,); None for all rows in order."""
        if rows is None:
            summands = np.repeat(weights, np.diff(self.starts)) * self.values
            return np.bincount(self.columns, summands, minlength=width).astype(np.float32)
        lengths = self.starts[rows + 1] - self.starts[rows]
        ends = np.cumsum(lengths)
        within = np.arange(lengths.sum()) - np.repeat(ends - lengths, lengths)
        cells = np.repeat(self.starts[rows], lengths) + within
        summands = np.repeat(weights, lengths) * self.values[cells]
        return np.bincount(self.columns[cells], summands, minlength=width).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Facts about N skills from a taxonomy and from judged titles.

    Attributes:
        uris: of the N skills.
        attributes: shape (N, 4), those of `ATTRIBUTES`; NaN where not known.
        directions: shape (N, r), the skills' vectors without their mean, reduced to r principal
            directions and scaled to unit length.
        occupations: URIs of o occupations.
        needs: shape (o, N), 1 where an occupation needs a skill essentially and 0.5 where optionally.
        demand: shape (N,), the log-odds of being judged relevant for any title.
        titles: shape (t, d), unit vectors of the judged titles.
        judged: shape (t, N), grades as shares of the highest.
        title_ridge: shape (t, d + r); times a title's vector and profile, the weights of the
            judged titles in a ridge regression.
        skill_ridge: shape (t, r + 1); those weights times this, a vector whose product with a
            skill's direction and 1 is the regression carried over to any skill.
    """

    uris: tuple[str, ...]
    attributes: Float32Array
    directions: Float32Array
    occupations: tuple[str, ...]
    needs: Rows
    demand: Float32Array
    titles: Float32Array
    judged: Rows
    title_ridge: Float32Array
    skill_ridge: Float32Array

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {uri: row for row, uri in enumerate(self.uris)}

    @cached_property
    def _occupation_rows(self) -> dict[str, int]:
        return {uri: row for row, uri in enumerate(self.occupations)}

    def rows_of(self, uris: Sequence[str]) -> Int64Array:
        """The rows of skills among the N; -1 for one that is not known. Shape (n,)."""
        return np.array([self._rows.get(uri, -1) for uri in uris], dtype=np.int64)

    def votes(self, occupations: Sequence[tuple[str, float]]) -> Float32Array:
        """Skills that the nearest occupations need, weighted by a softmax over their cosines.

        Args:
            occupations: URIs and cosines of the nearest; unknown ones are left out.

        Returns:
            Shape (N,), each in [0, 1].
        """
        known = [
            (self._occupation_rows[uri], score) for uri, score in occupations if uri in self._occupation_rows
        ]
        if not known:
            return np.zeros(len(self.uris), dtype=np.float32)
        rows = np.array([row for row, _ in known], dtype=np.int64)
        weights = _sharpened(np.array([score for _, score in known], dtype=np.float32))
        return self.needs.weighted_sum(rows, weights, len(self.uris))

    def view(self, vector: Float32Array, occupations: Sequence[tuple[str, float]]) -> "TitleView":
        """Facts about a title that do not depend on a skill.

        Args:
            vector: the title's, shape (d,), of unit length.
            occupations: URIs and cosines of the `NEAREST_OCCUPATIONS` nearest.
        """
        votes = self.votes(occupations)
        profile = title_profile(votes, self.directions)
        width = len(self.uris)
        weights = self.title_ridge @ np.concatenate((vector, profile))  # (t, d + r) -> (t,)
        return TitleView(
            votes=votes,
            profile=profile,
            similar=self.judged.weighted_sum(None, _sharpened(self.titles @ vector), width),
            ridge=self.judged.weighted_sum(None, weights, width),
            carried=weights @ self.skill_ridge,  # (t,) @ (t, r + 1) -> (r + 1,)
        )

    def expected(self, view: "TitleView", count: int) -> tuple[str, ...]:
        """URIs of the skills that the judgements lead to expect, most expected first.

        They are ordered by ``title_ridge``, which is the demand among titles like this one; skills
        that it knows nothing of, as they were never judged, stand where it is 0, by demand.
        """
        keys = -(view.ridge + _SLIGHTLY * self.demand)
        best = np.argpartition(keys, count - 1)[:count] if count < len(keys) else np.arange(len(keys))
        return tuple(self.uris[row] for row in best[np.argsort(keys[best], kind="stable")])

    def features(self, view: "TitleView", rows: Int64Array, cosines: Float32Array) -> Float32Array:
        """The features of `FIRST` for a title and some skills.

        Args:
            view: the title's.
            rows: of the skills, as `rows_of` gives them, shape (n,).
            cosines: of the title with each, shape (n,).

        Returns:
            Shape (n, 11); NaN where a skill, or what is asked of it, is not known.
        """
        directions = self.directions[rows]  # (n, r)
        table = np.column_stack(
            (
                cosines,
                view.votes[rows],
                directions @ view.profile,
                view.similar[rows],
                view.ridge[rows],
                directions @ view.carried[:-1] + view.carried[-1],
                self.demand[rows],
                self.attributes[rows],
            )
        ).astype(np.float32)
        table[rows < 0, 1:] = np.nan
        return table


@dataclass(frozen=True, eq=False)
class TitleView:
    """Facts about a title, from `Evidence`.

    Attributes:
        votes: shape (N,), see `Evidence.votes`.
        profile: shape (r,), see `title_profile`.
        similar: shape (N,), grades of the most similar judged titles, weighted by a softmax.
        ridge: shape (N,), grades of all judged titles, weighted by ridge regression.
        carried: shape (r + 1,), times a skill's direction and 1 that regression for any skill.
    """

    votes: Float32Array
    profile: Float32Array
    similar: Float32Array
    ridge: Float32Array
    carried: Float32Array


def title_profile(votes: Float32Array, directions: Float32Array) -> Float32Array:
    """The mean direction of the skills that were voted for, of unit length: (N,), (N, r) to (r,)."""
    voted = np.flatnonzero(votes)
    mean: Float32Array = votes[voted] @ directions[voted]
    length = float(np.linalg.norm(mean))
    return mean / length if length else mean


def reranked_features(logits: NDArray[np.floating]) -> Float32Array:
    """The features of `RERANKED`; probabilities are those at temperature 1. (n, 3) to (n, 5)."""
    shares = softmax(logits)
    return np.column_stack(
        (
            logits[:, CORE],
            logits[:, CONTEXTUAL],
            logits[:, IRRELEVANT],
            shares[:, CORE],
            1.0 - shares[:, IRRELEVANT],
        )
    ).astype(np.float32)


def _sharpened(cosines: Float32Array) -> Float32Array:
    """Softmax of cosines, scaled: shape (k,) to (k,), adding up to 1."""
    return softmax(cosines / _SHARPNESS).astype(np.float32)
