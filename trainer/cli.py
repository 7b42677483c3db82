"""The command `skillsearch train`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.options import DeviceOption, EscoOption, SampleOption, VersionOption, load_release

if TYPE_CHECKING:
    from rich.table import Table

    from skillsearch.taxonomy import Taxonomy
    from trainer.report import TrainReport

__all__ = ["train"]


def train(
    esco: EscoOption = None,
    sample: SampleOption = False,
    talentclef: Annotated[
        Path | None, typer.Option(help="Folder or zip of TalentCLEF Task B training files instead.")
    ] = None,
    taxonomy_version: VersionOption = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="compact (two CPU cores), compact-card (SkillScout's recipe on the same base) or "
            "large (SkillScout's recipe, a GPU).",
            show_default="compact",
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file with other values, or the manifest.json of a run.")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="One value: encoder.learning_rate=1e-4, …"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the models.", show_default="SKILLSEARCH_HOME/models")
    ] = None,
    encoder_base: Annotated[str | None, typer.Option(help="Another base: folder or hub id.")] = None,
    reranker_base: Annotated[str | None, typer.Option(help="Another base: folder or hub id.")] = None,
    max_steps: Annotated[
        int | None, typer.Option(min=1, help="At most so many steps for each model.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the split, the draws and the weights.", show_default="42")
    ] = None,
    holdout: Annotated[
        float | None, typer.Option(help="Share of occupations held out, to measure on.", show_default="0.1")
    ] = None,
    device: DeviceOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace models that are there.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Discard a run that was stopped.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Train the encoder and the reranker, and measure both on held-out occupations.

    A run that was stopped goes on from its last checkpoint when the same command is given again.
    With several GPUs, start it as `accelerate launch -m skillsearch train …`.

    Example: skillsearch train --esco esco-en.zip --esco esco-relations.zip --output models

    Example: skillsearch train --esco esco.zip --preset large --set encoder.epochs=1

    Example: skillsearch train --sample --max-steps 100
    """
    from skillsearch.console import progress, stdout
    from skillsearch.settings import load_settings
    from trainer.config import configure, read_config
    from trainer.processes import is_first
    from trainer.progress import RichReporter
    from trainer.report import Reporter
    from trainer.run import train as run

    settings = load_settings(device=device)
    values = read_config(config) if config else {}
    bases = {"encoder": encoder_base, "reranker": reranker_base}
    given = [f"{part}.base='{base}'" for part, base in bases.items() if base is not None]
    wanted = configure(
        preset,
        values=values,
        assignments=[*(assignments or ()), *given],
        max_steps=max_steps,
        seed=seed,
        holdout=holdout,
    )
    folder = output or settings.home.expanduser() / "models"
    taxonomy = _taxonomy(esco, talentclef, sample=sample, version=taxonomy_version)
    with progress() as bars:
        report = run(
            taxonomy,
            wanted,
            folder,
            device=settings.device,
            overwrite=force,
            restart=restart,
            reporter=RichReporter(bars) if is_first() else Reporter(),
        )
    if not is_first():
        return
    if as_json:
        typer.echo(json.dumps({"output": str(folder)} | report.to_dict()))
    else:
        stdout().print(_report_table(report))
        stdout().print(f"models in {folder}: build the index with [bold]skillsearch reindex[/]")


def _taxonomy(
    esco: list[Path] | None, talentclef: Path | None, *, sample: bool, version: str | None
) -> "Taxonomy":
    from skillsearch.console import stderr
    from skillsearch.errors import ConfigurationError
    from trainer.talentclef import read_training_files

    if talentclef is None:
        return load_release(esco, sample=sample, version=version).taxonomy
    if esco or sample:
        raise ConfigurationError("give one of --esco, --talentclef and --sample")
    taxonomy, dropped = read_training_files(talentclef)
    stderr().print(
        f"read {taxonomy}: {len(taxonomy.skills):,} skills, {len(taxonomy.occupations):,} jobs, "
        f"{len(taxonomy.relations):,} relations"
    )
    for reason, count in dropped.items():
        stderr().print(f"  dropped {count:,} relations: {reason}")
    return taxonomy


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
    for name, value in report.calibration.items():
        table.add_row("calibration", name.replace("_", " "), f"{value:.4f}".rstrip("0").rstrip("."))
    for name, count in report.examples.items():
        table.add_row("data", name.replace("_", " "), f"{count:,}")
    for model, steps in report.steps.items():
        kept = report.kept_steps.get(model)
        table.add_row(model, "steps", f"{steps:,}" + (f", kept {kept:,}" if kept else ""))
    for model, step in report.resumed_from.items():
        table.add_row(model, "went on from step", f"{step:,}")
    for stage, seconds in report.seconds.items():
        table.add_row("", stage, f"{seconds:.1f} s")
    return table
