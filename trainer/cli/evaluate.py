"""The commands of `skillsearch evaluate`: talentclef, esco, and workbench from its own package."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.options import DeviceOption, EscoOption, SampleOption, VersionOption, load_release
from skillsearch.rank.ranker import RerankerChoice
from trainer.cli.options import (
    AlphaOption,
    CutOption,
    DepthOption,
    JsonOption,
    ModelsOption,
    Parameter,
    PerQueryOption,
    PlotsOption,
    RerankerOption,
    RerankOption,
    RunOutputOption,
    SweepOption,
)
from trainer.cli.workbench import workbench

if TYPE_CHECKING:
    from skillsearch.settings import Settings
    from trainer.evaluate.benchmark import Benchmark
    from trainer.evaluate.runner import Evaluation, Plan

__all__ = ["evaluate"]

_WIDTH = 120  # of tables that go to a file or pipe
_TRAINED = "trained on these occupations"

evaluate = typer.Typer(
    help="Measure models, or a run that exists, on data with judgements.", no_args_is_help=True
)
evaluate.command()(workbench)


@evaluate.command()
def talentclef(
    data: Annotated[
        Path | None, typer.Option(help="Folder or zip of TalentCLEF's task B.", show_default=False)
    ] = None,
    qrels: Annotated[
        Path | None, typer.Option(help="Judgements instead of those of --data.", show_default=False)
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Measure this TREC run, without models.", show_default=False)
    ] = None,
    esco: EscoOption = None,
    taxonomy_version: VersionOption = None,
    models: ModelsOption = None,
    rerank: RerankOption = True,
    reranker: RerankerOption = None,
    alpha: AlphaOption = None,
    depth: DepthOption = None,
    cut: CutOption = None,
    sweep: SweepOption = None,
    plots: PlotsOption = None,
    run_output: RunOutputOption = None,
    per_query: PerQueryOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure job title to skills on TalentCLEF's data, or measure a run that exists already.

    A skill's text is its first alias, or its preferred label in the release given with --esco.

    Example: skillsearch evaluate talentclef --data TaskB/validation --models models --json

    Example: skillsearch evaluate talentclef --data TaskB/validation --sweep alpha --plots plots

    Example: skillsearch evaluate talentclef --qrels qrels.tsv --run run.trec
    """
    from skillsearch.errors import ConfigurationError
    from trainer.evaluate.runner import Plan, bare_benchmark, evaluate_run
    from trainer.evaluate.talentclef import check_ids, read_talentclef
    from trainer.evaluate.trec import read_qrels, read_run

    outputs = _Outputs(run_output, per_query, plots, as_json)
    _check_sweeps(sweep, plots, rerank=rerank, run=run)
    if data is None and (run is None or qrels is None):
        raise ConfigurationError("give --data, the folder or zip, or both --qrels and --run")
    benchmark, judgements = None, read_qrels(qrels) if qrels else None
    if data is not None:
        taxonomy = load_release(esco, sample=False, version=taxonomy_version).taxonomy if esco else None
        benchmark = read_talentclef(data, taxonomy=taxonomy)
        if judgements is not None:
            check_ids(judgements, benchmark.queries, benchmark.documents, str(qrels))
            benchmark = replace(benchmark, qrels=judgements)
    if run is not None:
        retrieved = read_run(run)
        benchmark = benchmark or bare_benchmark(str(qrels), judgements or {}, retrieved)
        plan = Plan(cut=cut)
        evaluation = evaluate_run(benchmark, retrieved, label=run.name, source=str(run), plan=plan)
        _report(evaluation, outputs, {"run": str(run), "cut": cut})
    elif benchmark is not None:
        settings = _settings(models, alpha, depth, device, reranker)
        plan = _plan(settings, cut, sweep)
        _measure_models(benchmark, settings, plan, outputs, rerank=rerank)


