"""The reader of every table: CSV, TSV and JSON Lines.

Whatever is wrong is told with the file, the row as a spreadsheet counts it (the header is row 1, and a
cell of many lines is one row) or the line of a JSON Lines file, and the column or key.
"""

import csv
import io
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from skillsearch.errors import SkillSearchError
from skillsearch.tables.record import KINDS, Record
from skillsearch.tables.text_file import TextFile

__all__ = ["Skip", "Table", "json_lines"]

Skip = Callable[[str, str], object]
"""Called with the place and the reason of a row that is skipped."""

_CELL_LIMIT = 16 * 2**20


@dataclass(frozen=True)
class Table(TextFile):
    """A text file with a header and rows of cells, separated by `delimiter`."""

    delimiter: str = ","
    quoted: bool = True

    def rows(self, *required: str, known: Sequence[str] = (), skip: Skip | None = None) -> Iterator[Record]:
        """The rows that are not empty.

        Args:
            required: columns that must be there, once.
            known: all columns that may be there, each once; then no row may end early either. By
                default columns that are not required are not checked.
            skip: called for a row with another number of cells than the header; by default that is an
                error.

        Raises:
            SkillSearchError: it cannot be unpacked, decoded or parsed, or its columns are not as expected.
        """
        records = self._records(self.text())
        header = [column.strip() for column in next(records, [])]
        self._check(header, required, known)
        for number, cells in enumerate(records, start=2):
            if not cells:
                continue
            if problem := self._misfit(header, cells, strict=bool(known) or skip is not None):
                if skip is None:
                    raise self.cell_error(number, *problem)
                skip(f"row {number}", problem[1])
                continue
            yield Record(self, f"row {number}", "column", dict(zip(header, cells, strict=False)))

    def cell_error(self, row: int, column: str, problem: str) -> SkillSearchError:
        """An error about one cell."""
        shown = column if column.isprintable() else repr(column)
        return self.error(f", row {row}, column {shown}: {problem}")

    def position(self, before: str) -> str:
        """Row and column of the character that follows this part of the text."""
        try:
            records = list(csv.reader(io.StringIO(before + "?", newline=""), delimiter=self.delimiter))
        except csv.Error:
            return "row 1, column unknown"
        header, last = records[0], records[-1]
        is_known = len(records) > 1 and len(last) <= len(header)
        column = header[len(last) - 1].strip() if is_known else "unknown"
        return f"row {len(records)}, column {column}"

    def _check(self, header: Sequence[str], required: Sequence[str], known: Sequence[str]) -> None:
        between = "tabs" if self.delimiter == "\t" else "commas"
        columns = ", ".join(known or required)
        expected = f"columns {columns}, with {between} between"
        for column in required if not known else dict.fromkeys((*required, *header)):
            if header.count(column) != 1:
                found = repr(", ".join(header)[:200]) if header else "no header at all"
                problem = "appears twice" if column in header else "missing"
                advice = f"; {self.advice}" if self.advice else ""
                raise self.cell_error(1, column, f"{problem}; found {found}; expected {expected}{advice}")
        for number, column in enumerate(header, start=1) if known else ():
            if column not in known:
                problem = f"unknown; expected one of {', '.join(known)}; rename or delete it"
                raise self.cell_error(1, column or f"{number} (no name)", problem)

    def _misfit(self, header: Sequence[str], cells: Sequence[str], *, strict: bool) -> tuple[str, str] | None:
        """Column and problem of a row with another number of cells than the header."""
        if len(cells) > len(header):
            problem = f"more cells than the header's {len(header)}; is a quote or comma out of place?"
            return str(len(header) + 1), problem
        if strict and len(cells) < len(header):
            problem = "the row ends before this column; is the file cut off, or a comma missing?"
            return header[len(cells)], problem
        return None

    def _records(self, text: str) -> Iterator[list[str]]:
        csv.field_size_limit(_CELL_LIMIT)
        number = 0
        lines = io.StringIO(text, newline="")
        try:
            for cells in csv.reader(
                lines,
                strict=True,
                delimiter=self.delimiter,
                quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
            ):
                number += 1
                yield cells
        except csv.Error as error:
            problem = f"not valid CSV: {error}; is a quote not closed?"
            raise self.cell_error(number + 1, "unknown", problem) from error


def json_lines(file: TextFile, known: Collection[str] = (), *, skip: Skip | None = None) -> Iterator[Record]:
    """The objects of a JSON Lines file, one on each line that is not blank.

    Args:
        file: of one JSON object a line.
        known: keys that an object may have; by default any.
        skip: called for a line that is not usable; by default that is an error.

    Raises:
        SkillSearchError: the file cannot be read, a line is not a JSON object, or a key is not known.
    """
    for number, line in enumerate(file.text().split("\n"), start=1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            record = Record(file, place, "key", _json_object(file, line, place))
            if known:
                record.require_known(known)
        except file.error_type as error:
            if skip is None:
                raise
            skip(place, str(error))
            continue
        yield record


def _json_object(file: TextFile, line: str, place: str) -> dict[str, Any]:
    expected = "expected one JSON object on each line"
    try:
        value = json.loads(line, object_pairs_hook=_each_once)
    except json.JSONDecodeError as error:
        problem = f"not valid JSON: {error.msg} at character {error.colno}"
        raise file.error(f", {place}: {problem}; {expected}") from error
    except (ValueError, RecursionError) as error:
        raise file.error(f", {place}: not usable JSON: {error}; {expected}") from error
    if not isinstance(value, dict):
        raise file.error(f", {place}: found {KINDS.get(type(value), 'text')}, {expected}")
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {twice!r} appears twice")
    return values
