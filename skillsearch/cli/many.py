"""A task for each of many inputs: opens the client, shows progress, and counts what failed."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import Any

import typer

from skillsearch.cli.answers import Answer, answers
from skillsearch.cli.console import note, stdout
from skillsearch.cli.progress import progress_bars
from skillsearch.cli.titles import TitleRow
from skillsearch.client import SkillSearch
from skillsearch.errors import QueryError
from skillsearch.progress import Advance, silent
from skillsearch.results import FailedSearch
from skillsearch.settings import Settings
from skillsearch.tasks.task import Task

__all__ = ["answer_all", "open_client"]


def answer_all(
    task: Task[..., Any],
    rows: Iterable[TitleRow],
    settings: Settings,
    show: Callable[[Iterable[Answer]], bool],
    *,
    source: str | None,
    is_table: bool,
    **options: Any,  # noqa: ANN401 - those of the task
) -> None:
    """Do a task for each row, and show what comes of it.

    Args:
        task: of `skillsearch.tasks`.
        rows: what it takes.
        settings: of the client.
        show: prints answers as they come, and tells whether all was there that was to be shown.
        source: file of the rows, if there is one.
        is_table: whether it prints tables, which show the progress themselves on a terminal.
        options: of the task.

    Raises:
        QueryError: there are no rows.
        Exit: all inputs failed, or something was not there.
    """
    counts = Counter[bool]()
    total = len(rows) if isinstance(rows, list) else None
    is_shown = total != 1 and not (is_table and stdout().is_terminal)
    with open_client(settings) as client, progress_bars() if is_shown else nullcontext(silent) as progress:
        advance = progress("search", total)
        is_whole = show(_counted(answers(client, task, rows, **options), counts, advance))
    name = task.input.name
    if not counts:
        raise QueryError(f"no {name}s in {source or 'standard input'}: it is empty")
    if counts[True] and counts.total() > 1:
        note(f"{counts[True]:,} of {counts.total():,} {name}s failed")
    if not (counts[False] and is_whole):
        raise typer.Exit(1)


def open_client(settings: Settings) -> SkillSearch:
    """Open the client, with a progress bar."""
    with progress_bars() as progress:
        progress("load index and models")
        return SkillSearch.open(settings, progress=progress)


def _counted(found: Iterable[Answer], counts: Counter[bool], advance: Advance) -> Iterator[Answer]:
    """The answers; how many failed, and how many did not, is counted under True and False."""
    for row, answer in found:
        counts[isinstance(answer, FailedSearch)] += 1
        yield row, answer
        advance(1, f"{counts[True]:,} failed" if counts[True] else "")
