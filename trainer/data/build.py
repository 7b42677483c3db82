"""From a taxonomy, vacancies and a generator to the structured data set."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from skillsearch.errors import ConfigurationError, TrainingError
from skillsearch.taxonomy.records import Taxonomy
from trainer.data.demand import Demand, collect_demand
from trainer.data.enrichment import MERGE, Enriched, Spread, enrich, spread
from trainer.data.generators.base import WANTED, Generator, Kind
from trainer.data.generators.synthesize import synthesize
from trainer.data.synthetic import ScreenedGenerator, SyntheticTexts, collect
from trainer.data.tagging import CONFIDENCE, SkillTagger
from trainer.data.taxonomy_texts import TAXONOMY_ORIGIN, Guard, add_taxonomy, occupation_titles
from trainer.data.vacancies import DESCRIPTION, TITLE, read_vacancies
from trainer.unified.graph import GraphManifest, WorkGraph
from trainer.unified.manifest import Profile, Source
from trainer.unified.nodes import GraphBuilder, node_key

if TYPE_CHECKING:
    from skillsearch.models.encoder import Encoder

__all__ = ["Built", "DataOptions", "Sources", "Stages", "build_graph", "source_of"]

_VACANCIES: Final = "vacancies"
_SYNTHETIC: Final = "synthetic"
_JOINED: Final = "synthetic, by a real title"


Stages = Callable[[str, int | None], Callable[[int], object]]
"""Begins a stage of so many steps, None for unknown, and gives what to call with steps done."""


@dataclass(frozen=True)
class DataOptions:
    """What a data set depends on beside its sources.

    Attributes:
        profile: ``workbench`` leaves out all that a task of the benchmark tests.
        wanted: synthetic texts of each kind that a skill gets.
        confidence: cosine from which a sentence of a vacancy asks for a skill.
        merge: cosine from which a synthetic title joins a real one.
        seed: of what a generator draws.
        title_column: of the vacancies.
        description_column: of the vacancies.
    """

    profile: Profile = "workbench"
    wanted: Mapping[Kind, int] = field(default_factory=lambda: dict(WANTED))
    confidence: float = CONFIDENCE
    merge: float = MERGE
    seed: int = 42
    title_column: str = TITLE
    description_column: str = DESCRIPTION


@dataclass(frozen=True)
class Sources:
    """Where texts come from beside the taxonomy.

    Attributes:
        generator: of synthetic texts; None for none.
        cache: file of texts that were generated before; None keeps nothing.
        vacancies: a CSV or JSON Lines file.
        load_encoder: gives the encoder that tags sentences and joins titles; called where it is
            needed, that is with vacancies, or with real titles and a generator.
        digests: of the files that are read, for the manifest.
    """

    generator: Generator | None = None
    cache: Path | None = None
    vacancies: Path | None = None
    load_encoder: "Callable[[], Encoder] | None" = None
    digests: tuple[Source, ...] = ()


@dataclass(frozen=True, eq=False)
class Built:
    """A data set, and how titles are spread over its skills.

    Attributes:
        graph: the data set.
        spreads: by name: before and after the enrichment, or only what there is.
        notes: what a person should know.
    """

    graph: WorkGraph
    spreads: Mapping[str, Spread]
    notes: tuple[str, ...]


def build_graph(
    taxonomy: Taxonomy, options: DataOptions, sources: Sources, *, stages: Stages | None = None
) -> Built:
    """Build a data set.

    Args:
        taxonomy: gives the skills and their descriptions, and in the profile ``product`` their
            aliases and the names of the occupations that need them.
        options: see `DataOptions`.
        sources: see `Sources`.
        stages: shows progress.

    Raises:
        TrainingError: the vacancies or the cache are not usable, or the graph is empty.
        ConfigurationError: an option is out of its range, or an encoder is needed and not given.
        SkillSearchError: the encoder or the generator cannot work.
    """
    show = stages or _silent
    encoder = _Encoder(sources.load_encoder)
    builder = GraphBuilder(taxonomy.skills)
    add_taxonomy(builder, taxonomy, options.profile)
    real = _real_titles(taxonomy, options, sources, encoder, builder, show)
    for title, (origin, uris) in real.items():
        builder.add("titles", title, uris, origin)
    notes, counts = [], {}
    enrichment: dict[str, Any] | None = None
    if sources.generator is not None:
        generator = ScreenedGenerator(sources.generator, taxonomy, options.profile)
        synthetic = _synthetic(taxonomy, options, generator, sources.cache, builder.drops, show)
        counts = dict(synthetic.counts)
        for side in ("sentences", "variants"):
            for text, skills in synthetic.texts[side].items():
                builder.add(side, text, skills, _SYNTHETIC)
        enrichment = _add_titles(builder, real, synthetic, generator.guard, options, encoder, show)
        if enrichment is None:
            notes.append("no real titles, so there is nothing to enrich: synthetic titles stand alone")
    manifest = GraphManifest(
        taxonomy=taxonomy.name,
        version=taxonomy.version,
        language=taxonomy.language,
        profile=options.profile,
        seed=options.seed,
        sources=sources.digests,
        generator=sources.generator.name if sources.generator else None,
        encoder=encoder.name,
        options={"wanted": dict(options.wanted), "confidence": options.confidence, "merge": options.merge},
        counts=counts,
    )
    graph = builder.build(manifest)
    spreads = {"titles": Spread(graph.degrees("titles"))}
    if enrichment is not None:
        before = spread(taxonomy.skills, (uris for _, uris in real.values()))
        after = spreads["titles"]
        spreads = {"before": before, "after": after}
        enrichment |= {"titles a skill before": before.to_dict(), "titles a skill after": after.to_dict()}
        graph = replace(graph, manifest=graph.manifest.model_copy(update={"enrichment": enrichment}))
    if alone := graph.counts["skills without edges"]:
        notes.append(f"{alone:,} skills have no edge; they stay among the skills, to be told apart from")
    return Built(graph, spreads, tuple(notes))


def source_of(path: Path) -> Source:
    """A file or folder as the manifest names it.

    Raises:
        TrainingError: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        for file in sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]:
            if path.is_dir():
                digest.update(f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\0".encode())
            with file.open("rb") as opened:
                while chunk := opened.read(1 << 20):
                    digest.update(chunk)
    except OSError as error:
        raise TrainingError(f"{path} cannot be read: {error}") from error
    return Source(name=path.resolve().name, digest=digest.hexdigest())


class _Encoder:
    """An encoder that is loaded when it is first needed."""

    def __init__(self, load: "Callable[[], Encoder] | None") -> None:
        self._load = load
        self._loaded: Encoder | None = None

    @property
    def name(self) -> str | None:
        """What it is called, where it was needed."""
        return str(self._loaded.folder) if self._loaded else None

    def get(self) -> "Encoder":
        if self._loaded is None:
            if self._load is None:
                raise ConfigurationError("vacancies and real titles need an encoder, and none is given")
            self._loaded = self._load()
        return self._loaded


_Real = dict[str, tuple[str, set[str]]]  # origin and skills by title


def _real_titles(
    taxonomy: Taxonomy,
    options: DataOptions,
    sources: Sources,
    encoder: _Encoder,
    builder: GraphBuilder,
    stages: Stages,
) -> _Real:
    """Titles of vacancies, and in the profile ``product`` names of occupations; adds tagged sentences."""
    real: _Real = {}
    spelled: dict[str, str] = {}

    def put(titles: Mapping[str, Iterable[str]], origin: str) -> None:
        for title, uris in titles.items():
            spelling = spelled.setdefault(node_key("titles", title), title)
            real.setdefault(spelling, (origin, set()))[1].update(uris)

    if sources.vacancies is not None:
        demand = _demand(taxonomy, options, sources.vacancies, encoder, builder.drops, stages)
        for sentence, uris in demand.sentences.items():
            builder.add("sentences", sentence, uris, _VACANCIES)
        put(demand.titles, _VACANCIES)
    if options.profile == "product":
        put(occupation_titles(taxonomy), TAXONOMY_ORIGIN)
    return real


def _demand(
    taxonomy: Taxonomy,
    options: DataOptions,
    path: Path,
    encoder: _Encoder,
    drops: Counter[str],
    stages: Stages,
) -> Demand:
    tagger = SkillTagger(
        encoder.get(),
        taxonomy.skills,
        confidence=options.confidence,
        progress=stages("embed the skills", len(taxonomy.skills)),
    )
    columns = {"title": options.title_column, "description": options.description_column}
    vacancies = read_vacancies(path, drops, **columns)
    return collect_demand(vacancies, tagger, drops, progress=stages("tag the vacancies", None))


def _synthetic(
    taxonomy: Taxonomy,
    options: DataOptions,
    generator: ScreenedGenerator,
    cache: Path | None,
    drops: Counter[str],
    stages: Stages,
) -> SyntheticTexts:
    synthesis = synthesize(
        list(taxonomy.skills.values()),
        generator,
        wanted=options.wanted,
        cache=cache,
        progress=stages("generate texts", len(taxonomy.skills) * len(options.wanted)),
    )
    drops.update(generator.refused)
    return collect(synthesis, options.wanted, drops)


def _add_titles(
    builder: GraphBuilder,
    real: _Real,
    synthetic: SyntheticTexts,
    guard: Guard,
    options: DataOptions,
    encoder: _Encoder,
    stages: Stages,
) -> dict[str, Any] | None:
    """Add synthetic titles, each to its real title where it has one; None without real titles."""
    titles = synthetic.texts["titles"]
    targets = [title for title in real if not guard.is_occupation(title)]
    enriched = Enriched({}, tuple(titles))
    if targets and titles:
        progress = stages("join titles", len(targets) + len(titles))
        enriched = enrich(targets, list(titles), encoder.get(), threshold=options.merge, progress=progress)
    for title, uris in titles.items():
        joined = enriched.joined.get(title)
        builder.add("titles", joined or title, uris, _JOINED if joined else _SYNTHETIC)
    if not real:
        return None
    return {
        "merge": options.merge,
        "real titles": len(real),
        "real titles that are names of tested occupations": len(real) - len(targets),
        "synthetic titles": len(titles),
        "joined": len(enriched.joined),
        "alone": len(enriched.alone),
    }


def _silent(_name: str, _total: int | None) -> Callable[[int], object]:
    return lambda _done: None
