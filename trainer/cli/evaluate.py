"""The commands of `skillsearch evaluate`: talentclef, esco, workbench, extract, normalize and demand."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from indexer.cli.options import EscoOption, SampleOption, load_release
from skillsearch.cli.options import JsonOption, SetOption, split_settings
from trainer.cli.demand import demand
from trainer.cli.options import several_of
from trainer.cli.served import extract, normalize
from trainer.cli.workbench import workbench

if TYPE_CHECKING:
    from skillsearch.settings import Settings
    from trainer.evaluate.evaluation import Evaluation, Plan

__all__ = ["evaluate"]

Reranker = Literal["distilled", "cross-encoder", "late-interaction", "none"]

ModelsOption = Annotated[
    str | None, typer.Option(help="Folder of the models, or skillscout.", show_default="SKILLSEARCH_MODELS")
]
RerankerOption = Annotated[
    Reranker | None,
    typer.Option(help="What scores the candidates again.", show_default="SKILLSEARCH_RERANK"),
]
CutOption = Annotated[int | None, typer.Option(min=1, help="Cut lists to so many.", show_default="all")]
SweepOption = Annotated[list[str] | None, several_of("alpha", "depth", help="Vary it; can be given twice.")]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        help="Folder for the last row's ranking as a TREC run, and for figures by title and sweeps as CSV.",
        show_default=False,
    ),
]

evaluate = typer.Typer(
    help="Measure models, or a run that exists, on data with judgements.", no_args_is_help=True
)
evaluate.command()(workbench)
evaluate.command()(extract)
evaluate.command()(normalize)
evaluate.command()(demand)


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
    models: ModelsOption = None,
    reranker: RerankerOption = None,
    blender: Annotated[
        Path | None,
        typer.Option(help="Measure this learned blend, on titles new to it.", show_default=False),
    ] = None,
    cut: CutOption = None,
    sweep: SweepOption = None,
    output: OutputOption = None,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure job title to skills on TalentCLEF's data, or measure a run that exists already.

    A skill's text is its first alias, or its preferred label in the release given with --esco; --set takes
    settings, and the version of a release whose file name lacks it. A learned blend looks skills up in the
    published index; titles that it was fitted on are left out.

    Example: skillsearch evaluate talentclef --data TaskB/validation --models models --json

    Example: skillsearch evaluate talentclef --data TaskB/validation --sweep alpha --output figures

    Example: skillsearch evaluate talentclef --data TaskB/validation --set alpha=0.5 --set depth=100

    Example: skillsearch evaluate talentclef --data TaskB/test --blender blender.safetensors

    Example: skillsearch evaluate talentclef --qrels qrels.tsv --run run.trec
    """
    from skillsearch.cli.progress import progress_bars
    from skillsearch.errors import ConfigurationError
    from trainer.blend.measure import evaluate_blend
    from trainer.evaluate.talentclef import evaluate_talentclef, read_talentclef

    if blender and (run or data is None):
        raise ConfigurationError("--blender is measured on --data, and does not go with --run")
    plan, (settings, version) = _plan(reranker, cut, sweep), _settings(assignments, models, reranker)
    taxonomy = load_release(esco, sample=False, version=version).taxonomy if esco else None
    with progress_bars() as progress:
        if blender and data:
            benchmark = read_talentclef(data, taxonomy=taxonomy, qrels=qrels)
            evaluation = evaluate_blend(benchmark, settings, plan, blender, progress)
        else:
            evaluation = evaluate_talentclef(
                plan, settings, data=data, qrels=qrels, run=run, taxonomy=taxonomy, progress=progress
            )
    _report(evaluation, output, as_json=as_json)


@evaluate.command()
def esco(
    esco: EscoOption = None,
    sample: SampleOption = False,
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
    reranker: RerankerOption = None,
    cut: CutOption = None,
    sweep: SweepOption = None,
    output: OutputOption = None,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how well the skills of held-out occupations are found by the occupation's label.

    An essential skill is core, grade 2; an optional one is contextual, grade 1. --set takes settings, and
    the version of a release whose file name lacks it.

    Example: skillsearch evaluate esco --esco esco-en.zip --esco esco-relations.zip --models models

    Example: skillsearch evaluate esco --sample --models models --sweep depth --output figures
    """
    from skillsearch.cli.progress import progress_bars
    from skillsearch.models.pair import locate_models
    from trainer.evaluate.esco import evaluate_esco

    plan, (settings, version) = _plan(reranker, cut, sweep), _settings(assignments, models, reranker)
    locate_models(settings.model_location)  # a wrong folder is better told before a release is read
    taxonomy = load_release(esco, sample=sample, version=version).taxonomy
    with progress_bars() as progress:
        evaluation = evaluate_esco(
            plan,
            settings,
            taxonomy,
            occupations=occupations,
            allow_trained=allow_trained,
            progress=progress,
        )
    _report(evaluation, output, as_json=as_json)


def _plan(reranker: Reranker | None, cut: int | None, sweep: list[str] | None) -> "Plan":
    from trainer.evaluate.evaluation import SWEEPS, Plan

    return Plan(reranker != "none", cut, tuple(name for name in SWEEPS if name in (sweep or ())))


def _settings(
    assignments: list[str] | None, models: str | None, reranker: Reranker | None
) -> tuple["Settings", str | None]:
    """The settings, and the version of the release where it is given."""
    from skillsearch.settings import load_settings

    changes, more = split_settings(assignments, ("version",))
    named = {"models": models, "rerank": None if reranker == "none" else reranker}
    given = {name: value for name, value in named.items() if value is not None}
    return load_settings(**changes | given), more.get("version")


def _report(evaluation: "Evaluation", output: Path | None, *, as_json: bool) -> None:
    """Write the files that are asked for, then print."""
    import json

    from skillsearch.cli.console import print_tables, warn, wrote
    from trainer.cli.evaluation_tables import evaluation_tables
    from trainer.evaluate import report

    written = report.write_files(output, evaluation) if output else []
    if as_json:
        typer.echo(json.dumps(report.as_json(evaluation)))
    else:
        print_tables(evaluation_tables(evaluation))
    for warning in evaluation.warnings:
        warn(warning)
    wrote(written)
