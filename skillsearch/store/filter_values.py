"""Values that filters can name in a build, however spelt; a message about another names near ones."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from itertools import islice
from typing import Final
from unicodedata import normalize

from skillsearch.characters import fold, quoted
from skillsearch.errors import FilterError
from skillsearch.forks import Lock
from skillsearch.store.base import Build, Space
from skillsearch.store.filters import Filters, Match, Where
from skillsearch.taxonomy.texts import label_variants

__all__ = ["FilterValues"]

_SHOWN: Final = 8  # values named where none is near
_NAMED: Final = 3  # unknown URIs named in a note
_LONGEST: Final = 300  # characters of a value that are compared with those there are

Spellings = Mapping[str, tuple[str, ...]]
"""Values by what their spellings share; see `skillsearch.characters.fold`."""

Resolved = tuple[Where, tuple[str, ...]]


class FilterValues:
    """Known values by payload field, read from the build on first use; safe to share between threads."""

    def __init__(self, build: Build, space: Space) -> None:
        self.build = build
        self._space = space
        self._values: dict[tuple[str, ...], Spellings] = {}
        self._named_occupations: tuple[Spellings, Spellings] | None = None
        self._lock = Lock()
        self._last: tuple[Filters, Resolved] = Filters(), (Where(), ())

    def resolve(self, filters: Filters | None) -> Resolved:
        """The conditions of filters with the values that the index has, and notes on those it has not.

        Case, blanks and the composition of accents do not matter. URIs that are not in the index are
        noted: to exclude one changes nothing.

        Raises:
            FilterError: a value is not in the index, or no URI to include is; the message names near ones.
        """
        if filters is None:
            return Where(), ()
        asked, resolved = self._last  # many titles come with the same filters
        if asked != filters:
            resolved = self._resolved(filters)
            self._last = filters, resolved
        return resolved

    def _resolved(self, filters: Filters) -> Resolved:
        where, notes = filters.where(), list[str]()
        must = tuple(
            self._uris(match, "include", notes) if match.fields == ("uri",) else self._spelt(match)
            for match in where.must
        )
        must_not = (self._uris(match, "exclude", notes) for match in where.must_not)
        return Where(must, tuple(match for match in must_not if match.values)), tuple(notes)

    def _spelt(self, match: Match) -> Match:
        """The match with its values as the index spells them."""
        field = match.fields[0]
        if field.startswith("occupations_"):
            found = [uri for value in match.values for uri in self._occupation(value)]
        else:
            known = self._known(*match.fields)
            name = field.removesuffix("_essential").removesuffix("_optional")
            found = [one for value in match.values for one in _find(value, known, name)]
        return replace(match, values=tuple(dict.fromkeys(found)))

    def _uris(self, match: Match, name: str, notes: list[str]) -> Match:
        """The match with the URIs that the index has; the others are noted.

        Raises:
            FilterError: there is none to include.
        """
        spellings = {
            uri: {uri.strip(), *(normalize(form, uri.strip()) for form in ("NFC", "NFD"))}
            for uri in match.values
            if uri.strip()  # a list of URIs may have blank lines
        }
        found = self.build.fetch(self._space, sorted(set[str]().union(*spellings.values())))
        unknown = [uri for uri, spelt in spellings.items() if spelt.isdisjoint(found)]
        if name == "include" and not found:
            raise _unknown(next(iter(unknown), ""), self._known("uri"), "uri")
        if unknown:
            shown = ", ".join(map(quoted, unknown[:_NAMED])) + (", …" if len(unknown) > _NAMED else "")
            effect = "to exclude them changes nothing" if name == "exclude" else "they cannot be found"
            count = f"{len(unknown):,} of {len(spellings):,} URIs"
            notes.append(f"{name}: {count} not in the index, {effect}: {shown}")
        return replace(match, values=tuple(found))

    def _occupation(self, value: str) -> tuple[str, ...]:
        """URIs of an occupation given by URI, by preferred label, or by half of a label that is a pair."""
        if self.build.fetch("occupations", [value.strip()]):
            return (value.strip(),)
        by_uri, by_label = self._occupations()
        return by_uri.get(fold(value)) or _find(value, by_label, "occupation")

    def _occupations(self) -> tuple[Spellings, Spellings]:
        """URIs of all occupations by URI and by label; a whole label goes before half of another."""
        with self._lock:
            if self._named_occupations is None:
                uris, labels, halves = list[str](), list[tuple[str, str]](), list[tuple[str, str]]()
                for point in self.build.scan("occupations"):
                    label, *parts = label_variants(point.payload["label"])
                    uris.append(point.uri)
                    labels.append((label, point.uri))
                    halves += [(part, point.uri) for part in parts]
                by_label = {**_spellings(halves), **_spellings(labels)}
                self._named_occupations = _spellings((uri, uri) for uri in uris), by_label
            return self._named_occupations

    def _known(self, *fields: str) -> Spellings:
        """Values of some fields together."""
        with self._lock:
            if fields not in self._values:
                values = {value for field in fields for value in self.build.values(self._space, field)}
                self._values[fields] = _spellings((value, value) for value in sorted(values - {""}))
            return self._values[fields]


def _spellings(pairs: Iterable[tuple[str, str]]) -> Spellings:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(fold(name), []).append(value)
    return {key: tuple(values) for key, values in found.items()}


def _find(value: str, known: Spellings, name: str) -> tuple[str, ...]:
    """What the index has of a value.

    Raises:
        FilterError: nothing.
    """
    if values := known.get(fold(value)):
        return values
    raise _unknown(value, known, name)


def _unknown(value: str, known: Spellings, name: str) -> FilterError:
    """An error that names the values near an unknown one, or else some of those there are."""
    options = {key: key if name == "occupation" else values[0] for key, values in known.items()}
    if near := get_close_matches(fold(value)[:_LONGEST], options, n=3, cutoff=0.6):
        shown = " or ".join(quoted(options[key]) for key in near)
        return FilterError(f"unknown {name} {quoted(value)}: did you mean {shown}?")
    some = sorted(options.values())
    shown = ", ".join(islice(some, _SHOWN)) + (", …" if len(some) > _SHOWN else "")
    return FilterError(f"unknown {name} {quoted(value)}: the index has {shown or 'none'}")
