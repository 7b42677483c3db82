"""The command `skillsearch extract`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skillsearch.cli.options import JsonOption, SetOption, split_settings

if TYPE_CHECKING:
    from rich.table import Table

    from skillsearch.tasks.extraction import Extraction

__all__ = ["extract"]

_STYLES = {"required": "bold green", "optional": "yellow", "excluded": "dim"}


def extract(
    files: Annotated[
        list[str], typer.Argument(help="Adverts, text or HTML, or - for standard input.", show_default=False)
    ],
    names_only: Annotated[
        bool, typer.Option("--names-only", help="Find labels and aliases only; the encoder reads nothing.")
    ] = False,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="How probable a skill must be that the encoder reads.")
    ] = 0.2,
    html: Annotated[
        bool, typer.Option("--html", help="Take the texts for HTML, which is else told by its elements.")
    ] = False,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the skills of adverts, each with the places that it was read from.

    Text and HTML, also HTML escaped once more, are told apart by themselves. With --json, each file
    gives one JSON object on a line, with offsets in characters of the file. A file that is refused does
    not stop the others; the exit code is 1 if all are.

    Example: skillsearch extract advert.txt

    Example: skillsearch extract adverts/*.html --json

    Example: curl -s https://jobs.example.org/88 | skillsearch extract -
    """
    from skillsearch.cli.console import error, note, print_tables
    from skillsearch.cli.many import open_client
    from skillsearch.errors import QueryError
    from skillsearch.settings import load_settings

    settings = load_settings(**split_settings(assignments)[0])
    done = 0
    with open_client(settings) as client:
        for name in files:
            try:
                found = client.extract(_text(name), model=not names_only, threshold=threshold, html=html)
            except QueryError as problem:
                error(f"{name}: {problem}")
                continue
            done += 1
            if as_json:
                typer.echo(found.to_json())
            else:
                print_tables(_tables(name, found))
                if found.unread and found.recognised:
                    note(
                        f"note: {name}: {len(found.unread):,} of {len(found.sentences):,} sentences are "
                        "in another language than the index, and not read"
                    )
    if not done:
        raise typer.Exit(1)


def _text(name: str) -> str:
    """The text of a file, or of standard input, with its line ends as they are.

    Raises:
        QueryError: it cannot be read, or is not UTF-8.
    """
    from skillsearch.errors import QueryError

    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).expanduser().read_bytes()
        return content.decode("utf-8")
    except OSError as error:
        raise QueryError(f"it cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise QueryError(f"it is not UTF-8 text, at byte {error.start:,}: save it as UTF-8") from error


def _tables(name: str, found: "Extraction") -> "Iterator[Table]":
    """The skills of a text, and what is no skill of the index."""
    from rich.text import Text

    from skillsearch.cli.console import new_table
    from skillsearch.cli.matches import probability_cell

    caption = f"{' + '.join(map(str, found.versions.taxonomies))} · {found.timings.total:.0f} ms"
    if not found.recognised:
        caption = f"not recognised as a text in a language of the index · {caption}"
    table = new_table(name, caption)
    table.add_column("skill", ratio=1)
    table.add_column("requirement", no_wrap=True)
    table.add_column("read as", ratio=1)
    table.add_column("how", no_wrap=True)
    table.add_column("probability", justify="right", no_wrap=True)
    for skill in found.skills:
        texts = dict.fromkeys(" ".join(span.text.split()) for span in skill.spans)
        says = Text(skill.requirement, style=_STYLES[skill.requirement])
        table.add_row(skill.label, says, "; ".join(texts), skill.how, probability_cell(skill.probability))
    for span in found.unmatched:
        table.add_row("-", "", span.text, "not in the index", "")
    yield table
