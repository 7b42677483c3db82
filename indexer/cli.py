"""The commands `skillsearch reindex` and `skillsearch status`."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.options import DeviceOption, EscoOption, SampleOption, VersionOption, load_release

if TYPE_CHECKING:
    from rich.table import Table

    from indexer.reindex import ReindexReport

__all__ = ["reindex", "status"]


def reindex(
    esco: EscoOption = None,
    sample: SampleOption = False,
    taxonomy_version: VersionOption = None,
    models: Annotated[
        str | None,
        typer.Option(help="Folder of the models, or skillscout.", show_default="SKILLSEARCH_MODELS"),
    ] = None,
    device: DeviceOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Build the index of a taxonomy release next to the published one, check it, and publish it.

    Searches go on while it runs. Without a Qdrant server the index is below SKILLSEARCH_HOME.

    Example: skillsearch reindex --esco esco-en.zip --esco esco-relations.zip --models models

    Example: skillsearch reindex --sample
    """
    from indexer.embed import concept_count
    from indexer.reindex import reindex as run
    from skillsearch.console import progress, stdout
    from skillsearch.models.folder import locate_models
    from skillsearch.settings import load_settings
    from skillsearch.store import open_store

    settings = load_settings(models=models, device=device)
    pair = locate_models(settings.model_location)
    release = load_release(esco, sample=sample, version=taxonomy_version)
    with progress() as bars:
        task = bars.add_task("load the encoder", total=concept_count(release.taxonomy))
        encoder = pair.load_encoder(device=settings.device, batch_size=settings.batch_size)
        store = open_store(settings)
        try:
            report = run(
                release.taxonomy,
                encoder,
                store,
                embedded=lambda count: bars.advance(task, count),
                stage=lambda name: bars.update(task, description=name),
            )
        finally:
            store.close()
    if as_json:
        typer.echo(json.dumps(report.to_dict()))
    else:
        stdout().print(_report_table(report))


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show what is published, and the other builds that are there.

    Example: skillsearch status --json
    """
    from skillsearch.console import stdout
    from skillsearch.settings import load_settings
    from skillsearch.store import open_store

    settings = load_settings()
    store = open_store(settings)
    try:
        published, builds = store.published(), store.builds()
        size = published.size()
    finally:
        store.close()
    if as_json:
        others = [info.to_dict() for info in builds]
        typer.echo(json.dumps({"published": published.info.to_dict(), "bytes": size, "builds": others}))
        return
    where = str(settings.qdrant_url or settings.home.expanduser() / "index")
    table = _pairs_table(f"published in {where}", {**published.info.to_dict(), "size": _megabytes(size)})
    stdout().print(table)
    stdout().print(f"{len(builds)} builds: " + ", ".join(info.name for info in builds), soft_wrap=True)


def _report_table(report: "ReindexReport") -> "Table":
    rows = {
        "build": report.build.name,
        "skills": f"{report.build.skills:,}",
        "occupations": f"{report.build.occupations:,}",
        **{name.replace("_", " "): f"{value:.2f} s" for name, value in report.seconds.items()},
        "size": _megabytes(report.bytes_on_disk),
    }
    return _pairs_table("published", rows)


def _pairs_table(title: str, rows: Mapping[str, object]) -> "Table":
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_header=False, box=SIMPLE, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name.replace("_", " "), str(value))
    return table


def _megabytes(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 1e6:.1f} MB"
