"""The command `skillsearch reindex`."""

import json
import os
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.options import DeviceOption, EscoOption, SampleOption, VersionOption

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from indexer.build import Progress
    from indexer.plan import Plan
    from skillsearch.models.folder import ModelPair
    from skillsearch.store.base import Store
    from skillsearch.taxonomy.records import Taxonomy

__all__ = ["reindex"]


def reindex(
    esco: EscoOption = None,
    taxonomy: Annotated[
        Path | None,
        typer.Option(help="A taxonomy of your own instead: .csv or .jsonl.", show_default=False),
    ] = None,
    sample: SampleOption = False,
    taxonomy_version: VersionOption = None,
    name: Annotated[
        str | None, typer.Option(help="Of your own taxonomy.", show_default="from its file name")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Of your own taxonomy.", show_default="en")] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(
            help="Private skills, aliases, hidden skills, pinned labels: .toml or .csv.",
            show_default="the one that is published",
        ),
    ] = None,
    no_overlay: Annotated[bool, typer.Option("--no-overlay", help="Forget the published overlay.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="Write what becomes of every URI: .csv or .jsonl.", show_default=False),
    ] = None,
    golden: Annotated[
        Path | None,
        typer.Option(
            help="Titles with expected skills: CSV with title,skill.", show_default="made from the taxonomy"
        ),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Recall on them that may be lost.", show_default="0.02"),
    ] = None,
    allow_downgrade: Annotated[
        bool, typer.Option("--allow-downgrade", help="Index an older version than is published.")
    ] = False,
    accept_removals: Annotated[
        int | None, typer.Option(min=0, help="Concepts that may vanish.", show_default="5% of them")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Embed everything again.")] = False,
    give_way: Annotated[
        bool, typer.Option(help="Leave the processor to whoever else wants it, such as searches.")
    ] = True,
    models: Annotated[
        str | None,
        typer.Option(help="Folder of the models, or skillscout.", show_default="SKILLSEARCH_MODELS"),
    ] = None,
    device: DeviceOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan or report as JSON.")] = False,
) -> None:
    """Move the index to a release: build next to what is published, check, publish.

    Only concepts whose text changed are embedded. Searches go on, and `skillsearch rollback` undoes it.
    After a crash the same command goes on where it was. Without a Qdrant server the index is below
    SKILLSEARCH_HOME. Exits with 3 if the new build fails its checks; it is then not published.

    Example: skillsearch reindex --esco esco-en.zip --esco esco-relations.zip --dry-run

    Example: skillsearch reindex --taxonomy acme-v3.csv --overlay ours.toml

    Example: skillsearch reindex --sample
    """
    if give_way:
        _give_way()
    from indexer.build import carry_out
    from indexer.checks import MARGIN
    from indexer.golden import read_golden
    from indexer.guards import require_allowed
    from indexer.migration import require_suffix, write_migration
    from indexer.read.release import load_taxonomy, overlaid
    from skillsearch.cli.console import progress
    from skillsearch.models.folder import locate_models
    from skillsearch.settings import load_settings
    from skillsearch.store import open_store

    settings = load_settings(models=models, device=device)
    if report:
        require_suffix(report)
    pair = locate_models(settings.model_location)
    titles = read_golden(golden) if golden else None
    release = load_taxonomy(
        esco, taxonomy, sample=sample, name=name, version=taxonomy_version, language=language
    )
    with closing(open_store(settings)) as store:

        def planned(bars: "Bars") -> "Plan":
            plan = _plan(overlaid(release, store, overlay, forget=no_overlay), pair, store, full, bars)
            if report:
                write_migration(plan, report)
            return plan

        if dry_run:
            with progress() as bars:
                plan = planned(bars)
            _show_plan(plan, as_json)
            require_allowed(plan, allow_downgrade=allow_downgrade, accept_removals=accept_removals)
            return
        with store.lock(f"reindex of {release}"), progress() as bars:
            plan = planned(bars)
            require_allowed(plan, allow_downgrade=allow_downgrade, accept_removals=accept_removals)
            task = bars.add_task("load the encoder", total=1)
            encoder = pair.load_encoder(device=settings.device, batch_size=settings.batch_size)
            bars.advance(task)
            done = carry_out(
                plan,
                encoder,
                store,
                golden=titles,
                margin=MARGIN if margin is None else margin,
                progress=_progress(bars),
            )
    if as_json:
        typer.echo(json.dumps({"plan": plan.to_dict(), **done.to_dict()}))
    else:
        from indexer.cli.tables import report_table
        from skillsearch.cli.console import stdout

        _show_plan(plan, as_json)
        stdout().print(report_table(done))


def _plan(
    taxonomy: "tuple[Taxonomy, dict[str, object] | None, tuple[str, ...]]",
    pair: "ModelPair",
    store: "Store",
    full: bool,
    bars: "Bars",
) -> "Plan":
    from indexer.build import published_build
    from indexer.plan import make_plan
    from indexer.target import Target

    concepts, stored, problems = taxonomy
    encoder = pair.find_encoder()
    base = published_build(store)
    task = bars.add_task("plan", total=base.info.skills + base.info.occupations if base else None)
    plan = make_plan(
        Target(concepts, alias_weight=encoder.alias_weight),
        encoder,
        base,
        overlay=stored,
        force=full,
        advance=lambda count: bars.advance(task, count),
    )
    bars.update(task, total=bars.tasks[task].completed)
    return replace(plan, overlay_problems=problems)


def _progress(bars: "Bars") -> "Progress":
    from indexer.build import Progress

    return Progress(
        stage=lambda name, total: bars.add_task(name, total=total),
        advance=lambda count: bars.advance(bars.task_ids[-1], count),
    )


def _show_plan(plan: "Plan", as_json: bool) -> None:
    from indexer.cli.tables import plan_view
    from skillsearch.cli.console import stdout

    if as_json:
        typer.echo(json.dumps(plan.to_dict()))
    else:
        stdout().print(plan_view(plan))


def _give_way() -> None:
    """Run when nothing else does (Linux), or else with the lowest priority; threads inherit it."""
    if hasattr(os, "SCHED_IDLE"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    elif hasattr(os, "nice"):
        os.nice(19)
