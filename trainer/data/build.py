"""Builds the data set from a taxonomy, vacancies, labelled sentences and a generator."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skillsearch.errors import TrainingError
from skillsearch.progress import Progress, silent
from skillsearch.taxonomy.records import Taxonomy
from trainer.data.enrichment import join_titles, spread
from trainer.data.generators.base import Generator
from trainer.data.generators.synthesize import Order
from trainer.data.options import DataOptions
from trainer.data.sentences import read_labelled_sentences
from trainer.data.synthetic import make_texts
from trainer.data.tagging import skill_tagger, tag_vacancies
from trainer.data.taxonomy_texts import TAXONOMY_ORIGIN, Guard, add_taxonomy, occupation_titles
from trainer.data.vacancies import read_vacancies
from trainer.unified.graph import GraphManifest, WorkGraph
from trainer.unified.manifest import Profile, Source
from trainer.unified.nodes import GraphBuilder, node_key

if TYPE_CHECKING:
    from skillsearch.models.protocols import Encoder

__all__ = ["DataReport", "DataRequest", "build_data", "load_text_encoder", "synthetic_order"]

_VACANCIES: Final = "vacancies"
_LABELLED: Final = "labelled sentences"
_SYNTHETIC: Final = "synthetic"
_JOINED: Final = "synthetic, by a real title"

_SkillsByText = Mapping[str, Iterable[str]]


def load_text_encoder(
    models: str | None = None, *, device: str | None = None, threads: int | None = None, batch_size: int = 64
) -> "Encoder":
    """The encoder of a folder that `skillsearch train` wrote, or the untrained compact base.

    Raises:
        ModelError: it cannot be found or loaded.
    """
    from skillsearch.models.device import use_threads
    from skillsearch.models.hub import COMPACT_BASE, resolve_model
    from skillsearch.models.pair import locate_models
    from skillsearch.models.torch import TorchEncoder
    from trainer.bases import new_encoder

    use_threads(threads)
    if models is not None:
        return locate_models(models).load_encoder(device=device, batch_size=batch_size)
    base = new_encoder(COMPACT_BASE, device=device)
    return TorchEncoder(base.eval(), resolve_model(COMPACT_BASE), batch_size=batch_size)


@dataclass(frozen=True)
class DataRequest:
    """Request of a data set: what to build it from.

    Attributes:
        taxonomy: gives the skills and their descriptions, and in the profile ``product`` their aliases
            and the names of the occupations that need them.
        profile: ``workbench`` leaves out all that a task of the benchmark tests.
        options: see `DataOptions`.
        files: of the taxonomy, for the manifest.
        vacancies: a CSV or JSON Lines file, see `read_vacancies`.
        labelled_sentences: a CSV file, see `read_labelled_sentences`.
        generator: of synthetic texts; None for none.
        workers: threads that call the generator.
        cache: file of texts that were generated before; None keeps nothing.
        load_encoder: gives the encoder that tags sentences and joins titles; called where it is
            needed, that is with vacancies, or with real titles and a generator.
    """

    taxonomy: Taxonomy
    profile: Profile = "workbench"
    options: DataOptions = field(default_factory=DataOptions)
    files: tuple[Path, ...] = ()
    vacancies: Path | None = None
    labelled_sentences: Path | None = None
    generator: Generator | None = None
    workers: int = 1
    cache: Path | None = None
    load_encoder: "Callable[[], Encoder]" = load_text_encoder


@dataclass(frozen=True, eq=False)
class DataReport:
    """A data set, and notes that a person should read."""

    graph: WorkGraph
    notes: tuple[str, ...]


def build_data(request: DataRequest, progress: Progress = silent) -> DataReport:
    """Build a data set.

    Raises:
        TrainingError: a file or the cache is not usable, or the graph is empty.
        SkillSearchError: the encoder or the generator cannot work.
    """
    return _Build(request, progress).run()


def synthetic_order(request: DataRequest) -> Order | None:
    """The synthetic texts that a build asks for; None without a generator or where no text is wanted."""
    if request.generator is None or not request.options.wanted:
        return None
    guard = Guard(request.taxonomy, request.profile)
    return Order(
        skills=list(request.taxonomy.skills.values()),
        generator=request.generator,
        wanted=request.options.wanted,
        cache=request.cache,
        workers=request.workers,
        refuse=guard.refusal,
        screen=guard.name,
    )


class _Build:
    """One build: its graph so far, and the encoder, which is loaded when it is first needed."""

    def __init__(self, request: DataRequest, progress: Progress) -> None:
        self._request = request
        self._progress = progress
        self._builder = GraphBuilder(request.taxonomy.skills)
        self._skipped = self._builder.drops
        self._encoder: Encoder | None = None

    def run(self) -> DataReport:
        request, options = self._request, self._request.options
        files = (*request.files, request.vacancies, request.labelled_sentences)
        sources = tuple(_source(path) for path in files if path is not None)
        real = self._add_real()
        notes: list[str] = []
        counts: Mapping[str, int] = {}
        enrichment: dict[str, Any] | None = None
        order = synthetic_order(request)
        if order is not None:
            advance = self._progress("generate texts", len(order.skills) * len(order.wanted))
            synthetic = make_texts(order, self._skipped, advance=advance)
            counts = synthetic.counts
            for side in ("sentences", "variants"):
                self._add(side, synthetic.texts[side], _SYNTHETIC)
            enrichment = self._add_titles(real, synthetic.texts["titles"])
            if enrichment is None:
                notes.append("no real titles, so there is nothing to enrich: synthetic titles stand alone")
        graph = self._builder.build(
            GraphManifest(
                taxonomy=request.taxonomy.name,
                version=request.taxonomy.version,
                language=request.taxonomy.language,
                profile=request.profile,
                seed=options.seed,
                sources=sources,
                generator=order.generator.name if order else None,
                encoder=str(self._encoder.folder) if self._encoder else None,
                options={"wanted": options.wanted, "confidence": options.confidence, "merge": options.merge},
                counts=dict(counts),
            )
        )
        if enrichment is not None:
            enrichment["titles a skill after"] = spread(graph.degrees("titles"))
            graph = replace(graph, manifest=graph.manifest.model_copy(update={"enrichment": enrichment}))
        if alone := graph.counts["skills without edges"]:
            notes.append(f"{alone:,} skills have no edge; they stay among the skills, to be told apart from")
        return DataReport(graph, tuple(notes))

    def _add(self, side: str, texts: _SkillsByText, origin: str) -> None:
        for text, uris in texts.items():
            self._builder.add(side, text, uris, origin)

    def _add_real(self) -> dict[str, set[str]]:
        """Add all that is not synthetic; gives the skills of the titles among it."""
        request, taxonomy = self._request, self._request.taxonomy
        add_taxonomy(self._builder, taxonomy, request.profile)
        if request.labelled_sentences is not None:
            labelled = read_labelled_sentences(request.labelled_sentences, taxonomy, self._skipped)
            self._add("sentences", labelled, _LABELLED)
        titles: list[tuple[str, _SkillsByText]] = []
        if request.vacancies is not None:
            found, sentences = self._tagged(request.vacancies)
            self._add("sentences", sentences, _VACANCIES)
            titles.append((_VACANCIES, found))
        if request.profile == "product":
            titles.append((TAXONOMY_ORIGIN, occupation_titles(taxonomy)))
        real: dict[str, set[str]] = {}
        spelled: dict[str, str] = {}
        for origin, some in titles:
            self._add("titles", some, origin)
            for title, uris in some.items():
                real.setdefault(spelled.setdefault(node_key("titles", title), title), set()).update(uris)
        return real

    def _tagged(self, path: Path) -> tuple[_SkillsByText, _SkillsByText]:
        """The skills of the titles and of the sentences of vacancies."""
        skills, options = self._request.taxonomy.skills, self._request.options
        advance = self._progress("embed the skills", len(skills))
        tag = skill_tagger(self._loaded(), skills, options.confidence, advance=advance)
        columns = {"title": options.title_column, "description": options.description_column}
        vacancies = read_vacancies(path, self._skipped, **columns)
        advance = self._progress("tag the vacancies")
        return tag_vacancies(vacancies, tag, self._skipped, advance=advance)

    def _add_titles(self, real: Mapping[str, set[str]], titles: _SkillsByText) -> dict[str, Any] | None:
        """Add synthetic titles, each to its real title where it has one; None without real titles."""
        request, synthetic = self._request, list(titles)
        guard = Guard(request.taxonomy, request.profile)
        targets = [title for title in real if not guard.is_occupation(title)]
        joined: dict[str, str] = {}
        if targets and synthetic:
            advance = self._progress("join titles", len(targets) + len(synthetic))
            joined = join_titles(targets, synthetic, self._loaded(), request.options.merge, advance=advance)
        for title, uris in titles.items():
            self._builder.add(
                "titles", joined.get(title, title), uris, _JOINED if title in joined else _SYNTHETIC
            )
        if not real:
            return None
        named = Counter(uri for skills in real.values() for uri in skills)
        before = np.array([named[uri] for uri in request.taxonomy.skills])
        return {
            "merge": request.options.merge,
            "real titles": len(real),
            "real titles that are names of tested occupations": len(real) - len(targets),
            "synthetic titles": len(synthetic),
            "joined": len(joined),
            "alone": len(synthetic) - len(joined),
            "titles a skill before": spread(before),
        }

    def _loaded(self) -> "Encoder":
        if self._encoder is None:
            self._encoder = self._request.load_encoder()
        return self._encoder


def _source(path: Path) -> Source:
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
