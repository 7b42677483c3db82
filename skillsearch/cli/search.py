"""The command `skillsearch search`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from skillsearch.cli.options import JsonOption, SetOption, read_assignments, split_settings

if TYPE_CHECKING:
    from skillsearch.results import SearchResult
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
    titles: Annotated[list[str], typer.Argument(help="Job titles.", show_default=False)],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Skills for each title.")] = 20,
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
        Literal["cross-encoder", "late-interaction", "none"] | None,
        typer.Option(help="What scores the candidates again.", show_default="SKILLSEARCH_RERANK"),
    ] = None,
    blender: Annotated[
        Path | None,
        typer.Option(help="A blend that `fit` learned.", show_default="SKILLSEARCH_BLENDER"),
    ] = None,
    min_probability: Annotated[
        float | None,
        typer.Option(help="Only skills at least so likely to be relevant.", show_default="none"),
    ] = None,
    explain: Annotated[int | None, typer.Option(metavar="RANK", help="Show the numbers of one hit.")] = None,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find and rank the skills for job titles.

    Values of one filter are alternatives; different filters must all hold. With --json, each title
    gives one JSON object on a line.

    Example: skillsearch search "Data Scientist" --collection digital --type knowledge

    Example: skillsearch search Electrician Welder --limit 10 --json

    Example: skillsearch search Nurse --occupation midwife --filter relation=essential --explain 1

    Example: skillsearch search "Data Scientist" --set alpha=0.5 --set models=skillscout
    """
    from skillsearch.cli.progress import progress_bars
    from skillsearch.client import SkillSearch
    from skillsearch.settings import load_settings

    named = {"type": skill_type, "collection": collection, "occupation": occupation}
    filters = _filters(named, filter_by or ())
    changes, _ = split_settings(assignments)
    rerank = None if reranker in (None, "none") else reranker
    settings = load_settings(**changes | {"blender": blender, "rerank": rerank})
    with progress_bars() as progress:
        progress("load index and models")
        client = SkillSearch.open(settings, progress=progress)
    with client:
        results = client.search_many(
            titles,
            limit=limit,
            filters=filters,
            rerank=reranker != "none",
            min_probability=min_probability,
        )
    if as_json:
        for result in results:
            typer.echo(result.to_json())
    else:
        _print_results(results, explain)


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


def _print_results(results: Sequence["SearchResult"], explain: int | None) -> None:
    from skillsearch.cli.console import stdout
    from skillsearch.cli.tables import explanation, result_table
    from skillsearch.errors import QueryError

    for result in results:
        stdout().print(result_table(result))
        if explain is not None:
            if not 1 <= explain <= len(result):
                raise QueryError(f"--explain {explain}: the result has ranks 1 to {len(result)}")
            stdout().print(explanation(result, result[explain - 1]))
