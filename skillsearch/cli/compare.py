"""The command `skillsearch compare`."""

from typing import TYPE_CHECKING, Annotated

import typer

from skillsearch.cli.options import JsonOption, SetOption, split_settings

if TYPE_CHECKING:
    from rich.table import Table

    from skillsearch.tasks.compare import Comparison

__all__ = ["compare"]


def compare(
    titles: Annotated[
        list[str], typer.Argument(help="Two job titles; or one, with --profile.", show_default=False)
    ],
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Skills in place of the first title: .csv, .tsv, .jsonl, .txt or -.",
            show_default=False,
        ),
    ] = None,
    column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column of the skills.", show_default="skill")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="Skills of a title.")] = 20,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two jobs, or the skills of a person and a job.

    Shows which of the skills that the last title asks for are there, which are near to one that is
    there, and which are missing.

    Example: skillsearch compare "data analyst" "data scientist"

    Example: skillsearch compare --profile skills.txt "data scientist" --json
    """
    from skillsearch.cli.console import note, print_tables
    from skillsearch.cli.many import open_client
    from skillsearch.cli.titles import read_titles
    from skillsearch.errors import ConfigurationError
    from skillsearch.settings import load_settings

    if len(titles) != (1 if profile else 2):
        raise ConfigurationError("give two titles, or one with --profile FILE")
    settings = load_settings(**split_settings(assignments)[0])
    there: str | list[str] = titles[0]
    if profile:
        there = [str(row.title) for row in read_titles((), profile, column, "skill") if not row.problem]
    with open_client(settings) as client:
        found = client.compare(there, titles[-1], limit=limit)
    if as_json:
        typer.echo(found.to_json())
        return
    print_tables([_table(found)])
    for text in found.notes:
        note(text)


def _table(found: "Comparison") -> "Table":
    """The skills that are asked for, by whether they are there."""
    from skillsearch.cli.console import new_table
    from skillsearch.cli.matches import probability_cell

    there = found.a if isinstance(found.a, str) else f"{len(found.a)} skills"
    table = new_table(f"{there} → {found.b}", f"{found.timings.total:.0f} ms")
    table.add_column("", no_wrap=True)
    table.add_column("skill", ratio=1)
    table.add_column("probability", justify="right", no_wrap=True)
    table.add_column("near to", ratio=1)
    for skill in found.shared:
        table.add_row("shared", skill.label, probability_cell(skill.probability), "")
    for one in found.near:
        table.add_row(
            "near", one.label, probability_cell(one.probability), f"{one.near} ({one.likeness:.2f})"
        )
    for skill in found.missing:
        table.add_row("missing", skill.label, probability_cell(skill.probability), "")
    return table
