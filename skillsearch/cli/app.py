"""The command line, put together; the only module that knows all three packages."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skillsearch.errors import SkillSearchError
from skillsearch.rank.ranker import RerankerChoice

if TYPE_CHECKING:
    from collections.abc import Callable

    from skillsearch.client import SkillSearch
    from skillsearch.results import SearchResult
    from skillsearch.settings import Settings

__all__ = ["build_app", "main", "search"]

Many = list[str] | None


class Relation(StrEnum):
    """How an occupation needs a skill."""

    essential = "essential"
    optional = "optional"
    either = "either"


def build_app() -> typer.Typer:
    """All commands; what they need to run is imported when one runs."""
    from indexer.cli.builds import builds, prune, rollback, status
    from indexer.cli.reindex import reindex
    from trainer.cli.data import data
    from trainer.cli.evaluate import evaluate
    from trainer.cli.experiment import experiment
    from trainer.cli.fit import fit
    from trainer.cli.train import train

    app = typer.Typer(
        name="skillsearch",
        help="From a job title to ranked skills.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for command in (search, reindex, status, builds, rollback, prune, train, fit, experiment):
        app.command()(command)
    app.add_typer(evaluate, name="evaluate")
    app.add_typer(data, name="data")
    return app


def search(
    titles: Annotated[list[str], typer.Argument(help="Job titles.", show_default=False)],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Skills for each title.")] = 20,
    skill_type: Annotated[Many, typer.Option("--type", help="skill or knowledge.")] = None,
    reuse_level: Annotated[Many, typer.Option(help="transversal, cross-sector, sector-specific, …")] = None,
    collection: Annotated[Many, typer.Option(help="digital, green, transversal, language, …")] = None,
    under: Annotated[Many, typer.Option(help="Code or URI above the skill in the hierarchy: S1, …")] = None,
    occupation: Annotated[Many, typer.Option(help="Needed by this occupation: URI or label.")] = None,
    isco: Annotated[Many, typer.Option(help="Needed in this ISCO-08 group: code or URI.")] = None,
    relation: Annotated[Relation, typer.Option(help="For --occupation and --isco.")] = Relation.either,
    taxonomy: Annotated[Many, typer.Option(help="Of this taxonomy: esco, …")] = None,
    language: Annotated[Many, typer.Option(help="In this language: en, …")] = None,
    include: Annotated[Many, typer.Option(help="Only these skill URIs.")] = None,
    exclude: Annotated[Many, typer.Option(help="Not these skill URIs.")] = None,
    rerank: Annotated[bool, typer.Option(help="Score the candidates with the reranker.")] = True,
    reranker: Annotated[
        RerankerChoice | None, typer.Option(help="Which one.", show_default="SKILLSEARCH_RERANK")
    ] = None,
    alpha: Annotated[float | None, typer.Option(help="Weight of retrieval.", show_default="0.7")] = None,
    depth: Annotated[int | None, typer.Option(help="Candidates to rerank.", show_default="200")] = None,
    blender: Annotated[
        Path | None,
        typer.Option(
            help="A blend from skillsearch fit, in place of alpha's.", show_default="SKILLSEARCH_BLENDER"
        ),
    ] = None,
    demand_weight: Annotated[
        float | None,
        typer.Option(help="How much a learned blend heeds demand, from 0.", show_default="1"),
    ] = None,
    min_probability: Annotated[
        float | None, typer.Option(help="Only skills at least so likely to be relevant.", show_default="none")
    ] = None,
    explain: Annotated[int | None, typer.Option(metavar="RANK", help="Show the numbers of one hit.")] = None,
    models: Annotated[str | None, typer.Option(help="Folder of the models, or skillscout.")] = None,
    home: Annotated[Path | None, typer.Option(help="Instead of SKILLSEARCH_HOME.")] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, mps.", show_default="the best there is")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a title and line.")] = False,
) -> None:
    """Find and rank the skills for job titles.

    Filters of one kind are alternatives, kinds add up.

    Example: skillsearch search "Data Scientist" --collection digital --type knowledge

    Example: skillsearch search Electrician Welder --limit 10 --json

    Example: skillsearch search Nurse --occupation midwife --relation essential --explain 1

    Example: skillsearch search "Data Scientist" --reranker late-interaction
    """
    from skillsearch.errors import ConfigurationError
    from skillsearch.settings import load_settings
    from skillsearch.store.filters import Filters

    if reranker and not rerank:
        raise ConfigurationError(f"--reranker {reranker.value} and --no-rerank: give one of them")

    filters = Filters(
        types=skill_type or (),
        reuse_levels=reuse_level or (),
        collections=collection or (),
        ancestors=under or (),
        occupations=occupation or (),
        isco_groups=isco or (),
        relation=relation.value,
        taxonomies=taxonomy or (),
        languages=language or (),
        include=include or (),
        exclude=exclude or (),
    )
    settings = load_settings(
        home=home, models=models, device=device, blender=blender, rerank=reranker and reranker.value
    )
    with _open(settings) as client:
        results = client.search_many(
            titles,
            limit=limit,
            filters=filters,
            rerank=rerank,
            alpha=alpha,
            depth=depth,
            demand_weight=demand_weight,
            min_probability=min_probability,
        )
    if as_json:
        for result in results:
            typer.echo(result.to_json())
    else:
        _print_results(results, explain)


def main() -> None:
    """Run the command line; an error of ours is one red line and the exit code of its kind."""
    try:
        build_app()()
    except SkillSearchError as error:
        from rich.markup import escape

        from skillsearch.cli.console import stderr

        stderr().print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(error.exit_code)


def _print_results(results: list["SearchResult"], explain: int | None) -> None:
    from skillsearch.cli.console import explanation, result_table, stdout
    from skillsearch.errors import QueryError

    for result in results:
        stdout().print(result_table(result))
        if explain is not None:
            if not 1 <= explain <= len(result):
                raise QueryError(f"--explain {explain}: the result has ranks 1 to {len(result)}")
            stdout().print(explanation(result, result[explain - 1]))


def _open(settings: "Settings") -> "SkillSearch":
    """A client, with what shows that something happens until it is there."""
    from skillsearch.cli.console import progress, stderr
    from skillsearch.client import SkillSearch

    if settings.rerank == "cross-encoder":
        with stderr().status("loading index and models"):
            return SkillSearch.open(settings)
    with progress() as bars:

        def embedding(total: int) -> "Callable[[int], object]":
            task = bars.add_task("embed tokens", total=total)
            return lambda done: bars.advance(task, done)

        return SkillSearch.open(settings, progress=embedding)
