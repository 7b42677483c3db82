"""The command `skillsearch titles`."""

from typing import Annotated, Literal

import typer

from skillsearch.cli.options import JsonOption, SetOption, split_settings

__all__ = ["titles"]


def titles(
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
        int, typer.Option("--limit", "-n", min=1, max=100_000, help="Occupations for each skill.")
    ] = 20,
    reranker: Annotated[
        Literal["distilled", "cross-encoder", "none"] | None,
        typer.Option(help="What orders them, and gives probabilities.", show_default="SKILLSEARCH_RERANK"),
    ] = None,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the occupations that need a skill.

    Those that the taxonomy links with it come first, essential links before optional ones; then others
    that the models find. With --json, each skill gives one JSON object on a line.

    Example: skillsearch titles "SQL" --limit 10

    Example: skillsearch titles --input skills.txt --reranker none --json
    """
    from skillsearch.cli.many import answer_all
    from skillsearch.cli.matches import print_found
    from skillsearch.cli.titles import read_titles
    from skillsearch.settings import load_settings
    from skillsearch.tasks import SKILL_TO_TITLES

    named = {"rerank": None if reranker == "none" else reranker}
    settings = load_settings(**split_settings(assignments)[0] | named)
    answer_all(
        SKILL_TO_TITLES,
        read_titles(skills or (), source, column, "skill"),
        settings,
        lambda found: print_found(found, as_json=as_json),
        source=source,
        is_table=not as_json,
        limit=limit,
        rerank=reranker != "none",
    )
