"""Files of text, and the tables in them: no meaning, only safe reading.

A row is counted as a spreadsheet shows it: the header is row 1, and a cell of many lines is one row.
"""

import csv
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from skillsearch.errors import TaxonomyError

__all__ = ["DAMAGE", "MEMBER_LIMIT", "Row", "Table", "TextFile"]

MEMBER_LIMIT: Final = 512 * 2**20
"""Bytes that one file may have once unpacked."""

DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What reading a damaged zip raises."""

_CELL_LIMIT = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its number, and its cells by column."""

    table: "Table"
    number: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        """The cell of a required column, stripped.

        Raises:
            TaxonomyError: the row ends before this column.
        """
        cell = self.cells.get(column)
        if cell is None:
            raise self.error(column, "the row ends before this column")
        return cell.strip()

    @property
    def source(self) -> str:
        """Names the file in messages."""
        return self.table.source

    @property
    def place(self) -> str:
        """Where in the file it stands."""
        return f"row {self.number}"

    def filled(self, column: str) -> str:
        """The cell of a required column, stripped.

        Raises:
            TaxonomyError: the row ends before this column, or the cell is empty.
        """
        cell = self[column]
        if not cell:
            raise self.error(column, "empty, expected a value")
        return cell

    def get(self, column: str) -> str:
        """The cell of an optional column, stripped; empty where there is none."""
        return (self.cells.get(column) or "").strip()

    def lines(self, column: str) -> tuple[str, ...]:
        """The lines of a cell, stripped, without empty and repeated ones."""
        lines = (line.strip() for line in self.get(column).splitlines())
        return tuple(dict.fromkeys(line for line in lines if line))

    def error(self, column: str, problem: str) -> TaxonomyError:
        """An error that says where it is."""
        return self.table.error(self.number, column, f"{problem}; correct it or {self.table.remedy}")


@dataclass(frozen=True)
class TextFile:
    """A file of text, which may be a member of a zip.

    `name` is its file name, `source` names it in messages, `limit` is the number of bytes that it
    may have, and `remedy` what to do about one that is broken.
    """

    name: str
    source: str
    path: Path
    member: str | None
    limit: int
    remedy: str = "download the release again"

    @classmethod
    def of_ones_own(cls, path: Path, limit: int) -> Self:
        """A file that somebody wrote.

        Raises:
            TaxonomyError: there is no such file.
        """
        if path.is_dir():
            raise TaxonomyError(f"{path}: a folder, expected a file; name one in it")
        if not path.exists():
            raise TaxonomyError(f"{path}: no such file; check the path")
        return cls(path.name, path.name, path, None, limit, "check the file")

    def text(self) -> str:
        """All of it.

        Raises:
            TaxonomyError: it cannot be unpacked or decoded, is too large, or has a NUL character.
        """
        data = self._bytes()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            offset = error.start + len(data) - len(error.object)  # a byte order mark is not in the object
            problem = f"byte 0x{data[offset]:02x} at offset {offset} is not UTF-8; save the file as UTF-8"
            before = data[:offset].decode("utf-8-sig")
            raise TaxonomyError(f"{self.source}, {self.position(before)}: {problem}") from error
        if "\0" in text:
            before = text[: text.index("\0")]
            raise TaxonomyError(f"{self.source}, {self.position(before)}: a NUL character; {self.remedy}")
        return text

    def position(self, before: str) -> str:
        """Where the character stands that follows this part of the text."""
        line = before.count("\n") + 1
        return f"line {line}"

    def _bytes(self) -> bytes:
        """The unpacked bytes; a size in a zip's header is not trusted."""
        try:
            if self.member is None:
                with self.path.open("rb") as file:
                    data = file.read(self.limit + 1)
            else:
                with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as file:
                    data = file.read(self.limit + 1)
        except OSError as error:
            raise TaxonomyError(
                f"{self.source}: cannot be read: {error.strerror or error}; check its permissions"
            ) from error
        except (*DAMAGE, KeyError) as error:
            raise TaxonomyError(f"{self.source}: damaged in the zip ({error}); {self.remedy}") from error
        if len(data) > self.limit:
            raise TaxonomyError(
                f"{self.source}: has more than the limit of {self.limit:,} bytes; {self.remedy}"
            )
        return data


@dataclass(frozen=True)
class Table(TextFile):
    """A CSV file."""

    def rows(self, *required: str, known: Sequence[str] = ()) -> Iterator[Row]:
        """Read the table, checking that the required columns are there.

        Args:
            required: columns that must be there, once.
            known: all that may be there, each once; then no row may end early either. By default
                columns that are not required are not checked.

        Raises:
            TaxonomyError: it cannot be unpacked, decoded or parsed, or its columns are not as expected.
        """
        records = self._records(self.text())
        header = [column.strip() for column in next(records, [])]
        self._check(header, required, known)
        for number, record in enumerate(records, start=2):
            if len(record) > len(header):
                problem = f"more cells than the header's {len(header)}; is a quote or comma out of place?"
                raise self.error(number, str(len(header) + 1), problem)
            if record and known and len(record) < len(header):
                problem = "the row ends before this column; is the file cut off, or a comma missing?"
                raise self.error(number, header[len(record)], problem)
            if record:
                yield Row(self, number, dict(zip(header, record, strict=False)))

    def error(self, row: int, column: str, problem: str) -> TaxonomyError:
        """An error that says where it is."""
        shown = column if column.isprintable() else repr(column)
        return TaxonomyError(f"{self.source}, row {row}, column {shown}: {problem}")

    def position(self, before: str) -> str:
        """Row and column of the character that follows this part of the text."""
        try:
            records = list(csv.reader(io.StringIO(before + "?", newline="")))
        except csv.Error:
            return "row 1, column unknown"
        header, last = records[0], records[-1]
        is_known = len(records) > 1 and len(last) <= len(header)
        column = header[len(last) - 1].strip() if is_known else "unknown"
        return f"row {len(records)}, column {column}"

    def _check(self, header: Sequence[str], required: Sequence[str], known: Sequence[str]) -> None:
        expected = f"columns {', '.join(known)}, with commas between" if known else "a CSV file as downloaded"
        for column in required if not known else dict.fromkeys((*required, *header)):
            if header.count(column) != 1:
                found = repr(", ".join(header)[:200]) if header else "no header at all"
                problem = "stands twice" if column in header else "missing"
                raise self.error(1, column, f"{problem}; found {found}; expected {expected}")
        for number, column in enumerate(header, start=1) if known else ():
            if column not in known:
                problem = f"unknown; expected one of {', '.join(known)}; rename or delete it"
                raise self.error(1, column or f"{number} (no name)", problem)

    def _records(self, text: str) -> Iterator[list[str]]:
        csv.field_size_limit(_CELL_LIMIT)
        number = 0
        try:
            for record in csv.reader(io.StringIO(text, newline=""), strict=True):
                number += 1
                yield record
        except csv.Error as error:
            problem = f"not valid CSV: {error}; is a quote not closed?"
            raise self.error(number + 1, "unknown", problem) from error
