"""Suggestions as one types: names of skills and occupations that begin with what is there so far."""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from skillsearch.arrays import Int64Array
from skillsearch.characters import fold, quoted
from skillsearch.errors import QueryError
from skillsearch.results import Hits, How
from skillsearch.store.base import SPACES, Space
from skillsearch.tasks.engine import PLAIN, Engine, checked_request
from skillsearch.tasks.names import Name
from skillsearch.tasks.task import Input, Task
from skillsearch.taxonomy.texts import query_text

__all__ = ["SUGGEST", "Suggestion", "Suggestions"]

PREFIX: Final = Input("prefix", "proj", "max_title_length", query_text)

_LAST: Final = "\U0010ffff"
_SPARE: Final = 8  # names that are looked at for each one that is wanted: a concept may have many


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A concept with a name that begins so.

    Attributes:
        uri: of the concept.
        label: its preferred label.
        name: that begins so.
        how: whether that is its label or another of its names.
        space: ``skills`` or ``occupations``.
    """

    uri: str
    label: str
    name: str
    how: How
    space: Space


@dataclass(frozen=True, slots=True)
class Suggestions(Hits[Suggestion]):
    """What the text so far may become, likely ones first."""

    input: str
    hits: tuple[Suggestion, ...]


def suggest(engine: Engine, prefix: str, *, limit: int = 10, space: Space | None = None) -> Suggestions:
    """Find skills and occupations by the beginning of a name, or of a word in a label; in memory.

    The first call reads all names, which takes a second or two; the others take a few milliseconds.

    Args:
        engine: what runs it.
        prefix: what has been typed; of nothing there are no suggestions.
        limit: how many concepts: labels first, then aliases; names that begin so before words in them,
            short ones before long.
        space: ``skills`` or ``occupations``; both by default.

    Raises:
        QueryError: the prefix is too long or not text, or the limit out of range.
        StoreError: the store failed, or the client is closed.
    """
    return _prepare(engine, limit=limit, space=space)(prefix)


def _prepare(
    engine: Engine, *, limit: int = 10, space: Space | None = None
) -> Callable[[object], Suggestions]:
    checked_request(limit, None, PLAIN)
    if space is not None and space not in SPACES:
        raise QueryError(f"space is one of {', '.join(SPACES)}, or None for both, found {quoted(space)}")
    spaces = SPACES if space is None else (space,)

    def answer(prefix: object) -> Suggestions:
        typed = PREFIX.checked(prefix, engine.settings)
        with engine.run() as run:
            found: list[tuple[int, Suggestion]] = []
            for one in spaces:
                names = run.kept.names(one)
                table = run.kept.once("beginnings", one, lambda names=names: Beginnings.of(names))  # type: ignore[misc]
                for cost, name in table.find(typed, limit):
                    label = names.labels[name.uri]
                    found.append((cost, Suggestion(name.uri, label, name.text, name.how, one)))
            found.sort(key=lambda pair: (pair[0], pair[1].name, pair[1].uri))
            return Suggestions(str(prefix), tuple(suggestion for _, suggestion in found[:limit]))

    return answer


@dataclass(frozen=True, eq=False)
class Beginnings:
    """Names by how they, and the words in a label, begin.

    Attributes:
        keys: of n beginnings, sorted.
        names: of each.
        costs: shape (n,), lower for what is suggested first.
    """

    keys: list[str]
    names: list[Name]
    costs: Int64Array

    @classmethod
    def of(cls, names: Iterable[Name]) -> "Beginnings":
        """Sort all beginnings of some names."""
        rows: list[tuple[str, int, Name]] = []
        for name in names:
            words = fold(name.text).split()
            cost = len(name.text) + 1000 * (name.how == "alias")
            rows.append((" ".join(words), cost, name))
            if name.how == "label":
                rows += [(" ".join(words[start:]), cost + 500, name) for start in range(1, len(words))]
        rows.sort(key=lambda row: row[0])
        return cls(
            [key for key, _, _ in rows],
            [name for _, _, name in rows],
            np.array([cost for _, cost, _ in rows], dtype=np.int64),
        )

    def find(self, typed: str, limit: int) -> list[tuple[int, Name]]:
        """The concepts with a name that begins so, the best name of each, with its cost."""
        prefix = fold(typed)
        if not prefix:
            return []
        low, high = bisect_left(self.keys, prefix), bisect_left(self.keys, prefix + _LAST)
        count = min(limit * _SPARE, high - low)
        if not count:
            return []
        best = np.argpartition(self.costs[low:high], count - 1)[:count] + low
        found: dict[str, tuple[int, Name]] = {}
        for row in sorted(best.tolist(), key=lambda row: (self.costs[row], self.keys[row])):
            name = self.names[row]
            found.setdefault(name.uri, (int(self.costs[row]), name))
        return list(found.values())[:limit]


SUGGEST: Final = Task("suggest", PREFIX, "skills", suggest, _prepare)
"""Finds concepts as one types."""
