"""The command `skillsearch normalize`."""

from typing import Annotated, Literal

import typer

from skillsearch.cli.options import JsonOption, SetOption, split_settings

__all__ = ["normalize"]


def normalize(
    texts: Annotated[
        list[str] | None, typer.Argument(help="Skill words, or titles with --as title.", show_default=False)
    ] = None,
    skills: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Skills: .csv, .tsv, .jsonl, .txt or -.", show_default=False),
    ] = None,
    titles: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Titles: .csv, .tsv, .jsonl, .txt or -.", show_default=False),
    ] = None,
    column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column of the file.", show_default="skill or title")
    ] = None,
    meant: Annotated[
        Literal["skill", "title"], typer.Option("--as", help="What the arguments are.")
    ] = "skill",
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=100_000, help="Concepts for each input.")
    ] = 5,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find what the taxonomy calls skills, or jobs.

    A label or another name of a concept wins over what is near. With --json, each input gives one JSON
    object on a line, in order, blank ones too; what is recognised by nothing says so.

    Example: skillsearch normalize "team work" "MS Excel"

    Example: skillsearch normalize --as title "Registered nurse" --json

    Example: skillsearch normalize --titles jobs.csv --column "job title" --json
    """
    from skillsearch.cli.many import answer_all
    from skillsearch.cli.matches import print_found
    from skillsearch.cli.titles import read_titles
    from skillsearch.errors import ConfigurationError
    from skillsearch.settings import load_settings
    from skillsearch.tasks import NORMALIZE_SKILL, NORMALIZE_TITLE

    if sum(map(bool, (texts, skills, titles))) != 1:
        raise ConfigurationError("give one of: texts, --skills FILE, --titles FILE")
    is_title = bool(titles) or (bool(texts) and meant == "title")
    source = titles or skills
    settings = load_settings(**split_settings(assignments)[0])
    answer_all(
        NORMALIZE_TITLE if is_title else NORMALIZE_SKILL,
        read_titles(texts or (), source, column, "title" if is_title else "skill", blanks=True),
        settings,
        lambda found: print_found(found, as_json=as_json),
        source=source,
        is_table=not as_json,
        limit=limit,
    )
