"""The writer of every CSV file whose cells may hold what others wrote."""

import csv
import re
from collections.abc import Iterable, Sequence
from typing import Final, TextIO

__all__ = ["write_rows"]

_FORMULA: Final = re.compile(r"[=@\t\n]|[-+](?![\d.]+(?:e[-+]?\d+)?\Z)")
"""What a spreadsheet would run when the file is opened; a number with a sign is none."""


def write_rows(file: TextIO, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a header and rows as CSV; a text that a spreadsheet would take for a formula begins with ``'``.

    Line breaks within a cell are written as line feeds.

    Args:
        file: opened for text with ``newline=""``.
        columns: of the header.
        rows: values in the order of the columns; None is an empty cell.
    """
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(_plain, columns))
    writer.writerows(map(_plain, row) for row in rows)


def _plain(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")  # which csv leaves unquoted
    return f"'{text}" if _FORMULA.match(text) else text
