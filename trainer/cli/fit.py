"""The command `skillsearch fit`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.options import DeviceOption

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from skillsearch.models.encoder import Encoder
    from skillsearch.models.reranker import Reranker
    from skillsearch.rank.blender import Blender
    from skillsearch.settings import Settings
    from trainer.blend.report import Report
    from trainer.evaluate.benchmark import Benchmark
    from trainer.evaluate.pipeline import Progress

__all__ = ["fit"]

_WIDTH = 120  # of tables that go to a file or pipe
_NAMED = 3  # examples in a warning


def fit(
    judgements: Annotated[
        Path, typer.Option(help="TalentCLEF folder or zip, CSV of title,skill,grade, or TREC file.")
    ],
    output: Annotated[Path, typer.Option(help="File of the blender.")],
    titles: Annotated[
        Path | None, typer.Option(help="CSV of query,title for a TREC file.", show_default=False)
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(help="Folder of the models, or skillscout.", show_default="SKILLSEARCH_MODELS"),
    ] = None,
    home: Annotated[Path | None, typer.Option(help="Instead of SKILLSEARCH_HOME.")] = None,
    folds: Annotated[int, typer.Option(min=2, help="Of the cross-validation, by title.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of folds, weights and batches.")] = 42,
    rerank: Annotated[bool, typer.Option(help="Learn from the reranker, too.")] = True,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="Measure with fewer titles, too.")
    ] = False,
    plots: Annotated[Path | None, typer.Option(help="Folder for plots as PNG.", show_default=False)] = None,
    device: DeviceOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Learn a blend from judgements, cross-validate it, and save it for `skillsearch search --blender`.

    Skills are known by the URIs and the attributes of the published index. Pairs of a title and a
    skill that are not listed count as not relevant.

    Example: skillsearch fit --judgements TaskB/validation --output blender.safetensors

    Example: skillsearch fit --judgements judged.csv --no-rerank --output blender.safetensors --json

    Example: skillsearch fit --judgements qrels.trec --titles titles.csv --output b.safetensors --plots plots
    """
    from skillsearch.cli.console import progress
    from skillsearch.errors import ConfigurationError
    from skillsearch.models.folder import locate_models
    from skillsearch.settings import load_settings
    from trainer.blend.judgements import read_judgements

    if output.exists() and not force:
        raise ConfigurationError(f"{output} is there already: name another file, or replace it with --force")
    settings = load_settings(models=models, home=home, device=device)
    benchmark = read_judgements(judgements, titles=titles)
    pair = locate_models(settings.model_location)
    with progress() as bars:
        task = bars.add_task("load index and models", total=None)
        encoder = pair.load_encoder(device=settings.device, batch_size=settings.batch_size)
        reranker = None
        if rerank:
            reranker = pair.load_reranker(
                device=settings.device, precision=settings.precision, batch_size=settings.batch_size
            )
        bars.update(task, total=1, completed=1)
        blender, report = _run(
            benchmark, settings, encoder, reranker, folds, seed, learning_curve, _stages(bars)
        )
    _finish(blender, report, output, plots, as_json=as_json)


def _run(
    benchmark: "Benchmark",
    settings: "Settings",
    encoder: "Encoder",
    reranker: "Reranker | None",
    folds: int,
    seed: int,
    curve: bool,
    progress: "Progress",
) -> "tuple[Blender, Report]":
    """Fit, and measure what was fitted; the blender tells its figures."""
    from dataclasses import replace

    from skillsearch.store import open_store
    from trainer.blend.catalogue import read_catalogue
    from trainer.blend.fit import Options, fit_blender
    from trainer.blend.importance import importance, learning_curve, measure_fit
    from trainer.blend.pool import build_pool
    from trainer.blend.report import Report

    options = Options(folds, seed, settings.depth, settings.alpha)
    store = open_store(settings)
    try:
        build = store.published()
        catalogue = read_catalogue(build)
        pool = build_pool(benchmark, catalogue, build, encoder)
    finally:
        store.close()
    fitted = fit_blender(catalogue, pool, encoder.folder, reranker, options, progress=progress)
    unknown = pool.unknown()
    facts = {
        "judgements": benchmark.name,
        "titles": len(pool.titles),
        "titles_left_out": len(benchmark.qrels) - len(pool.titles),
        "documents": len(pool.labels),
        "relevant": int((pool.grades > 0).sum()),
        "graded": benchmark.graded,
        "unknown_skills": len(unknown),
        "unknown_examples": list(unknown[:_NAMED]),
        "taxonomies": catalogue.info.taxonomies,
        "encoder": str(encoder.folder),
        "reranker": str(reranker.folder) if reranker else None,
        "folds": len(fitted.folds),
        "seed": seed,
        "depth": options.depth,
    }
    report = Report(
        facts,
        measure_fit(fitted, options),
        importance(fitted, seed),
        learning_curve(catalogue, fitted, options, progress) if curve else (),
    )
    return replace(fitted.blender, facts=facts | {"cross_validation": report.figures()}), report


def _finish(blender: "Blender", report: "Report", output: Path, plots: Path | None, *, as_json: bool) -> None:
    """Write the files, then print."""
    from rich.markup import escape

    from skillsearch.cli.console import stderr, stdout
    from skillsearch.rank.blender import save_blender
    from trainer.blend.report import curve_table, figures_table, worth_table, write_plots

    save_blender(output, blender)
    written = [output, *(write_plots(plots, report) if plots else ())]
    if as_json:
        typer.echo(json.dumps({"output": str(output)} | report.to_dict()))
    else:
        console = stdout()
        if not console.is_terminal:
            console.width = max(console.width, _WIDTH)
        for table in (figures_table, worth_table, *([curve_table] if report.curve else ())):
            console.print(table(report))
    if count := report.facts["unknown_skills"]:
        examples = ", ".join(report.facts["unknown_examples"])
        stderr().print(
            f"[yellow]warning:[/] {count:,} judged skills are not in the index and were not learned from "
            f"({escape(examples)}{', …' if count > _NAMED else ''})",
            soft_wrap=True,
        )
    if count := report.facts["titles_left_out"]:
        stderr().print(f"[yellow]warning:[/] {count:,} titles have no relevant skill and were left out")
    for path in written:
        stderr().print(escape(f"wrote {path}"), soft_wrap=True)


def _stages(bars: "Bars") -> "Progress":
    """A bar for each stage."""

    def stage(name: str, total: int) -> Callable[[int], object]:
        task = bars.add_task(name, total=total)
        return lambda done: bars.advance(task, done)

    return stage
