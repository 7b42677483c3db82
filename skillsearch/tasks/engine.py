"""The engine that all tasks run on: the index, the models, and the steps of a search."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from skillsearch.arrays import Float32Array
from skillsearch.characters import quoted
from skillsearch.errors import FilterError
from skillsearch.models.calibration import Calibration
from skillsearch.models.protocols import Encoder
from skillsearch.provenance import languages_of, require_match, versions_of
from skillsearch.rank.candidates import Candidate, Query, by_score, nearest
from skillsearch.rank.choose import Rankers
from skillsearch.rank.probability import keep_probable, with_probabilities
from skillsearch.rank.ranker import NoReranking, Ranker, require_in_range
from skillsearch.results import Timings, Versions
from skillsearch.running import Searches, giving_way, stop_if_cancelled
from skillsearch.settings import Settings
from skillsearch.store.base import Build, Space, Store
from skillsearch.store.filters import Filters, Match, Where
from skillsearch.tasks.confidence import Confidence
from skillsearch.tasks.current_build import CurrentBuild, Kept
from skillsearch.tasks.demand import DEMAND, kept_demand
from skillsearch.tasks.vocabulary import kept_vocabulary
from skillsearch.taxonomy.texts import pair_text
from skillsearch.words.languages import scripts_of
from skillsearch.words.titles import CleanTitle, Vocabulary, clean_title

__all__ = ["PLAIN", "Engine", "Request", "Run", "checked_request"]

_logger = logging.getLogger(__name__)

PLAIN: Final = NoReranking()


@dataclass(frozen=True, slots=True)
class Request:
    """What a search is asked for beside its text."""

    limit: int
    filters: Filters | None
    ranker: Ranker


def checked_request(limit: int, filters: Filters | None, ranker: Ranker) -> Request:
    """The options that all searches have, checked.

    Raises:
        QueryError: the limit is out of range, or the filters are none.
    """
    require_in_range("limit", limit)
    if not isinstance(filters, Filters | None):
        raise FilterError(f"filters is made by Filters(…), found {quoted(filters)}")
    return Request(limit, filters, ranker)


@dataclass
class Engine:
    """All that a client has opened.

    Attributes:
        store: has the published index.
        encoder: what the index was built with.
        rankers: those that a search can ask for.
        settings: defaults of what a search can vary.
        calibration: what makes probabilities of scores; None where the models have none.
        current: the build that searches run on.
    """

    store: Store
    encoder: Encoder
    rankers: Rankers
    settings: Settings
    calibration: Calibration | None = None
    _searches: Searches = field(default_factory=Searches)

    def __post_init__(self) -> None:
        self.current = CurrentBuild(self.store)

    @contextmanager
    def run(self) -> Iterator["Run"]:
        """One run of a task, on the build that is current; see `CurrentBuild`.

        Raises:
            ModelMismatchError: an index of another encoder has been published meanwhile.
            StoreError: the store failed, or the client is closed.
        """
        with self._searches.one():
            start = time.perf_counter()
            kept = self.current.kept()
            require_match(kept.build.info, self.encoder.folder)
            yield Run(self, kept.build, kept, start)

    def take_up(self, read: Callable[[], object]) -> bool:
        """See `CurrentBuild.take_up`; what is read gives way to searches that run meanwhile."""
        with giving_way(lambda: self._searches.running > 1):  # one is its own
            return self.current.take_up(read)

    def check_filters(self, space: Space, filters: Filters | None) -> None:
        """Check filters against the published index, before the first of many inputs is taken.

        Raises:
            FilterError: a filter names a value that the index does not have.
        """
        with self.run() as run:
            run.conditions(space, filters)

    def close(self) -> None:
        """Close the index, once the searches that run have ended; none can begin any more."""
        self._searches.close()
        self.store.close()


@dataclass
class Run:
    """One run of a task: it sees one build, from beginning to end.

    Attributes:
        engine: what runs it.
        build: the published one when it began.
        kept: what has been read of that build.
        start: when it began, in seconds.
        stages: milliseconds by stage.
    """

    engine: Engine
    build: Build
    kept: Kept
    start: float
    stages: dict[str, float] = field(default_factory=lambda: {"encode": 0.0, "retrieve": 0.0, "rerank": 0.0})
    _vectors: dict[str, Float32Array] = field(default_factory=dict)

    def conditions(self, space: Space, filters: Filters | None) -> tuple[Where, tuple[str, ...]]:
        """The conditions of filters, and notes on what has no effect."""
        return self.kept.filter_values(space).resolve(filters)

    def confidence(self, space: Space) -> Confidence:
        """What a cosine is worth in a space; learned once for each build."""
        kept, engine = self.kept, self.engine
        path = engine.settings.home.expanduser() / "confidence" / f"{space}.json"

        def learn() -> Confidence:
            return Confidence.of(kept.names(space), kept.vectors(space), engine.encoder)

        return kept.once("confidence", space, lambda: Confidence.kept_in(path, kept.build.info.name, learn))

    def cleaned(self, title: str) -> CleanTitle:
        """What a title says without what is mechanical around it, as far as the settings want that."""
        settings, kept = self.engine.settings, self.kept
        if not settings.clean_titles:
            return CleanTitle((title,))
        path, build = settings.home.expanduser() / "vocabulary.json", kept.build.info.name

        def vocabulary() -> Vocabulary:
            return kept_vocabulary(path, build, lambda: kept.names("occupations"), settings.acronyms)

        known = kept.once("vocabulary", "occupations", vocabulary)
        return clean_title(title, replace(known, is_alone=not self.other_languages))

    @property
    def other_languages(self) -> frozenset[str]:
        """The languages that the encoder reads beside those of the index."""
        info, encoder = self.build.info, self.engine.encoder.folder
        return frozenset(languages_of(info, encoder)).difference(part.language for part in info.parts)

    def scripts(self, space: Space) -> frozenset[str]:
        """The scripts that a text may be in: those of the space's labels, and of what the encoder reads."""
        return self.kept.names(space).scripts | scripts_of(self.other_languages)

    def demand(self) -> Mapping[str, float]:
        """What demand adds to the score of each skill; computed once for each build."""
        kept, path = self.kept, self.engine.settings.home.expanduser() / DEMAND
        return kept.once("demand", "skills", lambda: kept_demand(path, kept.build))

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Vectors of n texts: shape (n, d)."""
        with self._stage("encode"):
            return self.engine.encoder.encode(texts)

    def vector(self, text: str) -> Float32Array:
        """The vector of a text, which is embedded once in a run: shape (d,)."""
        if text not in self._vectors:
            self._vectors[text] = self.encode([text])[0]  # (1, d) -> (d,)
        return self._vectors[text]

    def probable(self, task: str, candidates: Sequence[Candidate], ranker: Ranker) -> list[Candidate]:
        """Candidates of a task with their probabilities, those that are as probable as was asked for.

        Args:
            task: its name.
            candidates: of one text, in their final order.
            ranker: that ordered them.
        """
        calibration = self.engine.calibration
        found = with_probabilities(candidates, ranker, calibration.tasks.get(task, {}) if calibration else {})
        return keep_probable(found, ranker.options().get("min_probability"))

    def ranked(
        self,
        space: Space,
        view: str,
        request: Request,
        *,
        where: Where | None = None,
        pair: Callable[[str, str], tuple[str, str]] = pair_text,
        also: Sequence[str] = (),
        demand: bool = False,
    ) -> tuple[list[Candidate], Ranker]:
        """The concepts for a text: encode, candidates, rank; a cancelled run stops between them.

        Args:
            space: that is searched.
            view: the text as the models see it.
            request: the limit, which is not cut here, and the ranker.
            where: what a concept must be.
            pair: the pair of texts that a cross-encoder sees.
            also: URIs of concepts that are candidates wherever they are.
            demand: let a reranker's blend heed how often a skill is asked for.

        Returns:
            Candidates in their final order, and the ranker, ready for the build.
        """
        ranker, where = request.ranker.ready(self.build), where or Where()
        query = self._query(view, ranker, pair)
        if demand and ranker.options().get("demand_weight") and ranker.blend is None:
            query = replace(query, demand=self.demand())
        with self._stage("retrieve"):
            candidates = ranker.candidates(self.build, space, query, request.limit, where)
            known = {candidate.uri for candidate in candidates}
            beyond = tuple(uri for uri in also if uri not in known)
            if beyond:
                linked = Where((*where.must, Match(("uri",), beyond)), where.must_not)
                candidates = by_score([*candidates, *nearest(self.build, space, query, len(beyond), linked)])
        with self._stage("rerank"):
            ranked = ranker.rank(query, candidates)
        _logger.debug("searched %r in %.0f ms", view, self.timings().total)
        return ranked, ranker

    def timings(self) -> Timings:
        """Milliseconds by stage, and in all until now."""
        stages = {name: round(taken, 3) for name, taken in self.stages.items()}
        return Timings(**stages, total=round((time.perf_counter() - self.start) * 1000, 3))

    def versions(self, ranker: Ranker = PLAIN) -> Versions:
        """What answers."""
        return versions_of(self.build.info, self.engine.encoder.folder, ranker)

    def _query(self, view: str, ranker: Ranker, pair: Callable[[str, str], tuple[str, str]]) -> Query:
        if ranker.reads_tokens:
            with self._stage("encode"):
                self._vectors[view], tokens = self.engine.encoder.encode_with_tokens(view)
            return Query(view, self._vectors[view], tokens, pair)
        return Query(view, self.vector(view), pair=pair)

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        """Time a stage; a run that was cancelled stops before it, or after."""
        stop_if_cancelled()
        start = time.perf_counter()
        yield
        self.stages[name] += (time.perf_counter() - start) * 1000
        stop_if_cancelled()
