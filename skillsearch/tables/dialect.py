"""How the cells of a table are separated, as its first lines tell."""

import csv
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Final

from skillsearch.tables.names import name_key

__all__ = ["ABOVE", "DELIMITERS", "with_delimiter"]

ABOVE: Final = 20
"""Lines and rows among which the header of a table is looked for."""

DELIMITERS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""What may stand between cells, and what messages call it."""

_DECLARATION: Final = "sep="  # how Excel declares the delimiter, in a line of its own


def with_delimiter(
    lines: Iterable[str], names: Iterable[str], given: str | None = None
) -> tuple[str, Iterator[str]]:
    """The delimiter of a table, and its lines without one that declares it.

    It is the one that was given or declared; else the one that finds most names in one line; else the
    one that makes most cells; else the comma.

    Args:
        lines: of the table.
        names: of columns that are expected.
        given: the delimiter, where it is known.
    """
    rest = iter(lines)
    first = list(islice(rest, ABOVE))
    declared = None
    if first and first[0].strip('"\r\n\ufeff ').lower().startswith(_DECLARATION):
        declared = first.pop(0).strip('"\r\n\ufeff ')[len(_DECLARATION) :][:1] or "\t"
    return given or declared or _told(first, {name_key(name) for name in names}), chain(first, rest)


def _told(lines: list[str], keys: set[str]) -> str:
    def found(delimiter: str) -> tuple[int, int]:
        rows = [_cells(line, delimiter) for line in lines]
        known = max((len(keys.intersection(map(name_key, cells))) for cells in rows), default=0)
        return known, len(rows[0]) if rows else 0

    return max(DELIMITERS, key=found)  # the first of equals


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
