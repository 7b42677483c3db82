"""Entries of files: rows, JSON objects and TOML tables, read alike."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from skillsearch.errors import SkillSearchError
from skillsearch.tables.cells import clean, list_sign
from skillsearch.tables.text_file import TextFile

__all__ = ["KINDS", "WHOLE_NUMBER", "Record", "with_lists"]

KINDS: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a table",
    type(None): "null",
}
"""What messages call values that are not text."""

WHOLE_NUMBER: Final = re.compile(r"[0-9]{1,9}")
"""A number that is counted with or compared."""

_UNREADABLE = re.compile("[\0\ud800-\udfff]")
_SHOWN = 80  # characters of what was found, in a message
_NEARLY_ALL = 0.8


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of a file: a row, a JSON object, or a table of a TOML file.

    Values are as the parser of the file gave them, and are checked and cleaned when they are asked for;
    see `skillsearch.tables.cells.clean`.

    Attributes:
        file: that it is from.
        place: where in the file, such as ``row 3``.
        unit: what its names are called.
        values: by name.
    """

    file: TextFile
    place: str
    unit: Literal["column", "key"]
    values: Mapping[str, object]

    def __getitem__(self, name: str) -> str:
        """The value under a name that has to be there, stripped; it may be empty.

        Raises:
            SkillSearchError: the row ends before this column, or the value is not text.
        """
        value = self.values.get(name)
        if value is None:
            raise self.error(name, "the row ends before this column")
        return self._text(name, value)

    @property
    def source(self) -> str:
        """The name of the file in messages."""
        return self.file.source

    def text(self, name: str) -> str:
        """The value, stripped; empty where there is none.

        Raises:
            SkillSearchError: it is not text.
        """
        value = self.values.get(name)
        return "" if value is None else self._text(name, value)

    def filled(self, name: str) -> str:
        """The value under a name that has to be there, stripped and not empty.

        Raises:
            SkillSearchError: the row ends before this column, or the value is empty or not text.
        """
        value = self[name]
        if not value:
            raise self.error(name, f"{self._found(name, 'empty')}, expected a value")
        return value

    def line(self, name: str) -> str:
        """The value, stripped: one line, not empty.

        Raises:
            SkillSearchError: there is none, it is not text, or it has a line break.
        """
        value = self.text(name)
        if not value:
            raise self.error(name, f"{self._found(name)}, expected a value")
        return self._line(name, value)

    def lines(self, name: str) -> tuple[str, ...]:
        """The values of a list, stripped, without empty and repeated ones.

        A cell, or a single text, has one on each line.

        Raises:
            SkillSearchError: it is not a list of texts, or one of a JSON or TOML list has a line break.
        """
        return tuple(dict.fromkeys(item for _, item in self._items(name) if item))

    def unusable(self, name: str) -> tuple[str, ...]:
        """Values of a list that are there and mean nothing, such as ``#REF!`` or a dash.

        Raises what `lines` raises.
        """
        return tuple(found for found, item in self._items(name) if found.strip() and not item)

    def identifier(self, name: str) -> str:
        """The value, one line; a whole number of JSON is taken as text. It may be empty.

        Raises:
            SkillSearchError: it is neither, or has a line break.
        """
        value = _numeral(self.values.get(name))
        return "" if value is None else self._line(name, self._text(name, value))

    def identifiers(self, name: str) -> tuple[str, ...]:
        """The values of a list of identifiers; see `lines` and `identifier`.

        Raises:
            SkillSearchError: one is neither text nor a whole number, or has a line break.
        """
        value = self.values.get(name)
        numerals = [_numeral(item) for item in value] if isinstance(value, list | tuple) else _numeral(value)
        return replace(self, values={name: numerals}).lines(name)

    def one_of(self, name: str, known: Sequence[str]) -> str:
        """The value, one of those known, of which one may be empty.

        Raises:
            SkillSearchError: it is another.
        """
        value = self.text(name)
        if value not in known:
            expected = ", ".join(option or "empty" for option in known)
            raise self.error(name, f"unknown value {value[:_SHOWN]!r}, expected one of {expected}")
        return value

    def whole_number(self, name: str, meaning: str) -> int:
        """The value, a whole number from 0 to 999,999,999; `meaning` says what it counts.

        Raises:
            SkillSearchError: it is another value.
        """
        value = self.text(name)
        if not WHOLE_NUMBER.fullmatch(value):
            raise self.error(name, f"{value[:_SHOWN]!r}, expected a whole number from 0 up: {meaning}")
        return int(value)

    def require_known(self, known: Collection[str]) -> None:
        """Check that the entry has no names but these.

        Raises:
            SkillSearchError: it has another.
        """
        for name in self.values:
            if name not in known:
                raise self.error(name, f"unknown; expected one of {', '.join(known)}; rename or delete it")

    def require_only(self, allowed: Collection[str], what: str) -> None:
        """Check that the entry has values under these names only; `what` says what it is.

        Raises:
            SkillSearchError: it has another.
        """
        for name, value in self.values.items():
            if name not in allowed and value not in (None, "", [], ()):
                problem = f"{what} has none; expected only {', '.join(allowed)}; leave it empty"
                raise self.error(name, problem)

    def error(self, name: str, problem: str) -> SkillSearchError:
        """An error about one value."""
        shown = name if name.isprintable() else repr(name)
        advice = f"; correct it or {self.file.advice}" if self.file.advice else ""
        return self.file.error(f", {self.place}, {self.unit} {shown}: {problem}{advice}")

    def _found(self, name: str, empty: str = "missing or empty") -> str:
        """What a message says of a value that is empty once cleaned."""
        value = self.values.get(name)
        return f"found {value[:_SHOWN]!r}" if isinstance(value, str) and value.strip() else empty

    def _items(self, name: str) -> Iterator[tuple[str, str]]:
        """The values of a list as they stand there, and cleaned."""
        value = self.values.get(name)
        if isinstance(value, str):
            value = self._text(name, value, cleaned=False).splitlines()
        for item in () if value is None else value if isinstance(value, list | tuple) else [value]:
            found = self._text(name, item, cleaned=False)
            yield found, clean(self._line(name, found))

    def _text(self, name: str, value: object, *, cleaned: bool = True) -> str:
        if not isinstance(value, str):
            raise self.error(name, f"found {KINDS.get(type(value), 'a date or time')}, expected text")
        if _UNREADABLE.search(value):
            raise self.error(name, "a NUL character or half of a surrogate pair; remove it")
        return clean(value) if cleaned else value

    def _line(self, name: str, value: str) -> str:
        if len(value.strip().splitlines()) > 1:
            raise self.error(name, f"a line break in {value[:_SHOWN]!r}, expected one line")
        return value


