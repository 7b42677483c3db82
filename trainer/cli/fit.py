"""The command `skillsearch fit`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skillsearch.cli.options import JsonOption, SetOption, split_settings

if TYPE_CHECKING:
    from trainer.blend.fit import FitReport

__all__ = ["fit"]


def fit(
    judgements: Annotated[
        Path | None,
        typer.Option(
            help="SKILLSEARCH_HOME with judgements of the page, TalentCLEF folder or zip, CSV of "
            "title,skill,grade, or TREC file.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="File to write the blender to.", show_default="HOME/blends/…")
    ] = None,
    titles: Annotated[
        Path | None, typer.Option(help="CSV of query,title for a TREC file.", show_default=False)
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation, by title.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Seed of folds, weights and batches.")] = 42,
    no_rerank: Annotated[
        bool, typer.Option("--no-rerank", help="Do not learn from the reranker, which is slow.")
    ] = False,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="Measure with fewer titles, too.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    activate: Annotated[
        bool, typer.Option("--activate", help="Let searches use it, those of a running service too.")
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Undo the last --activate instead, and learn nothing.")
    ] = False,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Learn a blend from judgements, cross-validate it, and save it for `search --set blender=FILE`.

    With --activate it goes into SKILLSEARCH_HOME, where every search finds it from then on.

    Skills are known by the URIs and the attributes of the published index. Pairs of a title and a
    skill that are not listed count as not relevant.

    Example: skillsearch fit --judgements TaskB/validation --output blender.safetensors

    Example: skillsearch fit --judgements judged.csv --no-rerank --output blender.safetensors --json

    Example: skillsearch fit --judgements ~/.local/share/skillsearch --activate

    Example: skillsearch fit --undo

    Example: skillsearch fit --judgements qrels.trec --titles titles.csv --output blender.safetensors
    """
    from skillsearch.cli.console import note, wrote
    from skillsearch.cli.progress import progress_bars
    from skillsearch.errors import ConfigurationError
    from skillsearch.judgements import Judgements
    from skillsearch.rank.blender import save_blender
    from skillsearch.rank.blends import activate as activate_blend
    from skillsearch.rank.blends import new_blend
    from skillsearch.settings import load_settings
    from trainer.blend.fit import FitRequest, fit_blend

    changes, _ = split_settings(assignments)
    settings = load_settings(**changes)
    home = settings.home.expanduser()
    if undo:
        _undo(home, as_json=as_json)
        return
    if judgements is None:
        raise ConfigurationError("name judgements with --judgements, or undo an activation with --undo")
    if output is None and not activate:
        raise ConfigurationError("name a file with --output, or let searches use the blend with --activate")
    if output is not None and activate:
        raise ConfigurationError("--activate writes into SKILLSEARCH_HOME: leave --output out")
    output = output or new_blend(home)
    if output.exists() and not force:
        raise ConfigurationError(f"{output} exists already: name another file, or replace it with --force")
    curve = learning_curve or Judgements.are_in(judgements)
    request = FitRequest(judgements, settings, titles, folds, seed, not no_rerank, curve)
    with progress_bars() as progress:
        report = fit_blend(request, progress)
    save_blender(output, report.blender)
    _print(report, output, as_json=as_json)
    wrote([output])
    if activate:
        activate_blend(home, output)
        note(
            f"searches in {home} use {output.stem} now; `skillsearch fit --undo` brings back what was before"
        )


def _undo(home: Path, *, as_json: bool) -> None:
    from skillsearch.cli.console import note
    from skillsearch.rank.blends import deactivate

    active = deactivate(home)
    if as_json:
        typer.echo(json.dumps({"active": active and str(active)}))
    else:
        note(f"searches in {home} use {active.stem if active else 'the fixed blend'} again")


def _print(report: "FitReport", output: Path, *, as_json: bool) -> None:
    from skillsearch.cli.console import print_tables, warn
    from trainer.cli.fit_tables import tables

    if as_json:
        typer.echo(json.dumps({"output": str(output)} | report.to_dict()))
    else:
        print_tables(tables(report))
    facts = report.facts
    if count := facts["unknown_skills"]:
        named = facts["unknown_examples"]
        examples = ", ".join(named) + (", …" if count > len(named) else "")
        warn(f"{count:,} judged skills are not in the index and were not learned from ({examples})")
    if count := facts["titles_left_out"]:
        warn(f"{count:,} titles have no relevant skill and were left out")
