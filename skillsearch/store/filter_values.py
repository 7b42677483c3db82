"""Values that filters can name in a build, so that a message about a wrong one names the near ones."""

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from itertools import islice

from skillsearch.errors import FilterError
from skillsearch.forks import Lock
from skillsearch.store.base import Build, Space
from skillsearch.store.filters import Filters, Match, Where

__all__ = ["FilterValues"]

_SHOWN = 8  # values named where none is near


class FilterValues:
    """Known values by payload field, read from the build on first use; safe to share between threads."""

    def __init__(self, build: Build, space: Space) -> None:
        self.build = build
        self._space = space
        self._values: dict[str, frozenset[str]] = {}
        self._occupations: dict[str, list[str]] | None = None
        self._lock = Lock()

    def resolve(self, filters: Filters | None) -> Where:
        """The conditions of filters, with occupation labels replaced by URIs.

        Raises:
            FilterError: a value is not in the index; the message names near ones.
        """
        if filters is None:
            return Where()
        where = filters.where()
        checked = tuple(self._check(match) for match in where.must)
        for match in where.must_not:
            self._check(match)
        return Where(checked, where.must_not)

    def _check(self, match: Match) -> Match:
        field = match.fields[0]
        if field == "uri":
            self._check_uris(match.values)
            return match
        if field.startswith("occupations_"):
            return replace(
                match, values=tuple(uri for value in match.values for uri in self._occupation(value))
            )
        known = self._known(match.fields)
        name = field.removesuffix("_essential").removesuffix("_optional")
        for value in match.values:
            if value not in known:
                raise FilterError(_unknown(name, value, known))
        return match

    def _check_uris(self, uris: tuple[str, ...]) -> None:
        found = self.build.fetch(self._space, uris)
        for uri in uris:
            if uri not in found:
                raise FilterError(_unknown("uri", uri, self._values_of("uri")))

    def _occupation(self, value: str) -> list[str]:
        """URIs of an occupation given by URI or by preferred label, in any case."""
        if self.build.fetch("occupations", [value]):
            return [value]
        by_label = self._occupations_by_label()
        if value.casefold() not in by_label:
            raise FilterError(_unknown("occupation", value, by_label))
        return by_label[value.casefold()]

    def _occupations_by_label(self) -> dict[str, list[str]]:
        with self._lock:
            if self._occupations is None:
                self._occupations = {}
                for point in self.build.scan("occupations"):
                    self._occupations.setdefault(point.payload["label"].casefold(), []).append(point.uri)
            return self._occupations

    def _known(self, fields: Iterable[str]) -> frozenset[str]:
        return frozenset[str]().union(*(self._values_of(field) for field in fields))

    def _values_of(self, field: str) -> frozenset[str]:
        with self._lock:
            if field not in self._values:
                self._values[field] = frozenset(self.build.values(self._space, field)) - {""}
            return self._values[field]


def _unknown(name: str, value: str, known: Iterable[str]) -> str:
    """A message about an unknown value that names the near ones, or else some of those there are."""
    options = sorted(known)
    near = get_close_matches(value, options, n=3, cutoff=0.6)
    if near:
        return f"unknown {name} {value!r}: did you mean {' or '.join(map(repr, near))}?"
    shown = ", ".join(islice(options, _SHOWN)) + (", …" if len(options) > _SHOWN else "")
    return f"unknown {name} {value!r}: the index has {shown or 'none'}"