def with_lists(
    records: Sequence[Record], names: Collection[str]
) -> tuple[list[Record], dict[str, str], dict[str, int]]:
    """Entries whose cells that are lists are split where another sign than the line break separates.

    Args:
        records: all entries of a file.
        names: of the columns that hold lists.

    Returns:
        The entries; the sign by column, for those that were split by one; and, for those that were not
        though nearly all of their cells have a comma, the number of these cells.
    """
    signs: dict[str, str] = {}
    commas: dict[str, int] = {}
    for name in names:
        cells = [value for record in records if isinstance(value := record.values.get(name), str) and value]
        if sign := list_sign(cells):
            signs[name] = sign
        elif (count := sum("," in cell for cell in cells)) > max(1, _NEARLY_ALL * len(cells)):
            commas[name] = 0 if any("\n" in cell for cell in cells) else count
    if signs:
        records = [replace(record, values=_split(record.values, signs)) for record in records]
    return list(records), signs, {name: count for name, count in commas.items() if count}


def _split(values: Mapping[str, object], signs: Mapping[str, str]) -> Mapping[str, object]:
    parts = {
        name: tuple(value.split(sign.strip()))
        for name, sign in signs.items()
        if isinstance(value := values.get(name), str)
    }
    return {**values, **parts}


def _numeral(value: object) -> object:
    """A whole number of JSON as text; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return str(int(value)) if value == value // 1 else value
