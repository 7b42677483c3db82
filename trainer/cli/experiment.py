"""The command `skillsearch experiment`."""

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from indexer.cli.options import DeviceOption, EscoOption, VersionOption, load_release

if TYPE_CHECKING:
    from trainer.evaluate.workbench.tasks import WorkBench
    from trainer.experiments.designs import DesignName
    from trainer.experiments.latency import Latency
    from trainer.experiments.summary import Row
    from trainer.unified.config import UnifiedConfig

__all__ = ["Experiment", "experiment"]

_WIDTH = 140  # of tables that go to a file or pipe


class Experiment(StrEnum):
    """What is found out."""

    ablation = "ablation"
    transfer = "transfer"
    temperature = "temperature"
    latency = "latency"


def experiment(
    name: Annotated[
        Experiment,
        typer.Argument(
            help="ablation: losses and interactions; transfer: one graph at a time; temperature: of soft "
            "late interaction; latency: of a query.",
            show_default=False,
        ),
    ],
    esco: EscoOption = None,
    tasks: Annotated[
        Path | None,
        typer.Option(help="Folder of WorkBench task files.", show_default="only ESCO's tasks"),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="To train on: data set of skillsearch data build.", show_default=False),
    ] = None,
    models: Annotated[
        str | None, typer.Option(help="For latency: folder of our models.", show_default="the base")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="Folder or hub id.", show_default="the compact one")
    ] = None,
    updates: Annotated[int, typer.Option(min=1, help="Of each training.")] = 60,
    batch_size: Annotated[int, typer.Option(min=2, help="Skills a batch.")] = 64,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each variant.")] = 3,
    queries: Annotated[int, typer.Option(min=1, help="Drawn of each task's validation part.")] = 300,
    targets: Annotated[
        int | None, typer.Option(min=1, help="Drawn of each target space.", show_default="all")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Another value of the configuration."),
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for table, CSV and plot.")] = Path("results/unified"),
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Keeps the figures of what is done, to go on with.",
            show_default="SKILLSEARCH_HOME/experiments",
        ),
    ] = None,
    taxonomy_version: VersionOption = None,
    device: DeviceOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Repeat the experiments of Unified Work Embeddings (arXiv:2511.07969) at a size that fits.

    Ablation follows its Tables 4 and 5, transfer its Figure 3, temperature its Figure 4, latency its
    Table 3 (30 queries to warm up, 100 measured, targets cached). An experiment that was stopped goes
    on when the same command is given again.

    Example: skillsearch experiment ablation --data workgraph --esco esco.zip --tasks workbench --seeds 5

    Example: skillsearch experiment latency --esco esco.zip --tasks workbench --models unified
    """
    from skillsearch.errors import ConfigurationError
    from skillsearch.settings import load_settings
    from trainer.evaluate.workbench.build import build_workbench
    from trainer.unified.config import configure_unified

    settings = load_settings(device=device)
    if name is not Experiment.latency and data is None:
        raise ConfigurationError(f"{name} trains: give --data, a folder of `skillsearch data build`")
    config = configure_unified(
        # so few updates do not drift from the base, and moving back would only make differences smaller
        assignments=["base_weight=0", *(assignments or ())],
        base=base,
        max_steps=updates,
        batch_size=batch_size,
    )
    taxonomy = load_release(esco, sample=False, version=taxonomy_version).taxonomy
    bench = build_workbench(taxonomy, tasks, split="validation")
    rows: Sequence[Row] | Sequence[Latency]
    if data is None or name is Experiment.latency:
        title = f"A query against cached targets, encoder of {models or config.base}"
        rows = _time(bench.sample(queries=130), models, config.base, settings.device)
    else:
        title = (
            f"{updates} updates of {batch_size} skills, {seeds} seeds, MAP in points on up to {queries} "
            f"queries and {f'{targets:,}' if targets else 'all'} targets of each task, {taxonomy}"
        )
        rows = _vary(
            cast("DesignName", name.value),
            data,
            config,
            bench.sample(queries=queries, targets=targets),
            seeds,
            cache or settings.home.expanduser() / "experiments",
            settings.device,
        )
    _report(name, title, rows, output, as_json=as_json)


def _vary(
    name: "DesignName",
    data: Path,
    config: "UnifiedConfig",
    bench: "WorkBench",
    seeds: int,
    cache: Path,
    device: str | None,
) -> list["Row"]:
    from skillsearch.cli.console import progress
    from skillsearch.models.device import select_device
    from trainer.experiments.designs import DESIGNS
    from trainer.experiments.runs import run_design
    from trainer.experiments.summary import summarise
    from trainer.unified.graph import read_graph

    design, graph = DESIGNS[name], read_graph(data)
    chosen = range(config.seed, config.seed + seeds)
    models = sum(len(chosen) if variant.changes is not None else 1 for variant in design.variants)
    with progress() as bars:
        task = bars.add_task(f"{name}: models trained and measured", total=models)
        records = run_design(
            design,
            graph,
            config,
            bench,
            seeds=chosen,
            folder=cache,
            device=select_device(device),
            advance=lambda done: bars.advance(task, done),
        )
    return summarise(design, records)


def _time(bench: "WorkBench", models: str | None, base: str, device: str | None) -> list["Latency"]:
    from skillsearch.cli.console import stderr
    from skillsearch.models.folder import locate_models
    from skillsearch.models.hub import resolve_model
    from trainer.evaluate.workbench.models import load_sentence_transformer
    from trainer.experiments.designs import COSINE, SOFT
    from trainer.experiments.latency import measure_latency

    folder = resolve_model(locate_models(models).encoder if models else base)
    with stderr().status("timing single queries"):
        return measure_latency(load_sentence_transformer(folder, device=device), bench.tasks, (COSINE, SOFT))


def _report(
    name: Experiment,
    title: str,
    rows: "Sequence[Row] | Sequence[Latency]",
    output: Path,
    *,
    as_json: bool,
) -> None:
    from rich.markup import escape

    from skillsearch.cli.console import stderr, stdout
    from skillsearch.errors import EvaluationError
    from trainer.experiments.report import as_json as to_json
    from trainer.experiments.report import rich_tables, write_report

    if as_json:
        typer.echo(json.dumps({"experiment": name.value, "title": title, "rows": to_json(rows)}))
    else:
        console = stdout()
        if not console.is_terminal:
            console.width = max(console.width, _WIDTH)
        console.print(escape(title))
        for table in rich_tables(rows):
            console.print(table)
    try:
        for path in write_report(output, name.value, title, rows):
            stderr().print(escape(f"wrote {path}"), soft_wrap=True)
    except OSError as error:
        raise EvaluationError(f"{output} cannot be written: {error.strerror or error}") from error
