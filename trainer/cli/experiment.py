"""The command `skillsearch experiment`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from indexer.cli.options import EscoOption, load_release
from skillsearch.cli.options import JsonOption, read_assignments

if TYPE_CHECKING:
    from rich.table import Table


__all__ = ["experiment"]

_RUN: Final = ("device", "home", "threads", "version")
"""Names of ``--set`` that are not options of the recipe."""

_WORDS: Final = 2  # columns of words in a table, before those of numbers


def experiment(
    name: Annotated[
        Literal["ablation", "transfer", "temperature"],
        typer.Argument(
            help="ablation: losses and interactions; transfer: one graph at a time; temperature: of soft "
            "late interaction.",
            show_default=False,
        ),
    ],
    data: Annotated[Path, typer.Option(help="Data set of skillsearch data build to train on.")],
    esco: EscoOption = None,
    tasks: Annotated[
        Path | None,
        typer.Option(help="Folder of WorkBench task files.", show_default="only ESCO's tasks"),
    ] = None,
    updates: Annotated[int, typer.Option(min=1, help="Of each training.")] = 60,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each variant.")] = 3,
    queries: Annotated[int, typer.Option(min=1, help="Drawn of each task's validation part.")] = 300,
    targets: Annotated[
        int | None, typer.Option(min=1, help="Drawn of each target space.", show_default="all")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="An option of the unified recipe, such as base=FOLDER or batch_size=32 (64 by default); "
            "or device=cpu, home=FOLDER (which keeps finished figures), version=1.2.",
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for the table as CSV.")] = Path("results/unified"),
    as_json: JsonOption = False,
) -> None:
    """Repeat the experiments of Unified Work Embeddings (arXiv:2511.07969) at a size that fits.

    Ablation follows its Tables 4 and 5, transfer its Figure 3, temperature its Figure 4. An experiment
    that was stopped resumes when the same command is given again.

    Example: skillsearch experiment ablation --data workgraph --esco esco.zip --tasks workbench --seeds 5

    Example: skillsearch experiment temperature --data workgraph --esco esco.zip --set base=FOLDER
    """
    from skillsearch.cli.console import print_tables, stdout, wrote
    from skillsearch.cli.progress import progress_bars
    from skillsearch.models.device import select_device, use_threads
    from skillsearch.settings import load_settings
    from trainer.evaluate.workbench.build import build_workbench
    from trainer.experiments.designs import DESIGNS
    from trainer.experiments.report import cells, write_report
    from trainer.experiments.runs import run_design
    from trainer.experiments.summary import summarise
    from trainer.unified.config import configure_unified
    from trainer.unified.graph import read_graph

    given = read_assignments(assignments or ())
    run = {key: value for key, value in given if key in _RUN}
    settings = load_settings(**{name: run.get(name) for name in ("device", "threads", "home")})
    # so few updates do not drift from the base, and moving back would only make differences smaller
    own = ["base_weight=0", "batch_size=64", f"max_steps={updates}"]
    config = configure_unified(
        assignments=own + [f"{key}={value}" for key, value in given if key not in _RUN]
    )
    use_threads(settings.threads)
    taxonomy = load_release(esco, sample=False, version=run.get("version")).taxonomy
    bench = build_workbench(taxonomy, tasks, split="validation")
    with progress_bars() as progress:
        results = run_design(
            DESIGNS[name],
            read_graph(data),
            config,
            bench.sample(queries=queries, targets=targets),
            seeds=range(config.seed, config.seed + seeds),
            folder=settings.home.expanduser() / "experiments",
            device=select_device(settings.device),
            progress=progress,
        )
    rows = summarise(DESIGNS[name], results)
    title = (
        f"{config.max_steps} updates of {config.batch_size} skills, {seeds} seeds, MAP in points on "
        f"up to {queries} queries and {f'{targets:,}' if targets else 'all'} targets of each task, {taxonomy}"
    )
    if as_json:
        typer.echo(json.dumps({"experiment": name, "title": title, "rows": [asdict(row) for row in rows]}))
    else:
        stdout().print(title)
        print_tables(_table(*found) for found in cells(rows))
    write_report(output / f"{name}.csv", rows)
    wrote([output / f"{name}.csv"])


def _table(header: list[str], lines: list[list[str]]) -> "Table":
    from skillsearch.cli.console import new_table

    table = new_table()
    for number, name in enumerate(header):
        table.add_column(name, justify="left" if number < _WORDS else "right", no_wrap=True)
    for line in lines:
        table.add_row(*line)
    return table
