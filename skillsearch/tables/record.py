"""Entries of files: rows, JSON objects and TOML tables, read alike."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from skillsearch.errors import SkillSearchError
from skillsearch.tables.text_file import TextFile

__all__ = ["KINDS", "WHOLE_NUMBER", "Record"]

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

_SHOWN = 80  # characters of what was found, in a message


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of a file: a row, a JSON object, or a table of a TOML file.

    Values are as the parser of the file gave them, and are checked when they are asked for.

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
            raise self.error(name, "empty, expected a value")
        return value

    def line(self, name: str) -> str:
        """The value, stripped: one line, not empty.

        Raises:
            SkillSearchError: there is none, it is not text, or it has a line break.
        """
        value = self.text(name)
        if not value:
            raise self.error(name, "missing or empty, expected a value")
        return self._line(name, value)

    def lines(self, name: str) -> tuple[str, ...]:
        """The values of a list, stripped, without empty and repeated ones.

        A cell has one on each line. A single text is a list of one.

        Raises:
            SkillSearchError: it is not a list of texts, or one of a JSON or TOML list has a line break.
        """
        value = self.values.get(name)
        if value is None:
            return ()
        if self.unit == "column":
            found = [line.strip() for line in self._text(name, value).splitlines()]
        else:
            items = value if isinstance(value, list | tuple) else [value]
            found = [self._line(name, self._text(name, item)) for item in items]
        return tuple(dict.fromkeys(item for item in found if item))

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

    def _text(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            raise self.error(name, f"found {KINDS.get(type(value), 'a date or time')}, expected text")
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise self.error(name, "a NUL character or half of a surrogate pair; remove it")
        return value.strip()

    def _line(self, name: str, value: str) -> str:
        if len(value.splitlines()) > 1:
            raise self.error(name, f"a line break in {value[:_SHOWN]!r}, expected one line")
        return value
