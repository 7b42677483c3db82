"""Consoles: results go to standard output, everything else to standard error.

What is printed is often the text of others, so it is printed as it is: nothing in it is read as markup, and
what would steer the terminal is left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from rich.box import SIMPLE, SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from skillsearch.characters import printable

__all__ = [
    "error",
    "is_quiet",
    "new_table",
    "note",
    "pairs_table",
    "print_tables",
    "set_quiet",
    "show_logs",
    "stderr",
    "stdout",
    "warn",
    "wrote",
]

_WIDTH: Final = 120  # of tables that go to a file or pipe

_state = {"quiet": False}


class _PlainConsole(Console):
    """A console that prints text as it is, without the characters that would steer a terminal."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """The segments of anything that is printed; those that rich steers the terminal with stay."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


def stdout() -> Console:
    """The console for results, standard output."""
    return _PlainConsole()


def stderr() -> Console:
    """The console for everything else, standard error, so that results can be piped."""
    return _PlainConsole(stderr=True)


def set_quiet(quiet: bool) -> None:
    """Leave out, or show again, whatever is neither a result nor an error."""
    _state["quiet"] = quiet


def is_quiet() -> bool:
    """Whether only results and errors are shown."""
    return _state["quiet"]


def show_logs(level: str) -> None:
    """Show the logs of this program and of its libraries on standard error, from a level such as INFO on."""
    import logging

    from rich.logging import RichHandler

    handler = RichHandler(console=_wide(stderr()), show_path=False)
    logging.basicConfig(level=level, format="%(name)s: %(message)s", handlers=[handler], force=True)


def new_table(title: str = "", caption: str = "") -> Table:
    """An empty table of the one style that all commands have."""
    return Table(
        title=title or None,
        title_justify="left",
        caption=caption or None,
        caption_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


def pairs_table(title: str, rows: Mapping[str, object]) -> Table:
    """Names and values, one pair a line."""
    table = Table(title=title, title_justify="left", show_header=False, box=SIMPLE, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, str(value))
    return table


def print_tables(tables: Iterable[Table]) -> None:
    """Print tables to standard output, wide enough where that is not a terminal."""
    console = _wide(stdout())
    for table in tables:
        console.print(table)


def note(text: str) -> None:
    """Tell something on standard error."""
    if not is_quiet():
        stderr().print(text, soft_wrap=True)


def warn(text: str) -> None:
    """Warn on standard error."""
    if not is_quiet():
        stderr().print(Text.assemble(("warning:", "yellow"), " ", text), soft_wrap=True)


def error(text: str) -> None:
    """Tell on standard error what failed."""
    stderr().print(Text.assemble(("error:", "bold red"), " ", text), soft_wrap=True)


def wrote(paths: Iterable[Path]) -> None:
    """Name the files that were written, on standard error."""
    for path in paths:
        note(f"wrote {path}")


def _wide(console: Console) -> Console:
    """The console, wide enough for tables where it is no terminal."""
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH)
    return console
