"""The command `skillsearch export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.options import EscoOption, SampleOption, load_release
from skillsearch.cli.options import JsonOption, SetOption, split_settings

if TYPE_CHECKING:
    from trainer.export.run import ExportReport

__all__ = ["export"]


def export(
    esco: EscoOption = None,
    sample: SampleOption = False,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder to make, with the exported models alone, for machines without torch.",
            show_default="beside the models",
        ),
    ] = None,
    smallest: Annotated[
        bool,
        typer.Option(
            "--smallest",
            help="Write the smallest file of each model that is good enough, as a package ships.",
        ),
    ] = False,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the models for ONNX Runtime, which searches and indexes without torch, and faster on a CPU.

    `skillsearch train` does so by itself. Titles and skills of the release tell how far the files agree
    with the models: float32 has to be equal, int8 is used where it loses at most 0.003 nDCG@10 on
    occupations that the training held out. --set takes any setting, and version of the release.

    Example: skillsearch export --esco ESCO.zip

    Example: skillsearch export --esco ESCO.zip --set models=skillscout --output skillscout-onnx

    Example: skillsearch export --esco ESCO.zip --smallest --output compact
    """
    from skillsearch.cli.progress import progress_bars
    from skillsearch.models.pair import locate_models
    from skillsearch.settings import load_settings
    from trainer.export.agreement import draw_sample
    from trainer.export.run import export_models

    changes, more = split_settings(assignments, ("version",))
    pair = locate_models(load_settings(**changes).model_location)
    taxonomy = load_release(esco, sample=sample, version=more.get("version")).taxonomy
    with progress_bars() as progress:
        texts = draw_sample(taxonomy, pair.record.held_out_occupations)
        report = export_models(pair, texts, output=output, smallest=smallest, progress=progress)
    _print(report, as_json=as_json)


def _print(report: "ExportReport", *, as_json: bool) -> None:
    """A row for each file: its size, its agreement with the model, and whether it is used."""
    from skillsearch.cli.console import new_table, print_tables, wrote
    from skillsearch.models.exported import is_good_enough
    from skillsearch.models.manifest import EXPORT

    if as_json:
        typer.echo(report.model_dump_json())
        return
    table = new_table(caption="\n".join({export.measured_on for export in report.models.values()}))
    for name in (
        "model",
        "file",
        "MB",
        "largest difference",
        "rank correlation",
        "top 10",
        "nDCG@10 lost",
        "",
    ):
        table.add_column(name, justify="left" if name in ("model", "file", "") else "right")
    for model, export in report.models.items():
        for kind, file in export.files.items():
            found = file.agreement
            size = (Path(report.folder) / model / EXPORT / file.name).stat().st_size
            table.add_row(
                model,
                kind,
                f"{size / 1e6:.1f}",
                f"{found.difference:.2g}",
                f"{found.rank_correlation:.4f}",
                f"{found.top_10:.3f}",
                f"{found.ndcg_loss:.4f}",
                "" if is_good_enough(kind, file) else "not used",
            )
    print_tables([table])
    wrote([Path(report.folder)])
