"""The rows of the file that is annotated, read as often as they are needed; never all at once in memory."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, Protocol

from skillsearch.errors import AnnotationError, ConfigurationError
from skillsearch.tables import Record, Skip, Skipped, Table, TextFile, json_lines, with_skipped
from skillsearch.tables.cells import clean

__all__ = ["Kind", "Row", "Source", "TextSource", "open_source", "own_name", "text_of"]

Kind = Literal["text", "whole", "number", "bool", "json"]
"""What the values of a column are; ``json`` is what has no one type."""

_LIMIT: Final = 2**42  # bytes: files of adverts are large, and are read row by row
_LARGEST: Final = 2**63
_SHOWN: Final = 12  # columns in a message


@dataclass(frozen=True, slots=True)
class Row:
    """A row: where it stands, its values by column, and why it could not be read, if so."""

    place: str
    values: Mapping[str, object] = field(default_factory=dict)
    problem: str = ""


class Source(Protocol):
    """A file of rows."""

    @property
    def columns(self) -> Mapping[str, Kind]:
        """All columns in order, and what their values are."""

    def count(self) -> int:
        """How many rows there are."""

    def rows(self) -> Iterator[Row]:
        """All rows in order, the same ones each time."""


@dataclass(frozen=True)
class TextSource:
    """The rows of a CSV, TSV, JSON Lines or JSON file.

    Attributes:
        path: of the file.
        column: of the texts, which the file must have.
    """

    path: Path
    column: str

    @cached_property
    def columns(self) -> Mapping[str, Kind]:
        """All columns in order, and what their values are; the whole file is read for them."""
        return self._survey[1]

    def count(self) -> int:
        """How many rows there are."""
        return self._survey[0]

    def rows(self) -> Iterator[Row]:
        """All rows in order; one that cannot be read has a problem in place of values.

        Raises:
            AnnotationError: the file cannot be read, or has no such column.
        """
        for found in with_skipped(self._read()):
            if isinstance(found, Skipped):
                yield Row(found.place, problem=found.reason)
            else:
                yield Row(found.place, found.values)

    def _read(self) -> Callable[[Skip], Iterator[Record]]:
        advice = "name the column with --column"
        if self.path.suffix.lower() in (".csv", ".tsv"):
            table = Table.at(self.path, limit=_LIMIT, error_type=AnnotationError, advice=advice)
            return lambda skip: table.rows(self.column, skip=skip)
        file = TextFile.at(self.path, limit=_LIMIT, error_type=AnnotationError, advice=advice)
        return lambda skip: json_lines(file, skip=skip)

    @cached_property
    def _survey(self) -> tuple[int, dict[str, Kind]]:
        """The number of rows, and the columns.

        Raises:
            AnnotationError: no row has the column of the texts.
        """
        rows, found = 0, dict[str, Kind | None]()
        for row in self.rows():
            rows += 1
            for name, value in row.values.items():
                found[name] = _joined(found.get(name), value)
        if rows and self.column not in found:
            shown = ", ".join(list(found)[:_SHOWN]) or "none"
            raise AnnotationError(
                f"{self.path}: no row has a {self.column!r}; found {shown}; name the column with --column"
            )
        return rows, {name: kind or "text" for name, kind in found.items()}


def open_source(path: Path, column: str) -> Source:
    """The source at a path.

    Raises:
        ConfigurationError: it is of no kind that can be read, or pyarrow is missing.
        AnnotationError: it cannot be read, or has no such column.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet" or path.is_dir():
        if not path.exists():
            raise AnnotationError(f"{path}: no such file; check the path")
        from skillsearch.batch.arrow import ParquetSource

        return ParquetSource(path, column)
    if suffix in (".csv", ".tsv", ".jsonl", ".ndjson", ".json"):
        return TextSource(path, column)
    raise ConfigurationError(
        f"{path}: expected a .csv, .tsv, .jsonl, .ndjson, .json or .parquet file, or a folder of Parquet "
        "files; save a spreadsheet as CSV UTF-8"
    )


def text_of(row: Row, column: str) -> object:
    """What the task is given of a row: its value as it stands there; what means nothing is the empty text.

    Blanks, dashes, ``nan`` and error values of spreadsheets mean nothing.
    """
    value = row.values.get(column)
    return "" if value is None or (isinstance(value, str) and not clean(value)) else value


def own_name(name: str, given: Collection[str]) -> str:
    """The name of a result's column, beside columns that are there."""
    while name in given:
        name = f"skillsearch_{name}"
    return name


def _joined(kind: Kind | None, value: object) -> Kind | None:
    """What the values of a column are, with one more."""
    if value is None:
        return kind
    if isinstance(value, str):
        found: Kind = "text"
    elif isinstance(value, bool):
        found = "bool"
    elif isinstance(value, int) and -_LARGEST <= value < _LARGEST:
        found = "whole"
    else:
        found = "number" if isinstance(value, float) else "json"
    if kind in (None, found):
        return found
    return "number" if {kind, found} == {"whole", "number"} else "json"
