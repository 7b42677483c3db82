"""Titles of the command line: from its arguments, a file or standard input, each with its row."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from skillsearch.characters import quoted
from skillsearch.errors import ConfigurationError, QueryError, SkillSearchError
from skillsearch.tables import Record, Skip, Skipped, Table, TextFile, json_lines, with_skipped

__all__ = ["STANDARD_INPUT", "TitleRow", "read_titles"]

STANDARD_INPUT: Final = "-"

_ADVICE: Final = "name the column with --column"
_STDIN: Final = TextFile("standard input", "standard input", Path("-"), error_type=QueryError)


@dataclass(frozen=True)
class TitleRow:
    """A title to search for, with what else stands in its row.

    Attributes:
        place: of the row, such as ``row 3``; empty where there is only one title.
        title: as it stands there.
        values: of the row, by column; empty where there are no columns.
        problem: why there is no title to search for, if so.
        is_blank: whether that is because there is nothing in its place.
    """

    place: str
    title: object
    values: Mapping[str, object] = field(default_factory=dict)
    problem: str = ""
    is_blank: bool = False


def read_titles(
    titles: Sequence[str],
    source: str | None,
    column: str | None,
    name: str = "title",
    *,
    blanks: bool = False,
) -> Iterable[TitleRow]:
    """The titles of the arguments, or those of a file or of standard input; a file is read at once.

    Args:
        titles: arguments; one alone may be ``-``, for standard input.
        source: a file, or ``-``.
        column: of the titles, where there are columns; by default ``title``.
        name: of what is read in place of titles, such as ``skill``, and of its column.
        blanks: take blank lines of text too, so that there is a row for each.

    Raises:
        ConfigurationError: there are no titles or two sources of them, or the file is of no known kind.
        QueryError: the file cannot be read, or has no such column.
    """
    if source is None and list(titles) == [STANDARD_INPUT]:
        titles, source = (), STANDARD_INPUT
    if bool(titles) == bool(source):
        raise ConfigurationError(
            f"give either {'job ' * (name == 'title')}{name}s, or --input with a file or - for standard input"
        )
    if source == STANDARD_INPUT:
        return _streamed(column, name, blanks=blanks)
    if source is None:
        places = [""] if len(titles) == 1 else [f"{name} {number}" for number in range(1, len(titles) + 1)]
        return [TitleRow(place, title) for place, title in zip(places, titles, strict=True)]
    return list(_filed(Path(source).expanduser(), column or name, blanks=blanks))


def _filed(path: Path, column: str, *, blanks: bool) -> Iterator[TitleRow]:
    match path.suffix.lower():
        case ".csv" | ".tsv":
            return _tabled(path, column)
        case ".jsonl" | ".ndjson" | ".json":
            file = TextFile.at(path, error_type=QueryError, advice=_ADVICE)
            return _rows(lambda skip: json_lines(file, skip=skip), column)
        case ".txt":
            return _lines(TextFile.at(path, error_type=QueryError).text().splitlines(), blanks=blanks)
    raise ConfigurationError(
        f"--input {path}: expected a .csv, .tsv, .jsonl, .ndjson, .json or .txt file, or - for standard "
        "input; save a spreadsheet as CSV UTF-8"
    )


def _tabled(path: Path, column: str, source: str | None = None) -> Iterator[TitleRow]:
    table = Table.at(path, error_type=QueryError, advice=_ADVICE)
    table = replace(table, source=source or table.source)
    return _rows(lambda skip: table.rows(column, skip=skip), column)


def _streamed(column: str | None, name: str, *, blanks: bool) -> Iterator[TitleRow]:
    """Titles of standard input as they come: JSON Lines, with a column CSV, or else one on each line."""
    lines: Iterator[str] = (line.decode("utf-8", "surrogateescape") for line in sys.stdin.buffer)
    first = next((line for line in lines if line.strip("\ufeff \t\r\n")), "").removeprefix("\ufeff")
    lines = chain([first], lines)
    if first.lstrip().startswith("{"):
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _json_row(f"line {number}", line, column or name)
    elif column is None:
        yield from _lines(lines, blanks=blanks)
    else:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "titles.csv"
            path.write_bytes("".join(lines).encode("utf-8", "surrogateescape"))
            yield from _tabled(path, column, _STDIN.source)


def _lines(lines: Iterable[str], *, blanks: bool) -> Iterator[TitleRow]:
    for number, line in enumerate(lines, start=1):
        title = line.strip()
        if title or blanks:
            yield TitleRow(f"line {number}", title, is_blank=not title)


def _rows(read: Callable[[Skip], Iterator[Record]], column: str) -> Iterator[TitleRow]:
    """The rows that a reader gives, with those that it skips between them."""
    for found in with_skipped(read):
        if isinstance(found, Skipped):
            yield TitleRow(found.place, None, {}, found.reason)
        else:
            yield _row(found, column)


def _json_row(place: str, line: str, column: str) -> TitleRow:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        return TitleRow(place, None, {}, f"not usable JSON: {error}")
    if not isinstance(values, dict):
        return TitleRow(place, None, {}, "expected one JSON object on each line")
    return _row(Record(_STDIN, place, "key", values), column)


def _row(record: Record, column: str) -> TitleRow:
    values = dict(record.values)
    if column not in values:
        return TitleRow(record.place, None, values, f"there is no {column} in it; {_ADVICE}")
    try:
        title: object = record.text(column)
    except SkillSearchError:  # the search tells what is wrong with it
        title = values[column]
    problem = "" if title else f"the title {quoted(values[column])} is empty"
    return TitleRow(record.place, title or values[column], values, problem, is_blank=not title)
