"""The command `skillsearch evaluate demand`."""

from pathlib import Path
from typing import Annotated

import typer

from indexer.cli.options import EscoOption, SampleOption, load_release
from skillsearch.cli.options import JsonOption, SetOption, split_settings

__all__ = ["demand"]


def demand(
    data: Annotated[Path, typer.Option(help="Folder or zip of TalentCLEF's task B.", show_default=False)],
    esco: EscoOption = None,
    sample: SampleOption = False,
    models: Annotated[
        str | None, typer.Option(help="Folder of the models.", show_default="SKILLSEARCH_MODELS")
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Folds of titles, and of skills.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the folds.")] = 42,
    coefficients: Annotated[
        Path | None, typer.Option(help="File to write the coefficients to.", show_default=False)
    ] = None,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure what demand adds to the blend for titles and skills that it was not fitted on, and fit it.

    Demand tells from a taxonomy alone how often a skill is asked for. The weight is chosen within the folds.

    Example: skillsearch evaluate demand --data TaskB/validation --esco esco-en.zip --esco relations.zip

    Example: skillsearch evaluate demand --data set --esco esco.zip --coefficients demand.json --json
    """
    import json

    from skillsearch.cli.console import print_tables, wrote
    from skillsearch.cli.progress import progress_bars
    from skillsearch.errors import EvaluationError
    from skillsearch.files import save
    from skillsearch.settings import load_settings
    from trainer.blend.prior import FitOptions, fit_demand
    from trainer.cli.evaluation_tables import evaluation_tables
    from trainer.evaluate import report
    from trainer.evaluate.talentclef import read_talentclef

    changes, more = split_settings(assignments, ("version",))
    settings = load_settings(**changes | ({"models": models} if models else {}))
    taxonomy = load_release(esco, sample=sample, version=more.get("version")).taxonomy
    with progress_bars() as progress:
        benchmark = read_talentclef(data, taxonomy=taxonomy)
        fit = fit_demand(benchmark, taxonomy, settings, FitOptions(folds, seed), progress)
    if coefficients:
        save(coefficients, [fit.model.to_json().encode()], EvaluationError)
    if as_json:
        typer.echo(json.dumps(report.as_json(fit.evaluation)))
    else:
        print_tables(evaluation_tables(fit.evaluation))
    wrote([coefficients] if coefficients else [])
