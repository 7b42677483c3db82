"""Rankers order the candidates of a search: their protocol, and the part that they share.

A ranker owns its options as fields, and says which of them a search may change and what it gives. To add
one, write a class like those of `skillsearch.rank.cross_encoder` and let `skillsearch.rank.choose` make it.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Final, Protocol, Self

from skillsearch.characters import quoted
from skillsearch.errors import QueryError
from skillsearch.models.hub import ModelFolder
from skillsearch.progress import Progress, silent
from skillsearch.rank.candidates import Candidate, Query, nearest
from skillsearch.rank.features import DEMAND
from skillsearch.settings import MAX_DEPTH, RerankerName
from skillsearch.store.base import Build, Space
from skillsearch.store.filters import Where

__all__ = ["NoReranking", "Ranker", "RankerOptions", "require_in_range"]

_RANGES: Final[Mapping[str, tuple[type, float, float, str]]] = {
    "limit": (Integral, 1, 100_000, "a whole number from 1 to 100,000"),
    "alpha": (Real, 0, 1, "between 0 and 1"),
    "depth": (Integral, 1, MAX_DEPTH, f"a whole number from 1 to {MAX_DEPTH:,}"),
    "demand_weight": (Real, 0, sys.float_info.max, "a finite number from 0 up"),
    "min_probability": (Real, 0, 1, "between 0 and 1"),
}
"""What `limit` and each option of any ranker has to be: its kind, its bounds, and both in words."""

_TAKEN_BY: Final[Mapping[str, str]] = {
    "alpha": "the fixed blend of retrieval and a reranker: leave it out, or unset SKILLSEARCH_BLENDER",
    "depth": "a reranker or a learned blend: leave it out",
    "demand_weight": "a reranker or a learned blend: leave it out",
    "min_probability": "the cross-encoder, distilled or whole: search with one of them, or leave it out",
}
"""What each option goes with, and what to do about one that does not go with a search."""


class Ranker(Protocol):
    """Makes candidates for a query, and puts them in their final order.

    Attributes:
        reranker: what scores the candidates again, None where nothing does.
        model: of the reranker, None where there is none.
        blend: name of the learned blend, None for the fixed one.
        reads_tokens: whether `Query.tokens` are needed.
        temperature: divides the logits of its candidates before they become probabilities.
    """

    @property
    def reranker(self) -> RerankerName | None: ...  # noqa: D102 - above

    @property
    def model(self) -> ModelFolder | None: ...  # noqa: D102

    @property
    def blend(self) -> str | None: ...  # noqa: D102

    @property
    def reads_tokens(self) -> bool: ...  # noqa: D102

    @property
    def temperature(self) -> float: ...  # noqa: D102

    def with_options(self, options: Mapping[str, Any]) -> Self:
        """The same ranker with other options; None counts as not given.

        Raises:
            QueryError: it does not take one of them, or a value is out of range.
        """
        ...

    def options(self) -> dict[str, Any]:
        """The options that it takes, and their values."""
        ...

    def ready(self, build: Build, progress: Progress = silent) -> Self:
        """The same ranker with all that it needs of an index; cheap where the index is the same."""
        ...

    def candidates(
        self, build: Build, space: Space, query: Query, limit: int, where: Where
    ) -> list[Candidate]:
        """Candidates in the order before reranking: at least `limit`, where there are so many."""
        ...

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Candidates in their final order.

        Raises:
            ModelError: a model gave something that is not finite.
        """
        ...

    def explain(self, candidate: Candidate) -> tuple[dict[str, float], dict[str, float]] | None:
        """A candidate's features and what each contributes to its score, where the ranker tells."""
        ...


@dataclass(frozen=True)
class RankerOptions:
    """The part of a ranker that owns the options: each is a field that the class names in `takes`."""

    takes: ClassVar[tuple[str, ...]] = ()
    blend: ClassVar[str | None] = None
    reads_tokens: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the range of every option.

        Raises:
            QueryError: one is out of range.
        """
        for name, value in self.options().items():
            if value is not None:
                require_in_range(name, value)

    def with_options(self, options: Mapping[str, Any]) -> Self:
        """See `Ranker.with_options`."""
        given = {name: value for name, value in options.items() if value is not None}
        for name in given:
            if name not in self.takes:
                raise QueryError(f"{name} does not go with {self}; it goes with {_TAKEN_BY[name]}")
        return replace(self, **given)

    def options(self) -> dict[str, Any]:
        """See `Ranker.options`."""
        return {name: getattr(self, name) for name in self.takes}

    def ready(self, build: Build, progress: Progress = silent) -> Self:  # noqa: ARG002 - some need the index
        """See `Ranker.ready`."""
        return self

    def explain(self, candidate: Candidate) -> tuple[dict[str, float], dict[str, float]] | None:
        """See `Ranker.explain`: of a fixed blend it is demand, where that had a part in it."""
        if candidate.demand is None:
            return None
        weight = float(self.options()["demand_weight"])
        return {DEMAND: candidate.demand / weight}, {DEMAND: candidate.demand}


def require_in_range(name: str, value: object) -> None:
    """Check `limit` or an option of a ranker.

    Raises:
        QueryError: it is no number, or out of range.
    """
    kind, lowest, highest, expected = _RANGES[name]
    if isinstance(value, bool) or not isinstance(value, kind) or not lowest <= value <= highest:  # type: ignore[operator] # a number
        raise QueryError(f"{name} is {expected}, found {quoted(value)}")


@dataclass(frozen=True)
class NoReranking(RankerOptions):
    """Keeps the order of the vector search."""

    reranker: ClassVar[RerankerName | None] = None
    model: ClassVar[ModelFolder | None] = None
    temperature: ClassVar[float] = 1.0

    def __str__(self) -> str:
        return "a search without reranking"

    def candidates(
        self, build: Build, space: Space, query: Query, limit: int, where: Where
    ) -> list[Candidate]:
        """The nearest concepts."""
        return nearest(build, space, query, limit, where)

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> list[Candidate]:  # noqa: ARG002
        """The candidates as they are."""
        return list(candidates)
