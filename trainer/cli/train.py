"""The command `skillsearch train`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from indexer.cli.options import DeviceOption, EscoOption, SampleOption, VersionOption, load_release

if TYPE_CHECKING:
    from rich.table import Table

    from skillsearch.taxonomy.records import Taxonomy
    from trainer.report import Reporter, TrainReport

__all__ = ["Recipe", "train"]

Choices = tuple[str | None, Mapping[str, Any], Sequence[str], Mapping[str, Any]]
"""Preset, values of a file, assignments, and single options, in the order in which they win."""


class Recipe(StrEnum):
    """What is trained."""

    pair = "pair"
    unified = "unified"


def train(
    esco: EscoOption = None,
    sample: SampleOption = False,
    talentclef: Annotated[
        Path | None, typer.Option(help="Folder or zip of TalentCLEF Task B training files instead.")
    ] = None,
    taxonomy_version: VersionOption = None,
    recipe: Annotated[
        Recipe, typer.Option(help="pair: encoder and reranker; unified: one encoder for all work tasks.")
    ] = Recipe.pair,
    data: Annotated[
        Path | None,
        typer.Option(help="For unified: folder of skillsearch data build.", show_default=False),
    ] = None,
    validation: Annotated[
        Path | None,
        typer.Option(
            help="For unified, with --esco: folder of WorkBench task files, to keep the best checkpoint.",
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="compact (two CPU cores), compact-card (SkillScout's recipe on the same base) or "
            "large (SkillScout's recipe, a GPU). For unified: compact, or large (the paper's, a GPU).",
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
    """Train the encoder and the reranker and measure both on held-out occupations, or a unified encoder.

    A run that was stopped goes on from its last checkpoint when the same command is given again.
    With several GPUs, start it as `accelerate launch -m skillsearch train …`.

    Example: skillsearch train --esco esco-en.zip --esco esco-relations.zip --output models

    Example: skillsearch train --esco esco.zip --preset large --set encoder.epochs=1

    Example: skillsearch train --sample --max-steps 100

    Example: skillsearch train --recipe unified --data workgraph --output unified
    """
    from skillsearch.cli.console import stdout
    from skillsearch.errors import ConfigurationError
    from skillsearch.settings import load_settings
    from trainer.pair.config import read_config
    from trainer.processes import is_first

    settings = load_settings(device=device)
    values = read_config(config) if config else {}
    given = list(assignments or ())
    run: dict[str, Any] = {"device": settings.device, "overwrite": force, "restart": restart}
    if recipe is Recipe.unified:
        if talentclef or sample or reranker_base or holdout is not None:
            raise ConfigurationError(
                "--talentclef, --sample, --reranker-base and --holdout go with --recipe pair"
            )
        if data is None:
            raise ConfigurationError("--recipe unified needs --data, a folder of `skillsearch data build`")
        folder = output or settings.home.expanduser() / "unified"
        changes: dict[str, object] = {"max_steps": max_steps, "seed": seed, "base": encoder_base}
        report = _train_unified(
            (preset, values, given, changes), data, folder, run, esco, validation, version=taxonomy_version
        )
    else:
        if data or validation:
            raise ConfigurationError("--data and --validation go with --recipe unified")
        folder = output or settings.home.expanduser() / "models"
        bases = {"encoder": encoder_base, "reranker": reranker_base}
        given += [f"{part}.base='{base}'" for part, base in bases.items() if base is not None]
        changes = {"max_steps": max_steps, "seed": seed, "holdout": holdout}
        taxonomy = _taxonomy(esco, talentclef, sample=sample, version=taxonomy_version)
        report = _train_pair((preset, values, given, changes), taxonomy, folder, run)
    if not is_first():
        return
    if as_json:
        typer.echo(json.dumps({"output": str(folder)} | report.to_dict()))
        return
    stdout().print(_report_table(report))
    if recipe is Recipe.unified:
        stdout().print(f"model in {folder}: measure it with [bold]skillsearch evaluate workbench[/]")
    else:
        stdout().print(f"models in {folder}: build the index with [bold]skillsearch reindex[/]")


def _train_pair(recipe: Choices, taxonomy: "Taxonomy", folder: Path, run: Mapping[str, Any]) -> "TrainReport":
    from trainer.pair.config import configure
    from trainer.pair.run import train as train_pair

    preset, values, assignments, changes = recipe
    wanted = configure(preset, values=values, assignments=assignments, **changes)
    with _reporter() as reporter:
        return train_pair(taxonomy, wanted, folder, reporter=reporter, **run)


def _train_unified(
    recipe: Choices,
    data: Path,
    folder: Path,
    run: Mapping[str, Any],
    esco: list[Path] | None,
    tasks: Path | None,
    *,
    version: str | None,
) -> "TrainReport":
    from skillsearch.errors import ConfigurationError
    from trainer.unified.config import configure_unified
    from trainer.unified.graph import read_graph
    from trainer.unified.run import train_on_graph

    preset, values, assignments, changes = recipe
    wanted = configure_unified(preset, values=values, assignments=assignments, **changes)
    if tasks and not esco:
        raise ConfigurationError("--validation needs --esco, the release that the tasks are about")
    graph = read_graph(data)
    validation = None
    if tasks:
        from trainer.evaluate.workbench.build import build_workbench
        from trainer.unified.validation import WorkbenchEvaluator

        taxonomy = load_release(esco, sample=False, version=version).taxonomy
        validation = WorkbenchEvaluator(build_workbench(taxonomy, tasks, split="validation"))
    with _reporter() as reporter:
        return train_on_graph(graph, wanted, folder, validation=validation, reporter=reporter, **run)


@contextmanager
def _reporter() -> Iterator["Reporter"]:
    """Progress bars, in the process that shows them."""
    from skillsearch.cli.console import progress
    from trainer.processes import is_first
    from trainer.progress import RichReporter
    from trainer.report import Reporter

    with progress() as bars:
        yield RichReporter(bars) if is_first() else Reporter()


def _taxonomy(
    esco: list[Path] | None, talentclef: Path | None, *, sample: bool, version: str | None
) -> "Taxonomy":
    from skillsearch.cli.console import stderr
    from skillsearch.errors import ConfigurationError
    from trainer.data.talentclef import read_training_files

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
