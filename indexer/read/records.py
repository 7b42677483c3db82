"""Entries of files in a form of this program's own: CSV, JSON Lines and TOML read alike."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from indexer.read.tables import Table, TextFile
from skillsearch.errors import TaxonomyError
from skillsearch.taxonomy.records import REUSE_LEVELS, SKILL_TYPES, Skill

__all__ = ["SKILL_FIELDS", "Record", "json_records", "skill_of", "table_records"]

SKILL_FIELDS: Final = (
    "uri",
    "label",
    "aliases",
    "hidden_labels",
    "description",
    "type",
    "reuse_level",
    "collections",
    "broader",
    "essential_for",
    "optional_for",
)
"""What may be said of a skill."""

_LISTS = ("aliases", "hidden_labels", "collections", "broader", "essential_for", "optional_for")
_KINDS: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a table",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One entry: the file and the place in it, and the values that it has.

    `unit` is what its names are called, column or key. Values are as the parser of the file gave
    them, and are checked when they are asked for.
    """

    source: str
    place: str
    unit: Literal["column", "key"]
    values: Mapping[str, object]

    def require_known(self, known: Collection[str]) -> None:
        """Check that the entry has no other names than these.

        Raises:
            TaxonomyError: it has one.
        """
        for name in self.values:
            if name not in known:
                raise self.error(name, f"unknown; expected one of {', '.join(known)}; rename or delete it")

    def require_only(self, allowed: Collection[str], what: str) -> None:
        """Check that the entry has values of these names only; `what` says what it is.

        Raises:
            TaxonomyError: it has another.
        """
        for name, value in self.values.items():
            if name not in allowed and value not in (None, "", []):
                problem = f"{what} has none; expected only {', '.join(allowed)}; leave it empty"
                raise self.error(name, problem)

    def text(self, name: str) -> str:
        """A value, stripped; empty where there is none.

        Raises:
            TaxonomyError: it is no text.
        """
        value = self.values.get(name)
        return "" if value is None else self._text(name, value)

    def line(self, name: str) -> str:
        """A value of one line that must be there.

        Raises:
            TaxonomyError: there is none, it is no text, or it has a line break.
        """
        value = self.text(name)
        if not value:
            raise self.error(name, "missing or empty, expected a value")
        return self._line(name, value)

    def lines(self, name: str) -> tuple[str, ...]:
        """The values of a list, stripped, without empty and repeated ones; one text is a list of one.

        Raises:
            TaxonomyError: it is no list of texts, or one has a line break.
        """
        value = self.values.get(name)
        if value is None:
            return ()
        items = value if isinstance(value, list | tuple) else [value]
        found = (self._line(name, self._text(name, item)) for item in items)
        return tuple(dict.fromkeys(item for item in found if item))

    def one_of(self, name: str, known: Sequence[str]) -> str:
        """A value out of those known, of which one may be empty.

        Raises:
            TaxonomyError: it is another.
        """
        value = self.text(name)
        if value not in known:
            expected = ", ".join(option or "empty" for option in known)
            raise self.error(name, f"unknown value {value[:80]!r}, expected one of {expected}")
        return value

    def error(self, name: str, problem: str) -> TaxonomyError:
        """An error that says where it is."""
        shown = name if name.isprintable() else repr(name)
        return TaxonomyError(f"{self.source}, {self.place}, {self.unit} {shown}: {problem}")

    def _text(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            raise self.error(name, f"found {_KINDS.get(type(value), 'a date or time')}, expected text")
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise self.error(name, "a NUL character or half of a surrogate pair; remove it")
        return value.strip()

    def _line(self, name: str, value: str) -> str:
        if len(value.splitlines()) > 1:
            raise self.error(name, f"a line break in {value[:80]!r}, expected one line")
        return value


def table_records(table: Table, required: Sequence[str], known: Sequence[str]) -> Iterator[Record]:
    """The rows of a CSV file that are not blank; a cell with many values has them one to a line.

    Raises:
        TaxonomyError: the file cannot be read, or its columns are not those known.
    """
    for row in table.rows(*required, known=known):
        cells = {name: cell for name in row.cells if (cell := row[name])}
        if cells:
            values = {name: row.lines(name) if name in _LISTS else cell for name, cell in cells.items()}
            yield Record(table.source, row.place, "column", values)


def json_records(file: TextFile, known: Collection[str]) -> Iterator[Record]:
    """The objects of a JSON Lines file, one on each line that is not blank.

    Raises:
        TaxonomyError: the file cannot be read, a line is no JSON object, or a key is not known.
    """
    for number, line in enumerate(file.text().split("\n"), start=1):
        if not line.strip():
            continue
        place = f"line {number}"
        record = Record(file.source, place, "key", _json_object(line, f"{file.source}, {place}"))
        record.require_known(known)
        yield record


def skill_of(record: Record) -> Skill:
    """The skill that an entry describes; what its `broader` names need not exist.

    Raises:
        TaxonomyError: a value is missing or wrong.
    """
    label = record.line("label")
    return Skill(
        uri=record.line("uri"),
        label=label,
        alt_labels=tuple(alias for alias in record.lines("aliases") if alias != label),
        hidden_labels=record.lines("hidden_labels"),
        description=record.text("description"),
        skill_type=record.one_of("type", (*SKILL_TYPES, "")),
        reuse_level=record.one_of("reuse_level", (*REUSE_LEVELS, "")),
        collections=tuple(sorted(record.lines("collections"))),
        broader=record.lines("broader"),
    )


def _json_object(line: str, where: str) -> dict[str, Any]:
    expected = "expected one JSON object on each line"
    try:
        value = json.loads(line, object_pairs_hook=_each_once)
    except json.JSONDecodeError as error:
        problem = f"not valid JSON: {error.msg} at character {error.colno}"
        raise TaxonomyError(f"{where}: {problem}; {expected}") from error
    except (ValueError, RecursionError) as error:
        raise TaxonomyError(f"{where}: not usable JSON: {error}; {expected}") from error
    if not isinstance(value, dict):
        raise TaxonomyError(f"{where}: found {_KINDS.get(type(value), 'text')}, {expected}")
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {twice!r} stands twice")
    return values
