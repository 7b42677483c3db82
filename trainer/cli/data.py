"""The command `skillsearch data build`."""

import json
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from indexer.cli.options import EscoOption, SampleOption, load_release
from skillsearch.cli.options import JsonOption, SetOption, split_settings
from skillsearch.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.table import Table

    from trainer.data.build import DataReport, DataRequest
    from trainer.data.generators.chat import ChatGenerator
    from trainer.unified.manifest import GraphManifest

__all__ = ["data"]

_OWN = ("cache", "endpoint", "generator_model", "models", "version")
"""Names of ``--set`` beside those of the settings and of `DataOptions`."""

data = typer.Typer(help="Build training data for one encoder of all work tasks.", no_args_is_help=True)


@data.callback()
def _group() -> None:
    """Keep `build` a command of its own while it is the only one."""


@data.command()
def build(
    esco: EscoOption = None,
    sample: SampleOption = False,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the data set.", show_default="SKILLSEARCH_HOME/data")
    ] = None,
    profile: Annotated[
        Literal["workbench", "product"],
        typer.Option(
            help="workbench leaves out what WorkBench tests: other names of skills and the relations of "
            "occupations and skills. product takes them."
        ),
    ] = "workbench",
    vacancies: Annotated[
        Path | None, typer.Option(help="CSV or JSON Lines of titles and descriptions.", show_default=False)
    ] = None,
    labelled_sentences: Annotated[
        Path | None, typer.Option(help="CSV of sentence,skills such as SkillSkape's.", show_default=False)
    ] = None,
    generator: Annotated[
        Literal["rules", "openai", "none"], typer.Option(help="What makes synthetic texts.")
    ] = "rules",
    yes: Annotated[
        bool, typer.Option("--yes", help="Start a run of a language model without asking.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing data set.")] = False,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build a data set of skills, titles, sentences and variants for `skillsearch train --recipe unified`.

    Descriptions come from the taxonomy, titles and sentences from vacancies, the rest from a generator.
    --set takes titles, sentences and variants (synthetic texts a skill), confidence and merge (cosines),
    seed, models (whose encoder tags vacancies), title_column and description_column (of the vacancies),
    version (of the release), generator_model, endpoint and cache. The key of an endpoint is
    SKILLSEARCH_GENERATOR_KEY.

    Example: skillsearch data build --esco esco-en.zip --esco esco-relations.zip --output workgraph

    Example: skillsearch data build --esco esco.zip --profile product --vacancies jobs.jsonl

    Example: skillsearch data build --sample --generator openai --set generator_model=gpt-4o-mini
    """
    from indexer.read.esco import sample_path
    from skillsearch.cli.progress import progress_bars
    from skillsearch.settings import load_settings
    from trainer.data.build import DataRequest, build_data, load_text_encoder
    from trainer.data.generators.rules import RuleGenerator
    from trainer.data.options import DataOptions, checked
    from trainer.unified.graph import require_free, write_graph

    changes, more = split_settings(assignments, (*_OWN, *DataOptions.model_fields))
    settings = load_settings(**changes)
    own = {name: more.pop(name, None) for name in _OWN}
    options = checked(DataOptions, more, "--set")
    folder = output or settings.home.expanduser() / "data"
    require_free(folder, overwrite=force)
    chat = _open_chat(own["generator_model"], own["endpoint"]) if generator == "openai" else None
    if chat is None and (own["generator_model"] or own["endpoint"]):
        raise ConfigurationError("--set generator_model and endpoint go with --generator openai")
    cache = own["cache"] or (str(settings.home.expanduser() / "cache" / "texts.jsonl") if chat else None)
    request = DataRequest(
        taxonomy=load_release(esco, sample=sample, version=own["version"]).taxonomy,
        profile=profile,
        options=options,
        files=tuple(esco or [sample_path()]),
        vacancies=vacancies,
        labelled_sentences=labelled_sentences,
        generator=chat or (RuleGenerator(options.seed) if generator == "rules" else None),
        workers=chat.workers if chat else 1,
        cache=Path(cache) if cache else None,
        load_encoder=partial(
            load_text_encoder,
            own["models"],
            device=settings.device,
            threads=settings.threads,
            batch_size=settings.batch_size,
        ),
    )
    with chat or nullcontext():
        if chat and not yes:
            _confirm(request)
        with progress_bars() as progress:
            report = build_data(request, progress)
    write_graph(report.graph, folder, overwrite=force)
    _print(report, folder, chat, as_json=as_json)


def _open_chat(model: str | None, endpoint: str | None) -> "ChatGenerator":
    from trainer.data.generators.chat import ChatGenerator
    from trainer.data.generators.settings import generator_settings

    return ChatGenerator(generator_settings(model=model, url=endpoint))


def _confirm(request: "DataRequest") -> None:
    """Say what a run of a language model takes, and ask whether to start it.

    Raises:
        ConfigurationError: the answer is no, or nobody can be asked.
    """
    from skillsearch.cli.console import note
    from trainer.data.build import synthetic_order
    from trainer.data.generators.synthesize import estimate

    order = synthetic_order(request)
    needed = estimate(order) if order else None
    if order is None or needed is None or not needed.requests:
        return
    note(
        f"{order.generator.name}: {needed.requests:,} requests, about {needed.input_tokens:,} tokens in and "
        f"{needed.output_tokens:,} out (repeated requests not counted)"
    )
    if not sys.stdin.isatty():
        raise ConfigurationError("nobody can be asked whether to start the run: confirm it with --yes")
    if not typer.confirm("Start it?", err=True):
        raise ConfigurationError("not started: the estimate was not accepted")


def _print(report: "DataReport", folder: Path, chat: "ChatGenerator | None", *, as_json: bool) -> None:
    from skillsearch.cli.console import note, print_tables, stdout, warn, wrote

    graph = report.graph
    if as_json:
        facts = graph.manifest.model_dump(mode="json")
        more = {"output": str(folder), "fingerprint": graph.fingerprint, "notes": report.notes}
        typer.echo(json.dumps(more | facts))
    else:
        print_tables([_table(graph.manifest)])
        stdout().print(
            f"train on it with: skillsearch train --recipe unified --data {folder}", soft_wrap=True
        )
    for text in report.notes:
        note(text)
    if chat is not None and chat.unusable:
        warn(f"{chat.unusable:,} answers could not be used: they were not the JSON that was asked for")
    wrote([folder])


def _table(manifest: "GraphManifest") -> "Table":
    from skillsearch.cli.console import new_table

    table = new_table(f"{manifest.release}, profile {manifest.profile}")
    table.add_column("")
    table.add_column("count", justify="right")
    facts = manifest.enrichment or {}
    shown = ("real titles", "synthetic titles", "joined", "alone")
    rows = manifest.counts | {f"enrichment: {name}": facts[name] for name in shown if name in facts}
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    for reason, count in manifest.drops.items():
        table.add_row(f"skipped: {reason}", f"{count:,}", style="dim")
    return table
