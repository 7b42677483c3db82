"""The files of WorkBench as rows: found by name, read by header."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from skillsearch.errors import EvaluationError
from trainer.evaluate.trec import read_text

__all__ = ["find_file", "read_columns"]

_CELL_LIMIT: Final = 2**20


def find_file(data: Path, folder: str, name: str) -> Path | None:
    """A file in a folder of the data, or directly in the data."""
    for path in (data / folder / name, data / name):
        if path.is_file():
            return path
    return None


def read_columns(path: Path, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """The cells of some columns of a CSV file with a header, not stripped; blank lines are left out.

    Raises:
        EvaluationError: the file cannot be read, is not UTF-8, is empty, lacks a column, or a row
            does not have as many cells as the header; names the file and line.
    """
    text = read_text(path)
    csv.field_size_limit(_CELL_LIMIT)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[str, ...]] = []
    try:
        header = [cell.strip() for cell in next(reader, [])]
        missing = [column for column in columns if column not in header]
        if missing:
            found = f"columns {', '.join(header)[:80]!r}" if any(header) else "an empty file"
            raise EvaluationError(
                f"{path}: {found}, expected a header with {', '.join(columns)}; "
                f"{', '.join(missing)} missing: give the file as its source has it"
            )
        places = [header.index(column) for column in columns]
        line = reader.line_num + 1
        for row in reader:
            if row and len(row) != len(header):
                raise EvaluationError(
                    f"{path}:{line}: {len(row)} cells, expected {len(header)} as in the header"
                )
            if row:
                rows.append(tuple(row[place] for place in places))
            line = reader.line_num + 1
    except csv.Error as error:
        raise EvaluationError(f"{path}:{reader.line_num}: {error}; is a quote not closed?") from error
    if not rows:
        raise EvaluationError(f"{path}: has a header and no row; download it again")
    return rows
