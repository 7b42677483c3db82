"""The command `skillsearch annotate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

from skillsearch.cli.options import JsonOption, SetOption, split_settings

if TYPE_CHECKING:
    from skillsearch.tasks.task import Task

__all__ = ["annotate"]

TaskName = Literal["search", "extract", "titles", "similar", "normalize-skill", "normalize-title"]

_TASKS = {
    "search": "title-to-skills",
    "extract": "text-to-skills",
    "titles": "skill-to-titles",
    "similar": "similar-skills",
    "normalize-skill": "normalize-skill",
    "normalize-title": "normalize-title",
}
"""Tasks by what their commands are called."""


def annotate(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="CSV, TSV, JSON Lines, JSON or Parquet, or a folder of Parquet files."
        ),
    ],
    column: Annotated[str, typer.Option(metavar="NAME", help="Column of the titles, skills or adverts.")],
    task: Annotated[TaskName, typer.Option(help="What is done with each.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File: .parquet, .jsonl or .ndjson.")],
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=1, max=100_000, help="Hits a row.", show_default="the task's"),
    ] = None,
    engine: Annotated[Literal["local", "ray"], typer.Option(help="Processes here, or Ray Data.")] = "local",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Clients at work.", show_default="one for each CPU")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that is there.")] = False,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Do a task for each row of a file, and write the rows with the columns of the results.

    What is found is kept in OUTPUT.partial until all is there. After a kill or a full disk the same
    command goes on where it stopped: no row is done twice, none is lost. Rows that fail are written beside
    the output, to NAME.failed.jsonl, with the reason. --set takes options of the task, such as
    threshold=0.6 of extract or rerank=false of search, and settings. --json prints what came of it.

    Example: skillsearch annotate jobs.csv --column title --task search --output skills.parquet

    Example: skillsearch annotate adverts.jsonl --column text --task extract --output skills.jsonl

    Example: skillsearch annotate jobs.parquet --column title --task normalize-title -o isco.parquet

    Example: skillsearch annotate jobs.parquet --column title --task search --output out.parquet --engine ray
    """
    from skillsearch.batch import AnnotateRequest
    from skillsearch.batch import annotate as run
    from skillsearch.characters import json_text
    from skillsearch.cli.console import note, wrote
    from skillsearch.cli.progress import progress_bars
    from skillsearch.settings import load_settings
    from skillsearch.tasks import TASKS

    done = TASKS[_TASKS[task]]
    options = _options_of(done)
    changes, own = split_settings(assignments, options)
    chosen = {name: _value(name, text, options[name]) for name, text in own.items()}
    if limit is not None:
        if "limit" not in options:
            raise typer.BadParameter(f"{task} gives all there are", param_hint="--limit")
        chosen["limit"] = limit
    request = AnnotateRequest(
        source.expanduser(),
        column,
        done,
        output.expanduser(),
        load_settings(**changes),
        chosen,
        engine,
        workers,
        overwrite,
    )
    with progress_bars() as progress:
        report = run(request, progress)
    if as_json:
        typer.echo(json_text(report.to_dict()))
    else:
        since = f", after {report.resumed:,} of an earlier run" if report.resumed else ""
        done_now = f"{report.rows - report.resumed:,} rows in {report.seconds:,.1f} s"
        note(f"{done_now}, {report.rate:.1f} a second{since}")
        if report.failures:
            note(f"{report.failures:,} of {report.rows:,} rows failed")
    wrote([report.output, *filter(None, [report.failed])])
    if report.failures == report.rows:
        raise typer.Exit(1)


def _options_of(task: "Task[..., Any]") -> dict[str, Any]:
    """Names and types of the options of a task that a text can say."""
    from inspect import Parameter, signature
    from typing import get_type_hints

    from skillsearch.store.filters import Filters

    hints = get_type_hints(task.run)
    return {
        name: hints[name]
        for name, one in signature(task.run).parameters.items()
        if one.kind is Parameter.KEYWORD_ONLY and Filters not in get_args(hints[name])
    }


def _value(name: str, text: str, kind: Any) -> Any:  # noqa: ANN401 - any type, and a value of it
    """The value that a text says.

    Raises:
        ConfigurationError: it is none of that type.
    """
    from pydantic import TypeAdapter, ValidationError

    from skillsearch.errors import ConfigurationError

    try:
        return TypeAdapter(kind).validate_python(text)
    except ValidationError as error:
        reasons = " or ".join(dict.fromkeys(item["msg"] for item in error.errors()))
        raise ConfigurationError(f"--set {name}={text}: {reasons}") from error
