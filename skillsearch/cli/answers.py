"""Answers to many inputs as they are found: as tables, JSON Lines or CSV."""

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import typer

from skillsearch.characters import json_text, printable
from skillsearch.cli.console import error, stdout
from skillsearch.cli.tables import explanation, result_table
from skillsearch.cli.titles import TitleRow
from skillsearch.client import SkillSearch
from skillsearch.errors import QueryError
from skillsearch.results import FailedSearch, SkillHit
from skillsearch.tables import write_rows
from skillsearch.tasks.task import Task

__all__ = ["Answer", "answers", "json_cell", "print_csv", "print_json", "print_tables"]

Answer = tuple[TitleRow, Any]
"""A row, and the result for it or a `FailedSearch`."""

_COLUMNS: Final = ("rank", "uri", "label", "relevance", "score", "probability", "error")


def answers(
    client: SkillSearch,
    task: Task[..., Any],
    rows: Iterable[TitleRow],
    **options: Any,  # noqa: ANN401 - those of the task
) -> Iterator[Answer]:
    """The answer to each input as it is found; options are those of the task."""
    taken: deque[TitleRow] = deque()

    def titles() -> Iterator[object]:
        for row in rows:
            taken.append(row)
            yield None if row.problem else row.title

    for found in client.each(task, titles(), **options):
        row = taken.popleft()
        if row.problem and isinstance(found, FailedSearch):
            yield row, replace(found, title=row.title, error=row.problem)
        elif row.problem and not row.is_blank:  # what a task made of nothing is not what was asked
            yield row, FailedSearch(0, row.title, row.problem, QueryError.__name__)
        else:
            yield row, found


def print_tables(found: Iterable[Answer], explain: int | None) -> bool:
    """A table for each title, and one that explains a hit; errors go to standard error.

    Returns:
        Whether every hit was there that was to be explained.
    """
    is_whole = True
    for row, answer in found:
        place = f"{row.place}: " if row.place else ""
        if isinstance(answer, FailedSearch):
            error(f"{place}{answer.error}")
            continue
        stdout().print(result_table(answer))
        if explain is not None and explain <= len(answer):
            stdout().print(explanation(answer, answer[explain - 1]))
        elif explain is not None:
            error(f"{place}--explain {explain}: the result has ranks 1 to {len(answer)}; raise --limit")
            is_whole = False
    return is_whole


def print_json(found: Iterable[Answer]) -> None:
    """A JSON object on a line for each title, with the columns of its row, if it has some."""
    for row, answer in found:
        typer.echo(json_text(answer.to_dict() | ({"row": row.values} if row.values else {})))


def print_csv(found: Iterable[Answer], rows: Sequence[TitleRow]) -> None:
    """A row for each hit, or for a title without: the columns of the title's row, then those of the hit."""
    given = list(dict.fromkeys(name for row in rows for name in row.values)) or ["title"]
    ours = [f"skill {name}" if name in given else name for name in _COLUMNS]
    write_rows(sys.stdout, [*given, *ours], _cells(found, given))


def _cells(found: Iterable[Answer], given: Sequence[str]) -> Iterator[list[object]]:
    for row, answer in found:
        sys.stdout.flush()  # what was found before
        values = row.values or {"title": row.title}
        before = [json_cell(values.get(name)) for name in given]
        if isinstance(answer, FailedSearch):
            yield [*before, *[None] * (len(_COLUMNS) - 1), f"{row.place}: {answer.error}".removeprefix(": ")]
        elif not answer.hits:
            yield [*before, *[None] * len(_COLUMNS)]
        else:
            yield from ([*before, *_hit_cells(hit)] for hit in answer)


def json_cell(value: object) -> object:
    """A value as a cell, or as a value of JSON; a list or an object is text."""
    if value is None or isinstance(value, int | float):
        return value
    return printable(value) if isinstance(value, str) else json_text(value)


def _hit_cells(hit: SkillHit) -> list[object]:
    probability = None if hit.probability is None else round(hit.probability, 6)
    return [hit.rank, hit.uri, hit.label, hit.relevance, round(hit.score, 6), probability, None]
