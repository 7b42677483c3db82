"""The reader of tables: rows of cells below a header, as CSV and TSV files have them.

Whatever is wrong is told with the file, the row as a spreadsheet counts it (a cell of many lines is in
one row) and the column.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final

from skillsearch.errors import SkillSearchError
from skillsearch.tables.dialect import ABOVE, DELIMITERS, with_delimiter
from skillsearch.tables.names import our_names
from skillsearch.tables.record import Record
from skillsearch.tables.text_file import TextFile

__all__ = ["Skip", "Table"]

Skip = Callable[[str, str], object]
"""Called with the place and the reason of a row that is skipped."""

_CELL_LIMIT: Final = 4 * 2**20
_SHOWN: Final = 200  # characters of a header, in a message


@dataclass(frozen=True)
class Table(TextFile):
    """A text file with a header and rows of cells.

    Attributes:
        delimiter: between cells; by default commas, semicolons, tabs or bars, as the header tells.
        quoted: whether cells may stand in quotes.
        columns: the file's own names of columns, by ours; it may then have others too.
        hint: what to do where columns have other names.
    """

    delimiter: str | None = None
    quoted: bool = True
    columns: Mapping[str, str] = field(default_factory=dict, hash=False)
    hint: str = ""

    def rows(self, *required: str, known: Sequence[str] = (), skip: Skip | None = None) -> Iterator[Record]:
        """The rows that are not blank.

        Names of columns are compared by their letters and digits alone. The header is the first of the
        first twenty rows that has all columns required: what stands above it is not read.

        Args:
            required: columns that must be there, once.
            known: all columns that may be there, each once; then no row may end early either. By
                default columns that are not required are not checked.
            skip: called for a row with another number of cells than the header; by default that is an
                error.

        Raises:
            SkillSearchError: it cannot be unpacked, decoded or parsed, or its columns are not as expected.
        """
        ours = dict.fromkeys((*required, *known))
        delimiter, lines = with_delimiter(self.lines(), (*ours, *self.columns.values()), self.delimiter)
        records = self._records(lines, delimiter)
        first = list(islice(records, ABOVE))
        headers = [our_names(cells, ours, self.columns) for cells in first]
        place = self._header_place(first, headers, required, () if self.columns else known, delimiter)
        header = headers[place]
        for number, cells in enumerate(chain(first[place + 1 :], records), start=place + 2):
            if not any(map(str.strip, cells)):
                continue
            if problem := self._misfit(
                header, cells, strict=bool(known) or skip is not None, named=bool(known)
            ):
                if skip is None:
                    raise self.cell_error(number, *problem)
                skip(f"row {number}", problem[1])
                continue
            values = dict(self._named(header, cells, all_named=bool(known or self.columns)))
            yield Record(self, f"row {number}", "column", values)

    def cell_error(self, row: int, column: str, problem: str) -> SkillSearchError:
        """An error about one cell."""
        shown = column if column.isprintable() else repr(column)
        return self.error(f", row {row}, column {shown}: {problem}")

    def position(self, before: str) -> str:
        """Row and column of the character that follows this part of the text."""
        before = before.removeprefix("\ufeff") + "?"
        text = io.StringIO(before, newline="")
        delimiter, lines = with_delimiter(text, self.columns.values(), self.delimiter)
        try:
            records = list(csv.reader(lines, delimiter=delimiter))
        except csv.Error:
            return "row 1, column unknown"
        header, last = records[0], records[-1]
        is_known = len(records) > 1 and len(last) <= len(header)
        column = header[len(last) - 1].strip() if is_known else "unknown"
        return f"row {len(records)}, column {column}"

    def _header_place(
        self,
        first: Sequence[Sequence[str]],
        headers: Sequence[Sequence[str]],
        required: Sequence[str],
        known: Sequence[str],
        delimiter: str,
    ) -> int:
        """The place of the header among the first rows, after its names were checked."""
        place = next((at for at, names in enumerate(headers) if {*required} <= {*names}), None)
        if place is None:  # what looks most like a header: the first of the rows with most cells
            place = max(
                range(len(first)), key=lambda at: sum(map(bool, map(str.strip, first[at]))), default=0
            )
        header = headers[place] if headers else []
        shown = ", ".join(cell.strip() for cell in first[place] if cell.strip())[:_SHOWN] if first else ""
        found = repr(shown) if shown else "no header at all"
        if place:
            found += f" in row {place + 1}, which looks like the header"
        advice = "".join(f"; {text}" for text in (self.hint, self.advice) if text)
        for column in dict.fromkeys((*required, *filter(None, header))) if known else required:
            if header.count(column) != 1:
                problem = "appears twice" if column in header else "missing"
                between = DELIMITERS.get(delimiter, repr(delimiter))
                expected = f"columns {', '.join(known or required)}, with {between} between"
                raise self.cell_error(
                    place + 1, column, f"{problem}; found {found}; expected {expected}{advice}"
                )
        for column in filter(None, header) if known else ():
            if column not in known:
                problem = f"unknown; expected one of {', '.join(known)}; rename or delete it{advice}"
                raise self.cell_error(place + 1, column, problem)
        return place

    @staticmethod
    def _named(header: Sequence[str], cells: Sequence[str], *, all_named: bool) -> Iterator[tuple[str, str]]:
        """Names and cells; a cell below no name, as of an index that pandas wrote, is called by its place."""
        for place, (name, cell) in enumerate(zip(header, cells, strict=False), start=1):
            if name or (cell.strip() and not all_named):
                yield name or f"column {place}", cell

    def _misfit(
        self, header: Sequence[str], cells: Sequence[str], *, strict: bool, named: bool
    ) -> tuple[str, str] | None:
        """Column and problem of a row whose cells do not fit the header; blank ones at its end do."""
        if any(map(str.strip, cells[len(header) :])):
            problem = f"more cells than the header's {len(header)}; is a quote or comma out of place?"
            return str(len(header) + 1), problem
        if strict and len(cells) < len(header):
            problem = "the row ends before this column; is the file cut off, or a comma missing?"
            return header[len(cells)], problem
        if named and not self.columns:
            for number, (name, cell) in enumerate(zip(header, cells, strict=False), start=1):
                if not name and cell.strip():
                    return f"{number} (no name)", "a value below a header without a name; name the column"
        return None

    def _records(self, lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
        csv.field_size_limit(_CELL_LIMIT)
        number = 0
        try:
            for cells in csv.reader(
                lines,
                strict=True,
                delimiter=delimiter,
                quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
            ):
                number += 1
                yield cells
        except csv.Error as error:
            problem = f"not valid CSV: {error}; is a quote not closed?"
            raise self.cell_error(number + 1, "unknown", problem) from error
