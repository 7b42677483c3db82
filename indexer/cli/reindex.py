"""The command `skillsearch reindex`."""

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from indexer.cli.options import EscoOption, SampleOption, tell_release
from skillsearch.cli.options import JsonOption, SetOption, read_assignments, split_settings

if TYPE_CHECKING:
    from indexer.reindex import ReindexReport, ReindexRequest

__all__ = ["reindex"]

_MORE = ("name", "version", "language", "uris", "golden", "margin", "allow_downgrade")
"""Fields of the request that are given by ``--set``."""


def reindex(
    esco: EscoOption = None,
    taxonomy: Annotated[
        Path | None,
        typer.Option(help="A taxonomy of your own instead: .csv, .tsv, .json or .jsonl.", show_default=False),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=THEIRS",
            help='What it calls a column, such as label="Skill name".',
            show_default=False,
        ),
    ] = None,
    sample: SampleOption = False,
    overlay: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|none",
            help="Private skills, aliases, hidden skills, pinned labels: .toml or .csv.",
            show_default="the published one",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="Write what happens to every URI: .csv or .jsonl.", show_default=False),
    ] = None,
    accept_removals: Annotated[
        int | None, typer.Option(min=0, help="Concepts that may vanish.", show_default="5% of them")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Embed everything again.")] = False,
    nice: Annotated[
        int | None,
        typer.Option(min=0, max=19, help="Give way to other programs.", show_default="not at all"),
    ] = None,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move the index to a release: build next to what is published, check, publish.

    Only concepts whose text changed are embedded. Searches go on, and `skillsearch rollback` undoes it.
    After a crash, the same command resumes the build. Without a Qdrant server the index is below
    SKILLSEARCH_HOME. Exits with 3 if the new build fails its checks; it is then not published.

    --set takes any setting, and: name, version and language of the release; uris=labels, to make
    the URIs of a plain list from its labels; golden, a table of title and skill to measure recall
    on; margin, the recall that may be lost (0.02); allow_downgrade=true to index an older version than
    the published one.

    Example: skillsearch reindex --esco esco-en.zip --esco esco-relations.zip --dry-run

    Example: skillsearch reindex --taxonomy acme-v3.csv --overlay ours.toml --set models=skillscout

    Example: skillsearch reindex --taxonomy list-v1.csv --column label="Skill name" --set uris=labels

    Example: skillsearch reindex --sample
    """
    from indexer.reindex import reindex as run
    from skillsearch.cli.progress import progress_bars
    from skillsearch.settings import load_settings
    from skillsearch.store import open_store

    changes, more = split_settings(assignments, _MORE)
    settings = load_settings(**changes)
    request = _request(
        esco=tuple(esco or ()),
        taxonomy=taxonomy,
        columns=dict(read_assignments(column or (), "--column")),
        sample=sample,
        overlay=overlay,
        models=settings.model_location,
        device=settings.device,
        runtime=settings.runtime,
        threads=settings.threads,
        batch_size=settings.batch_size,
        dry_run=dry_run,
        report=report,
        accept_removals=accept_removals,
        full=full,
        home=settings.home.expanduser(),
        nice=nice,
        **more,
    )
    with closing(open_store(settings)) as store, progress_bars() as progress:
        done = run(request, store, progress, on_read=tell_release)
    _print(done, as_json)
    if done.refusal:
        raise done.refusal


def _request(**values: Any) -> "ReindexRequest":  # noqa: ANN401 - any field's type
    """The request.

    Raises:
        ConfigurationError: a value is not usable.
    """
    from pydantic import ValidationError

    from indexer.reindex import ReindexRequest
    from skillsearch.errors import ConfigurationError

    try:
        return ReindexRequest(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        option = f"--set {name}" if name in _MORE else f"--{name.replace('_', '-')}"
        raise ConfigurationError(f"{option} {first['input']!r}: {first['msg']}") from error


def _print(report: "ReindexReport", as_json: bool) -> None:
    """Notes go to standard error, the plan and what was published to standard output."""
    from indexer.cli.tables import plan_view, report_table
    from skillsearch.cli.console import note, stdout

    if report.kept_overlay:
        note(f"overlay: {report.kept_overlay}, as published")
    for problem in report.plan.overlay_problems:
        note(f"overlay: {problem}")
    if as_json:
        typer.echo(json.dumps(report.to_dict()))
        return
    stdout().print(plan_view(report.plan))
    if report.published:
        stdout().print(report_table(report.published))
