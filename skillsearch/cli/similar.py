"""The command `skillsearch similar`."""

from typing import Annotated

import typer

from skillsearch.cli.options import JsonOption, SetOption, split_settings

__all__ = ["similar"]


def similar(
    skills: Annotated[
        list[str] | None,
        typer.Argument(help="Labels, URIs or other words, or - for standard input.", show_default=False),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--input", metavar="FILE", help="Skills: .csv, .tsv, .jsonl, .txt or -.", show_default=False
        ),
    ] = None,
    column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column of the skills.", show_default="skill")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=100_000, help="Skills for each skill.")
    ] = 20,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find skills that are like a skill.

    With --json, each skill gives one JSON object on a line.

    Example: skillsearch similar "project management" --limit 5

    Example: skillsearch similar --input skills.txt --json
    """
    from skillsearch.cli.many import answer_all
    from skillsearch.cli.matches import print_found
    from skillsearch.cli.titles import read_titles
    from skillsearch.settings import load_settings
    from skillsearch.tasks import SIMILAR_SKILLS

    settings = load_settings(**split_settings(assignments)[0])
    answer_all(
        SIMILAR_SKILLS,
        read_titles(skills or (), source, column, "skill"),
        settings,
        lambda found: print_found(found, as_json=as_json),
        source=source,
        is_table=not as_json,
        limit=limit,
    )
