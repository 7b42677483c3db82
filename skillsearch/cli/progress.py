"""Progress bars on standard error, for any use case."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import (
    Progress as Bars,
)

from skillsearch.cli.console import is_quiet, stderr
from skillsearch.progress import Advance, Progress, silent

__all__ = ["progress_bars"]


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Show a bar for each stage while the context lasts; what is printed meanwhile goes where it would."""
    if is_quiet():
        yield silent
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=stderr(), redirect_stdout=False) as bars:
        current: list[TaskID] = []

        def begin(stage: str, total: int | None = None, /) -> Advance:
            for task in current:  # the stage before is over
                bars.update(task, total=bars.tasks[bars.task_ids.index(task)].completed or 1, refresh=True)
                bars.stop_task(task)
            task = bars.add_task(stage, total=total)
            current[:] = [task]

            def advance(done: int, note: str = "", /) -> None:
                description = f"{stage} · {note}" if note else stage
                bars.update(task, advance=done, description=description)

            return advance

        yield begin
