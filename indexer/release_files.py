"""The files of a release, from zips and folders to tables of text: no meaning, only safe reading.

A row is counted as a spreadsheet shows it: the header is row 1, and a cell of many lines is one row.
"""

import csv
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from skillsearch.errors import TaxonomyError

__all__ = ["MEMBER_LIMIT", "Row", "Table", "find_tables"]

MEMBER_LIMIT = 512 * 2**20
"""Bytes that one file may have once unpacked."""

_CELL_LIMIT = 16 * 2**20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OverflowError, RuntimeError, ValueError)


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
        return self.table.error(self.number, column, f"{problem}; correct it or download the release again")


@dataclass(frozen=True)
class Table:
    """A CSV file of a release: `name` is its file name, `source` names it in messages."""

    name: str
    source: str
    path: Path
    member: str | None
    limit: int

    def rows(self, *required: str) -> Iterator[Row]:
        """Read the table, checking that the required columns are there.

        Raises:
            TaxonomyError: it cannot be unpacked, decoded or parsed, or lacks a column.
        """
        records = self._records(self._text())
        header = [column.strip() for column in next(records, [])]
        for column in required:
            if header.count(column) != 1:
                found = repr(", ".join(header)[:200]) if header else "no header at all"
                problem = "stands twice" if column in header else "missing"
                raise self.error(1, column, f"{problem}; found {found}; expected a CSV file as downloaded")
        for number, record in enumerate(records, start=2):
            if len(record) > len(header):
                problem = f"more cells than the header's {len(header)}; is a quote or comma out of place?"
                raise self.error(number, str(len(header) + 1), problem)
            if record:
                yield Row(self, number, dict(zip(header, record, strict=False)))

    def error(self, row: int, column: str, problem: str) -> TaxonomyError:
        """An error that says where it is."""
        return TaxonomyError(f"{self.source}, row {row}, column {column}: {problem}")

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

    def _text(self) -> str:
        data = self._bytes()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            offset = error.start + len(data) - len(error.object)  # a byte order mark is not in the object
            problem = f"byte 0x{data[offset]:02x} at offset {offset} is not UTF-8; save the file as UTF-8"
            raise self.error(*_position(data[:offset].decode("utf-8-sig")), problem) from error
        if "\0" in text:
            before = text[: text.index("\0")]
            raise self.error(*_position(before), "a NUL character; download the release again")
        return text

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
        except (*_DAMAGE, KeyError) as error:
            raise TaxonomyError(
                f"{self.source}: damaged in the zip ({error}); download the release again"
            ) from error
        if len(data) > self.limit:
            raise TaxonomyError(
                f"{self.source}: unpacks to more than the limit of {self.limit:,} bytes; "
                "download the release again"
            )
        return data


def find_tables(paths: Sequence[Path], limit: int = MEMBER_LIMIT) -> dict[str, Table]:
    """The CSV files of all zips and folders, by file name.

    Raises:
        TaxonomyError: a path is missing, is no zip or folder, is damaged, or a file stands twice.
    """
    tables: dict[str, Table] = {}
    for path in paths:
        for table in _tables_of(path, limit):
            if other := tables.get(table.name):
                raise TaxonomyError(
                    f"{table.name} is in both {other.path.name} and {table.path.name}: give each part once"
                )
            tables[table.name] = table
    return tables


def _tables_of(path: Path, limit: int) -> Iterator[Table]:
    try:
        if path.is_dir():
            for file in sorted(path.iterdir()):
                if _is_table(PurePath(file.name)) and file.is_file():
                    yield Table(file.name, f"{path.name}/{file.name}", file, None, limit)
            return
        if not path.exists():
            raise TaxonomyError(f"{path}: no such file or folder; check the path")
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except OSError as error:
        raise TaxonomyError(
            f"{path}: cannot be read: {error.strerror or error}; check its permissions"
        ) from error
    except _DAMAGE as error:
        raise TaxonomyError(
            f"{path.name}: not a zip, or a truncated one ({error}); give the zip as downloaded"
        ) from error
    for member in members:
        name = _safe_name(path, member.filename)
        if name is None:
            continue
        source = f"{path.name}/{name}"
        if member.flag_bits & 0x1:
            raise TaxonomyError(f"{source}: encrypted; unpack it and give the folder")
        if member.compress_type not in _METHODS:
            raise TaxonomyError(
                f"{source}: compressed by method {member.compress_type}, expected stored or deflated; "
                "unpack it and give the folder"
            )
        yield Table(name, source, path, member.filename, limit)


def _safe_name(path: Path, member: str) -> str | None:
    """The file name of a CSV member, or None for what is not one.

    Nothing is ever unpacked to disk; a name that would escape the folder still marks a zip that
    nobody should trust.
    """
    parts = PurePosixPath(member.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in member or not member.isprintable():
        raise TaxonomyError(
            f"{path.name}: the member {member!r} has a name that escapes the folder; do not use this zip"
        )
    return parts.name if _is_table(parts) else None


def _is_table(path: PurePath) -> bool:
    """Whether a path is a CSV file; macOS adds hidden files that only look like one."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return path.suffix.lower() == ".csv" and not hidden


def _position(before: str) -> tuple[int, str]:
    """Row and column of the character that follows this part of a table."""
    try:
        records = list(csv.reader(io.StringIO(before + "?", newline="")))
    except csv.Error:
        return 1, "unknown"
    header, last = records[0], records[-1]
    known = len(records) > 1 and len(last) <= len(header)
    return len(records), header[len(last) - 1].strip() if known else "unknown"