@evaluate.command()
def esco(
    esco: EscoOption = None,
    sample: SampleOption = False,
    taxonomy_version: VersionOption = None,
    models: ModelsOption = None,
    occupations: Annotated[
        Path | None,
        typer.Option(
            help="File of occupation URIs, one a line.", show_default="those that training held out"
        ),
    ] = None,
    allow_trained: Annotated[
        bool, typer.Option("--allow-trained", help="Take occupations that were trained on, and say so.")
    ] = False,
    rerank: RerankOption = True,
    reranker: RerankerOption = None,
    alpha: AlphaOption = None,
    depth: DepthOption = None,
    cut: CutOption = None,
    sweep: SweepOption = None,
    plots: PlotsOption = None,
    run_output: RunOutputOption = None,
    per_query: PerQueryOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how well the skills of held-out occupations are found by the occupation's label.

    An essential skill is core, grade 2; an optional one is contextual, grade 1.

    Example: skillsearch evaluate esco --esco esco-en.zip --esco esco-relations.zip --models models

    Example: skillsearch evaluate esco --sample --models models --sweep depth --per-query titles.csv
    """
    from skillsearch.models.folder import locate_models
    from trainer.evaluate.esco import esco_benchmark, select_occupations

    outputs = _Outputs(run_output, per_query, plots, as_json)
    _check_sweeps(sweep, plots, rerank=rerank)
    settings = _settings(models, alpha, depth, device, reranker)
    locate_models(settings.model_location)
    taxonomy = load_release(esco, sample=sample, version=taxonomy_version).taxonomy
    selection = select_occupations(
        settings.model_location, taxonomy, file=occupations, allow_trained=allow_trained
    )
    benchmark = esco_benchmark(taxonomy, selection.occupations)
    plan = replace(_plan(settings, cut, sweep), note=_TRAINED if selection.trained else "")
    _measure_models(benchmark, settings, plan, outputs, rerank=rerank, warnings=selection.warnings)


@dataclass(frozen=True, slots=True)
class _Outputs:
    """Where the figures go."""

    run: Path | None
    per_query: Path | None
    plots: Path | None
    as_json: bool


def _check_sweeps(
    sweep: Sequence[Parameter] | None, plots: Path | None, *, rerank: bool, run: Path | None = None
) -> None:
    """What can be told before anything is read.

    Raises:
        ConfigurationError: there is nothing to vary, or nothing to draw.
    """
    from skillsearch.errors import ConfigurationError

    if sweep and run is not None:
        raise ConfigurationError("--sweep varies what models do: it does not go with --run")
    if sweep and not rerank:
        raise ConfigurationError("--sweep varies the blend with the reranker: leave out --no-rerank")
    if plots is not None and not sweep:
        raise ConfigurationError("--plots draws sweeps: add --sweep alpha or --sweep depth")


def _settings(
    models: str | None,
    alpha: float | None,
    depth: int | None,
    device: str | None,
    reranker: RerankerChoice | None,
) -> "Settings":
    from skillsearch.settings import load_settings

    method = reranker and reranker.value
    return load_settings(models=models, alpha=alpha, depth=depth, device=device, rerank=method)


def _plan(settings: "Settings", cut: int | None, sweep: Sequence[Parameter] | None) -> "Plan":
    from trainer.evaluate.runner import SWEEPS, Plan

    sweeps = tuple(parameter for parameter in SWEEPS if parameter in (sweep or ()))
    return Plan(settings.alpha, settings.depth, cut, sweeps)


def _measure_models(
    benchmark: "Benchmark",
    settings: "Settings",
    plan: "Plan",
    outputs: _Outputs,
    *,
    rerank: bool,
    warnings: tuple[str, ...] = (),
) -> None:
    from skillsearch.cli.console import progress, stderr
    from skillsearch.models.folder import locate_models
    from skillsearch.models.reranker import Reranker
    from skillsearch.rank.late_interaction import LateInteraction
    from trainer.evaluate.progress import stages
    from trainer.evaluate.runner import evaluate_models

    with stderr().status("loading models"):
        pair, batch_size = locate_models(settings.model_location), settings.batch_size
        encoder = pair.load_encoder(device=settings.device, batch_size=batch_size)
        reranker: Reranker | LateInteraction | None = None
        if rerank and settings.rerank == "late-interaction":
            reranker = LateInteraction(encoder, None)
        elif rerank:
            reranker = pair.load_reranker(
                device=settings.device, precision=settings.precision, batch_size=batch_size
            )
    with progress() as bars:
        evaluation = evaluate_models(benchmark, encoder, reranker, plan, progress=stages(bars))
    facts: dict[str, object] = {"encoder": str(encoder.folder), "cut": plan.cut}
    if reranker is not None:
        facts |= {"rerank": settings.rerank, "reranker": str(reranker.folder)}
        facts |= {"alpha": plan.alpha, "depth": plan.depth}
    _report(replace(evaluation, warnings=evaluation.warnings + warnings), outputs, facts)


def _report(evaluation: "Evaluation", outputs: _Outputs, facts: dict[str, object]) -> None:
    """Write the files that are asked for, then print."""
    from rich.markup import escape

    from skillsearch.cli.console import stderr, stdout
    from trainer.evaluate.report import as_json, curve_table, evaluation_table
    from trainer.evaluate.report_files import write_curve, write_per_query
    from trainer.evaluate.trec import write_run

    written: list[Path] = []
    if outputs.run:
        write_run(outputs.run, evaluation.ranking, f"skillsearch {evaluation.rows[-1].label}")
        written.append(outputs.run)
    if outputs.per_query:
        write_per_query(outputs.per_query, evaluation)
        written.append(outputs.per_query)
    if outputs.plots:
        for curve in evaluation.curves:
            written += write_curve(outputs.plots, evaluation, curve)
    if outputs.as_json:
        typer.echo(json.dumps(as_json(evaluation, **facts)))
    else:
        console = stdout()
        if not console.is_terminal:
            console.width = max(console.width, _WIDTH)
        tables = [evaluation_table(evaluation), *(curve_table(evaluation, one) for one in evaluation.curves)]
        for table in tables:
            console.print(table)
    for warning in evaluation.warnings:
        stderr().print(f"[yellow]warning:[/] {escape(warning)}", soft_wrap=True)
    for path in written:
        stderr().print(escape(f"wrote {path}"), soft_wrap=True)
