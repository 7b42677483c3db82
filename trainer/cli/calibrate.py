"""The command `skillsearch calibrate`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.options import EscoOption, SampleOption, load_release
from skillsearch.cli.options import JsonOption, SetOption, split_settings

if TYPE_CHECKING:
    from trainer.calibrate.run import CalibrationReport

__all__ = ["calibrate"]


def calibrate(
    esco: EscoOption = None,
    sample: SampleOption = False,
    occupations: Annotated[
        Path | None,
        typer.Option(
            help="File of occupations to calibrate on, a URI a line.",
            show_default="those that training held out",
        ),
    ] = None,
    allow_trained: Annotated[
        bool, typer.Option("--allow-trained", help="Take occupations that may have been trained on.")
    ] = False,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the probabilities of hits honest, for models whose training did not, or on another release.

    `skillsearch train` does so by itself. The held-out occupations tell how often a skill with such scores
    is needed; the table shows how far the probabilities of each half are off where they are fitted on the
    other. The result is calibration.json beside the models. --set takes any setting, and version of the
    release.

    Example: skillsearch calibrate --esco ESCO.zip --esco RELATIONS.zip

    Example: skillsearch calibrate --esco ESCO.zip --occupations unseen.txt --allow-trained
    """
    from skillsearch.cli.console import wrote
    from skillsearch.cli.progress import progress_bars
    from skillsearch.errors import EvaluationError
    from skillsearch.models.calibration import CALIBRATION, write_calibration
    from skillsearch.models.pair import locate_models
    from skillsearch.settings import load_settings
    from trainer.calibrate.run import calibrate as fit
    from trainer.evaluate.esco import select_occupations

    changes, more = split_settings(assignments, ("version",))
    settings = load_settings(**changes)
    models = settings.model_location
    pair = locate_models(models)
    if not Path(pair.encoder).is_dir():
        raise EvaluationError(f"{models} is not a folder, so there is no place for {CALIBRATION}: name one")
    taxonomy = load_release(esco, sample=sample, version=more.get("version")).taxonomy
    selection = select_occupations(models, taxonomy, file=occupations, allow_trained=allow_trained)
    encoder = pair.load_encoder(**settings.running)
    scorer = None
    if Path(pair.reranker).is_dir():
        scorer = pair.load_reranker(precision=settings.precision, **settings.running)
    with progress_bars() as progress:
        report = fit(
            taxonomy,
            encoder,
            scorer,
            selection.occupations,
            distilled=pair.load_distilled(encoder, threads=settings.threads) if pair.distilled else None,
            temperature=pair.temperature,
            progress=progress,
        )
    if report.calibration is None:
        raise EvaluationError(
            f"{len(selection.occupations):,} occupations are too few to calibrate on: name more with "
            "--occupations"
        )
    folder = Path(pair.encoder).parent
    write_calibration(folder, report.calibration)
    _print(report, as_json=as_json)
    wrote([folder / CALIBRATION])


def _print(report: "CalibrationReport", *, as_json: bool) -> None:
    """A row for each task and reranker, and what its bins were."""
    import json

    from skillsearch.cli.console import new_table, print_tables

    if as_json:
        typer.echo(json.dumps([asdict(one) for one in report.reported]))
        return
    fitted = report.calibration.fitted_on if report.calibration else ""
    table = new_table(
        caption=f"fitted on {fitted}; each half measured by a fit of the other. Errors of the first 20 hits, "
        "and of all"
    )
    for name in ("task", "reranker", "texts", "error", "of all", "before"):
        table.add_column(name, justify="left" if name in ("task", "reranker") else "right")
    for one in report.reported:
        table.add_row(
            one.task,
            one.reranker,
            f"{one.texts:,}",
            f"{one.shown:.3f}",
            f"{one.error:.3f}",
            "-" if one.before is None else f"{one.before:.3f}",
        )
    bins = new_table(
        caption="reliability of the first 20 hits: of how many, what was said, and what was right"
    )
    for name in ("task", "reranker", "hits", "probability", "right"):
        bins.add_column(name, justify="left" if name in ("task", "reranker") else "right")
    for one in report.reported:
        for group in one.bins:
            row = (f"{group.count:,}", f"{group.confidence:.2f}", f"{group.accuracy:.2f}")
            bins.add_row(one.task, one.reranker, *row)
    print_tables([table, bins])
