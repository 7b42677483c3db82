"""The command `skillsearch train`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from indexer.cli.options import EscoOption, SampleOption, load_languages, load_release
from skillsearch.cli.options import JsonOption, read_assignments

if TYPE_CHECKING:
    from skillsearch.taxonomy.records import Taxonomy
    from trainer.run import TrainReport

__all__ = ["train"]

_RUN: Final = ("device", "home", "restart", "threads", "version", "workbench")
"""Names of ``--set`` that are not options of the recipe."""


def train(
    esco: EscoOption = None,
    sample: SampleOption = False,
    talentclef: Annotated[
        Path | None, typer.Option(help="Folder or zip of TalentCLEF Task B training files instead.")
    ] = None,
    recipe: Annotated[
        Literal["pair", "unified"],
        typer.Option(help="pair: encoder and reranker; unified: one encoder for all work tasks."),
    ] = "pair",
    data: Annotated[
        Path | None,
        typer.Option(help="For unified: folder of skillsearch data build.", show_default=False),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="compact (two CPU cores), compact-card (SkillScout's recipe on the same base), "
            "multilingual (all languages of --esco) or large (SkillScout's recipe, a GPU). "
            "For unified: compact, or large (the paper's, a GPU).",
            show_default="compact",
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file with other values, or the manifest.json of a training.")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="An option of the recipe, such as max_steps=100, seed=1, holdout=0.2, encoder.base=FOLDER; "
            "or device=cpu, home=FOLDER, version=1.2 (of the release), restart=true (discard a stopped "
            "run), workbench=FOLDER (for unified, with --esco: tasks to choose the best checkpoint by).",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the models.", show_default="SKILLSEARCH_HOME/models")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace models that are there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train the encoder and the reranker and measure both on held-out occupations, or a unified encoder.

    A run that was stopped resumes from its last checkpoint when the same command is given again.
    With several GPUs, start it as `accelerate launch -m skillsearch train …`.

    Example: skillsearch train --esco esco-en.zip --esco esco-relations.zip --output models

    Example: skillsearch train --preset multilingual --esco en.zip --esco de.zip --esco relations.zip

    Example: skillsearch train --esco esco.zip --preset large --set encoder.epochs=1

    Example: skillsearch train --sample --set max_steps=100

    Example: skillsearch train --recipe unified --data workgraph --output unified
    """
    from skillsearch.cli.progress import progress_bars
    from skillsearch.errors import ConfigurationError
    from skillsearch.settings import load_settings
    from trainer.config import read_config
    from trainer.run import Target, is_first

    given = read_assignments(assignments or ())
    run = {name: value for name, value in given if name in _RUN}
    options = [f"{name}={value}" for name, value in given if name not in _RUN]
    settings = load_settings(**{name: run.get(name) for name in ("device", "threads", "home")})
    if (restart := run.get("restart", "false")) not in ("true", "false"):
        raise ConfigurationError(f"--set restart={restart}: expected true or false")
    folder = output or settings.home.expanduser() / ("models" if recipe == "pair" else "unified")
    target = Target(folder, settings.device, settings.threads, overwrite=force, restart=restart == "true")
    values = read_config(config) if config else {}
    version, workbench = run.get("version"), run.get("workbench")
    if recipe == "pair":
        from trainer.pair.config import configure_pair
        from trainer.pair.run import train_pair

        if data or workbench:
            raise ConfigurationError("--data and --set workbench=… go with --recipe unified")
        wanted = configure_pair(preset, values=values, assignments=options)
        taxonomy, *others = _taxonomies(esco, talentclef, sample=sample, version=version)
        with progress_bars() as progress:
            report = train_pair(taxonomy, wanted, target, progress, others=others)
    else:
        from trainer.evaluate.workbench.build import build_workbench
        from trainer.unified.config import configure_unified
        from trainer.unified.graph import read_graph
        from trainer.unified.run import train_unified
        from trainer.unified.train import workbench_evaluator

        if talentclef or sample:
            raise ConfigurationError("--talentclef and --sample go with --recipe pair")
        if data is None:
            raise ConfigurationError("--recipe unified needs --data, a folder of `skillsearch data build`")
        if workbench and not esco:
            raise ConfigurationError("--set workbench=… needs --esco, the release that the tasks are about")
        unified = configure_unified(preset, values=values, assignments=options)
        graph, evaluator = read_graph(data), None
        if workbench:
            release = load_release(esco, sample=False, version=version)
            bench = build_workbench(release.taxonomy, Path(workbench), split="validation")
            evaluator = workbench_evaluator(bench)
        with progress_bars() as progress:
            report = train_unified(graph, unified, target, validation=evaluator, progress=progress)
    if is_first():
        _print(report, recipe, folder, as_json=as_json)


def _taxonomies(
    esco: list[Path] | None, talentclef: Path | None, *, sample: bool, version: str | None
) -> "list[Taxonomy]":
    """What to train on, in each language that was given."""
    from skillsearch.cli.console import note
    from skillsearch.errors import ConfigurationError
    from trainer.data.talentclef import read_training_files

    if talentclef is None:
        return [release.taxonomy for release in load_languages(esco, sample=sample, version=version)]
    if esco or sample:
        raise ConfigurationError("give one of --esco, --talentclef and --sample")
    taxonomy, skipped = read_training_files(talentclef)
    note(
        f"read {taxonomy}: {len(taxonomy.skills):,} skills, {len(taxonomy.occupations):,} jobs, "
        f"{len(taxonomy.relations):,} relations"
    )
    for reason, count in skipped.items():
        note(f"  skipped {count:,} relations: {reason}")
    return [taxonomy]


def _print(report: "TrainReport", recipe: str, folder: Path, *, as_json: bool) -> None:
    from skillsearch.cli.console import pairs_table, stdout

    if as_json:
        typer.echo(json.dumps({"output": str(folder)} | report.model_dump(mode="json")))
        return
    rows = {
        f"{model} {name}": f"{value:.4f}"
        for model, values in report.metrics.items()
        for name, value in values.items()
    }
    rows |= {f"calibration {name}": f"{value:.4g}" for name, value in report.calibration.items()}
    rows |= {name: f"{count:,}" for name, count in report.examples.items()}
    for what, steps in (
        ("steps", report.steps),
        ("kept from step", report.kept_steps),
        ("resumed from step", report.resumed_from),
    ):
        rows |= {f"{model} {what}": f"{step:,}" for model, step in steps.items()}
    rows |= {stage: f"{seconds:.1f} s" for stage, seconds in report.seconds.items()}
    title = "on held-out occupations" if report.metrics else "the training"
    stdout().print(pairs_table(title, {name.replace("_", " "): value for name, value in rows.items()}))
    if recipe == "unified":
        stdout().print(f"model in {folder}: measure it with skillsearch evaluate workbench")
    else:
        stdout().print(f"models in {folder}: build the index with skillsearch reindex")
