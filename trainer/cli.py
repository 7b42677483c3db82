"""The command `skillsearch train`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.options import DeviceOption, EscoOption, SampleOption, VersionOption, load_release

if TYPE_CHECKING:
    from rich.table import Table

    from trainer.run import TrainReport

__all__ = ["train"]


def train(
    esco: EscoOption = None,
    sample: SampleOption = False,
    taxonomy_version: VersionOption = None,
    preset: Annotated[str, typer.Option(help="compact (two CPU cores) or large (a GPU).")] = "compact",
    output: Annotated[
        Path | None, typer.Option(help="Folder of the models.", show_default="SKILLSEARCH_HOME/models")
    ] = None,
    encoder_base: Annotated[str | None, typer.Option(help="Another base: folder or hub id.")] = None,
    reranker_base: Annotated[str | None, typer.Option(help="Another base: folder or hub id.")] = None,
    max_steps: Annotated[
        int | None, typer.Option(min=1, help="At most so many steps for each model.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the split, the draws and the weights.")] = 42,
    holdout: Annotated[float, typer.Option(help="Share of occupations held out, to measure on.")] = 0.1,
    device: DeviceOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace models that are there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Train the encoder and the reranker, and measure both on held-out occupations.

    Example: skillsearch train --esco esco-en.zip --esco esco-relations.zip --output models

    Example: skillsearch train --sample --max-steps 100
    """
    from skillsearch.console import progress, stdout
    from skillsearch.settings import load_settings
    from trainer.config import preset as find_preset
    from trainer.progress import RichReporter
    from trainer.run import train as run

    settings = load_settings(device=device)
    config = find_preset(
        preset,
        encoder_base=encoder_base,
        reranker_base=reranker_base,
        max_steps=max_steps,
        seed=seed,
        holdout=holdout,
    )
    folder = output or settings.home.expanduser() / "models"
    release = load_release(esco, sample=sample, version=taxonomy_version)
    with progress() as bars:
        report = run(
            release.taxonomy,
            config,
            folder,
            device=settings.device,
            overwrite=force,
            reporter=RichReporter(bars),
        )
    if as_json:
        typer.echo(json.dumps({"output": str(folder)} | asdict(report)))
    else:
        stdout().print(_report_table(report))
        stdout().print(f"models in {folder}: build the index with [bold]skillsearch reindex[/]")


def _report_table(report: "TrainReport") -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title="on held-out occupations", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("model")
    table.add_column("measure")
    table.add_column("value", justify="right")
    for model, metrics in report.metrics.items():
        for name, value in metrics.items():
            table.add_row(model.replace("_", " "), name.replace("_", " "), f"{value:.4f}")
    for model, steps in report.steps.items():
        table.add_row(model, "steps", f"{steps:,}")
    for stage, seconds in report.seconds.items():
        table.add_row("", stage, f"{seconds:.1f} s")
    return table
