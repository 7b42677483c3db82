"""The command `skillsearch search`."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from skillsearch.cli.options import JsonOption, SetOption, read_assignments, split_settings

if TYPE_CHECKING:
    from skillsearch.cli.answers import Answer
    from skillsearch.store.filters import Filters

__all__ = ["search"]

Many = list[str] | None

_FILTERS = {
    "type": "types",
    "reuse_level": "reuse_levels",
    "collection": "collections",
    "under": "ancestors",
    "occupation": "occupations",
    "isco": "isco_groups",
    "relation": "relation",
    "taxonomy": "taxonomies",
    "language": "languages",
    "include": "include",
    "exclude": "exclude",
}
"""Names of the command line, and of the fields of `Filters`."""


def search(
    titles: Annotated[
        Many, typer.Argument(help="Job titles, or - for standard input.", show_default=False)
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--input", metavar="FILE", help="Titles: .csv, .tsv, .jsonl, .txt or -.", show_default=False
        ),
    ] = None,
    column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column of the titles.", show_default="title")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=100_000, help="Skills for each title.")
    ] = 20,
    skill_type: Annotated[Many, typer.Option("--type", help="skill or knowledge.")] = None,
    collection: Annotated[Many, typer.Option(help="digital, green, transversal, language, …")] = None,
    occupation: Annotated[Many, typer.Option(help="Needed by this occupation: URI or label.")] = None,
    filter_by: Annotated[
        Many,
        typer.Option(
            "--filter",
            metavar="NAME=VALUE",
            help="Another filter: under (a code or URI above the skill), isco, relation (essential, optional "
            "or either), reuse_level, taxonomy, language, include, exclude.",
        ),
    ] = None,
    reranker: Annotated[
        Literal["distilled", "cross-encoder", "late-interaction", "none"] | None,
        typer.Option(help="What scores the candidates again.", show_default="SKILLSEARCH_RERANK"),
    ] = None,
    explain: Annotated[
        int | None, typer.Option(metavar="RANK", min=1, help="Show the numbers of one hit.")
    ] = None,
    assignments: SetOption = None,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a row for each hit.")] = False,
) -> None:
    """Find and rank the skills for job titles.

    Values of one filter are alternatives; different filters must all hold. --set takes any setting,
    such as min_probability=0.5 (only skills that are so likely to be relevant), alpha, depth or
    blender=FILE (a blend that `fit` learned).

    Titles may come from a table, from JSON Lines, or from text with one title on each line. With
    --json, each title gives one JSON object on a line, which keeps the columns of its row under "row";
    with --csv they stand before those of each hit. A title that is refused does not stop the others;
    the exit code is 1 if all are. A title that begins with a dash comes after --.

    Example: skillsearch search "Data Scientist" --collection digital --type knowledge

    Example: skillsearch search Electrician Welder --limit 10 --json

    Example: skillsearch search Nurse --occupation midwife --filter relation=essential --explain 1

    Example: skillsearch search "Data Scientist" --set alpha=0.5 --set models=skillscout

    Example: skillsearch search --input titles.csv --column "job title" --csv

    Example: skillsearch search -- "- Tiler -"
    """
    from skillsearch.cli.answers import print_csv, print_json, print_tables
    from skillsearch.cli.many import answer_all
    from skillsearch.cli.titles import read_titles
    from skillsearch.errors import ConfigurationError
    from skillsearch.settings import load_settings
    from skillsearch.tasks import TITLE_TO_SKILLS

    if as_json and as_csv:
        raise ConfigurationError("give either --json or --csv")
    named = {"type": skill_type, "collection": collection, "occupation": occupation}
    filters = _filters(named, filter_by or ())
    changes, _ = split_settings(assignments)
    rerank = None if reranker in (None, "none") else reranker
    settings = load_settings(**changes | {"rerank": rerank})
    rows = read_titles(titles or (), source, column)
    if as_csv:
        rows = list(rows)  # whose columns are the header

    def show(found: "Iterable[Answer]") -> bool:
        if as_json:
            print_json(found)
        elif as_csv:
            print_csv(found, list(rows))
        else:
            return print_tables(found, explain)
        return True

    answer_all(
        TITLE_TO_SKILLS,
        rows,
        settings,
        show,
        source=source,
        is_table=not (as_json or as_csv),
        limit=limit,
        filters=filters,
        rerank=reranker != "none",
    )


def _filters(named: dict[str, Many], others: Sequence[str]) -> "Filters":
    """The filters of the options.

    Raises:
        ConfigurationError: a filter has an unknown name, or is not NAME=VALUE.
        FilterError: a value cannot be one.
    """
    from skillsearch.errors import ConfigurationError
    from skillsearch.store.filters import Filters

    values = {name: list(found or ()) for name, found in named.items()}
    for name, value in read_assignments(others, "--filter"):
        if name not in _FILTERS:
            raise ConfigurationError(f"--filter {name}: unknown; expected one of {', '.join(_FILTERS)}")
        values.setdefault(name, []).append(value)
    relation = values.pop("relation", ["either"])
    fields = {_FILTERS[name]: tuple(found) for name, found in values.items()}
    return Filters(**fields, relation=relation[-1])  # type: ignore[arg-type] # checked by Filters
