"""The command `skillsearch data build`."""

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.options import DeviceOption, EscoOption, SampleOption, VersionOption, load_release

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

    from skillsearch.settings import Settings
    from skillsearch.taxonomy.records import Taxonomy
    from trainer.data.build import Built, DataOptions, Stages
    from trainer.data.generators.base import Generator, Kind
    from trainer.unified.manifest import Source

__all__ = ["data"]

_PLOT = "titles_per_skill.png"
_CACHE = "texts.sqlite"
_WIDTH = 100  # of tables that go to a file or pipe

data = typer.Typer(help="Build training data for one encoder of all work tasks.", no_args_is_help=True)


class ProfileName(StrEnum):
    """What a data set may hold."""

    workbench = "workbench"
    product = "product"


class GeneratorName(StrEnum):
    """What makes synthetic texts."""

    rules = "rules"
    openai = "openai"
    local = "local"
    none = "none"


@data.callback()
def _group() -> None:
    """Keep `build` a command of its own while it is the only one."""


@data.command()
def build(
    esco: EscoOption = None,
    sample: SampleOption = False,
    taxonomy_version: VersionOption = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the data set.", show_default="SKILLSEARCH_HOME/data")
    ] = None,
    profile: Annotated[
        ProfileName,
        typer.Option(
            help="workbench leaves out what WorkBench tests: other names of skills and the relations of "
            "occupations and skills. product takes them."
        ),
    ] = ProfileName.workbench,
    vacancies: Annotated[
        Path | None,
        typer.Option(help="CSV or JSON Lines of titles and descriptions.", show_default=False),
    ] = None,
    title_column: Annotated[str, typer.Option(help="Of the vacancies.")] = "title",
    description_column: Annotated[str, typer.Option(help="Of the vacancies.")] = "description",
    models: Annotated[
        str | None,
        typer.Option(
            help="Models whose encoder tags vacancies and joins titles.",
            show_default="the untrained compact base",
        ),
    ] = None,
    confidence: Annotated[
        float, typer.Option(help="Cosine from which a sentence of a vacancy asks for a skill.")
    ] = 0.65,
    generator: Annotated[GeneratorName, typer.Option(help="Of synthetic texts.")] = GeneratorName.rules,
    generator_model: Annotated[
        str | None,
        typer.Option(help="For openai: the model's name; for local: a folder or hub id.", show_default=False),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(help="For openai: what stands before /chat/completions.", show_default=False),
    ] = None,
    titles: Annotated[int, typer.Option(min=0, help="Synthetic titles a skill.")] = 20,
    sentences: Annotated[int, typer.Option(min=0, help="Synthetic sentences a skill.")] = 10,
    variants: Annotated[int, typer.Option(min=0, help="Synthetic variants a skill.")] = 20,
    merge: Annotated[float, typer.Option(help="Cosine from which a synthetic title joins a real one.")] = 0.7,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Folder of texts that were generated before.",
            show_default="none for rules, else SKILLSEARCH_HOME/cache",
        ),
    ] = None,
    price_input: Annotated[
        float | None, typer.Option(help="Of a million tokens of prompts, to estimate the cost.")
    ] = None,
    price_output: Annotated[
        float | None, typer.Option(help="Of a million tokens of answers, to estimate the cost.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Start a paid run without asking.")] = False,
    plots: Annotated[Path | None, typer.Option(help="Folder for plots as PNG.", show_default=False)] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what a generator draws.")] = 42,
    device: DeviceOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a data set that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Build a data set of skills, titles, sentences and variants for `skillsearch train --recipe unified`.

    Descriptions come from the taxonomy, titles and sentences from vacancies, the rest from a generator.
    The key of an endpoint is SKILLSEARCH_GENERATOR_KEY in the environment.

    Example: skillsearch data build --esco esco-en.zip --esco esco-relations.zip --output workgraph

    Example: skillsearch data build --esco esco.zip --profile product --vacancies jobs.jsonl --plots plots

    Example: skillsearch data build --sample --generator openai --generator-model gpt-4o-mini --variants 30
    """
    from skillsearch.cli.console import progress
    from skillsearch.settings import load_settings
    from trainer.data.build import DataOptions, Sources, build_graph
    from trainer.data.enrichment import plot_spread
    from trainer.data.tagging import load_text_encoder
    from trainer.unified.graph import require_free, write_graph

    settings = load_settings(device=device)
    folder = output or settings.home.expanduser() / "data"
    require_free(folder, overwrite=force)
    counts: dict[Kind, int] = {"titles": titles, "sentences": sentences, "variants": variants}
    options = DataOptions(
        profile=profile.value,
        wanted={kind: count for kind, count in counts.items() if count},
        confidence=confidence,
        merge=merge,
        seed=seed,
        title_column=title_column,
        description_column=description_column,
    )
    taxonomy = load_release(esco, sample=sample, version=taxonomy_version).taxonomy
    maker = _generator(generator, generator_model, endpoint, settings, seed) if options.wanted else None
    texts = _cache_file(cache, generator, settings)
    if maker is not None and generator is GeneratorName.openai:
        prices = {"price_input": price_input, "price_output": price_output}
        _confirm(taxonomy, maker, options, texts, prices, yes=yes)
    sources = Sources(
        generator=maker,
        cache=texts,
        vacancies=vacancies,
        load_encoder=lambda: load_text_encoder(
            models, device=settings.device, batch_size=settings.batch_size
        ),
        digests=_digests(esco, vacancies),
    )
    with progress() as bars:
        built = build_graph(taxonomy, options, sources, stages=_stages(bars))
    write_graph(built.graph, folder, overwrite=force)
    if plots is not None:
        plot_spread(plots / _PLOT, built.spreads)
    _report(built, folder, plots and plots / _PLOT, as_json=as_json)


def _generator(
    name: GeneratorName, model: str | None, endpoint: str | None, settings: "Settings", seed: int
) -> "Generator | None":
    """The generator that the options name.

    Raises:
        ConfigurationError: an option is missing, or does not go with this generator.
        ModelError: there is no such local model.
    """
    from skillsearch.errors import ConfigurationError
    from trainer.data.generators.factory import open_generator

    if model is not None and name not in (GeneratorName.openai, GeneratorName.local):
        raise ConfigurationError("--generator-model goes with --generator openai or local")
    if endpoint is not None and name is not GeneratorName.openai:
        raise ConfigurationError("--endpoint goes with --generator openai")
    if name is GeneratorName.local and model is None:
        raise ConfigurationError("--generator local needs --generator-model, a folder or hub id")
    if name is GeneratorName.openai:
        return open_generator("chat", model=model, url=endpoint)
    if name is GeneratorName.local:
        return open_generator("local", model=model, device=settings.device)
    return open_generator("rules", seed=seed) if name is GeneratorName.rules else None


def _cache_file(folder: Path | None, name: GeneratorName, settings: "Settings") -> Path | None:
    """Texts of rules are made faster than they are read, so they are kept only where it is asked for."""
    if folder is not None:
        return folder / _CACHE
    if name in (GeneratorName.openai, GeneratorName.local):
        return settings.home.expanduser() / "cache" / _CACHE
    return None


def _confirm(
    taxonomy: "Taxonomy",
    generator: "Generator",
    options: "DataOptions",
    cache: Path | None,
    prices: dict[str, float | None],
    *,
    yes: bool,
) -> None:
    """Say what a paid run will cost, and ask.

    Raises:
        ConfigurationError: the answer is no, or nobody can be asked.
    """
    import sys

    from skillsearch.cli.console import stderr
    from skillsearch.errors import ConfigurationError
    from trainer.data.generators.cost import estimate_cost
    from trainer.data.synthetic import ScreenedGenerator

    skills = list(taxonomy.skills.values())
    screened = ScreenedGenerator(generator, taxonomy, options.profile)  # as the texts are cached
    estimate = estimate_cost(skills, screened, wanted=options.wanted, cache=cache, **prices)
    if not estimate.requests:
        return
    stderr().print(f"{generator.name}: {estimate}", markup=False, soft_wrap=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError("a paid run is not started without --yes where nobody can be asked")
    if not typer.confirm("Start it?", err=True):
        raise ConfigurationError("not started; the estimate above was not accepted")


def _digests(esco: list[Path] | None, vacancies: Path | None) -> "tuple[Source, ...]":
    """The files that are read, for the manifest."""
    from indexer.read.esco import sample_path
    from trainer.data.build import source_of

    paths = [*(esco or [sample_path()]), *([vacancies] if vacancies else [])]
    return tuple(source_of(path) for path in paths)


def _report(built: "Built", folder: Path, plot: Path | None, *, as_json: bool) -> None:
    """Print what was built, and what can be done with it."""
    from rich.markup import escape

    from skillsearch.cli.console import stderr, stdout

    graph = built.graph
    if as_json:
        facts = graph.manifest.model_dump(mode="json")
        more = {"output": str(folder), "fingerprint": graph.fingerprint, "notes": built.notes}
        typer.echo(json.dumps(more | facts))
    else:
        console = stdout()
        if not console.is_terminal:
            console.width = max(console.width, _WIDTH)
        console.print(_table(built))
    for note in built.notes:
        stderr().print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    for path in filter(None, (folder, plot)):
        stderr().print(escape(f"wrote {path}"), soft_wrap=True)
    if not as_json:
        command = f"skillsearch train --recipe unified --data {folder}"
        stdout().print(f"train on it with [bold]{escape(command)}[/]", soft_wrap=True)


def _table(built: "Built") -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    manifest = built.graph.manifest
    table = Table(
        title=f"{manifest.release}, profile {manifest.profile}",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("")
    table.add_column("count", justify="right")
    for name, count in manifest.counts.items():
        table.add_row(name, f"{count:,}")
    facts = manifest.enrichment or {}
    for name in ("real titles", "synthetic titles", "joined", "alone"):
        if name in facts:
            table.add_row(f"enrichment: {name}", f"{facts[name]:,}")
    for reason, count in manifest.drops.items():
        table.add_row(f"dropped: {reason}", f"{count:,}", style="dim")
    return table


def _stages(bars: "Progress") -> "Stages":
    """A bar for each stage."""

    def stage(name: str, total: int | None) -> Callable[[int], object]:
        task = bars.add_task(name, total=total)
        return lambda done: bars.advance(task, done)

    return stage
