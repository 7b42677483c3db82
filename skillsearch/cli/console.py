"""Consoles: results go to standard output, everything else to standard error."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from rich.box import SIMPLE, SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

__all__ = ["new_table", "note", "pairs_table", "print_tables", "stderr", "stdout", "warn", "wrote"]

_WIDTH: Final = 120  # of tables that go to a file or pipe


def stdout() -> Console:
    """The console for results, standard output."""
    return Console(highlight=False)


def stderr() -> Console:
    """The console for everything else, standard error, so that results can be piped."""
    return Console(stderr=True, highlight=False)


def new_table(title: str = "", caption: str = "") -> Table:
    """An empty table of the one style that all commands have; markup in the title is not read."""
    return Table(
        title=escape(title) or None,
        title_justify="left",
        caption=escape(caption) or None,
        caption_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


def pairs_table(title: str, rows: Mapping[str, object]) -> Table:
    """Names and values, one pair a line."""
    table = Table(title=escape(title), title_justify="left", show_header=False, box=SIMPLE, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, escape(str(value)))
    return table


def print_tables(tables: Iterable[Table]) -> None:
    """Print tables to standard output, wide enough where that is not a terminal."""
    console = stdout()
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH)
    for table in tables:
        console.print(table)


def note(text: str) -> None:
    """Tell something on standard error."""
    stderr().print(escape(text), soft_wrap=True)


def warn(text: str) -> None:
    """Warn on standard error."""
    stderr().print(f"[yellow]warning:[/] {escape(text)}", soft_wrap=True)


def wrote(paths: Iterable[Path]) -> None:
    """Name the files that were written, on standard error."""
    for path in paths:
        note(f"wrote {path}")
