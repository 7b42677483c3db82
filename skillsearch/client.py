"""The client: searches the published index, one method a task."""

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from skillsearch.characters import quoted
from skillsearch.errors import FilterError, QueryError
from skillsearch.models.pair import locate_models
from skillsearch.models.protocols import Encoder, PairScorer
from skillsearch.progress import Progress, silent
from skillsearch.provenance import require_match, versions_of
from skillsearch.rank.blender import Blender, load_blender
from skillsearch.rank.candidates import Query
from skillsearch.rank.choose import Rankers, require_one_ranker
from skillsearch.rank.ranker import Ranker, require_in_range
from skillsearch.results import FailedSearch, SearchResult, Timings
from skillsearch.running import Searches, stop_if_cancelled
from skillsearch.settings import RerankerName, Settings, load_settings
from skillsearch.store import open_store
from skillsearch.store.base import Build, Space, Store
from skillsearch.store.filter_values import FilterValues, Resolved
from skillsearch.store.filters import Filters
from skillsearch.tasks import TITLE_TO_SKILLS, Task

__all__ = ["SkillSearch"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Request:
    """What a search is asked for beside its title."""

    limit: int
    filters: Filters | None
    ranker: Ranker


class SkillSearch:
    """Searches the published index; open one, keep it, share it between threads.

    Example:
        ```python
        with SkillSearch.open() as skills:
            for hit in skills.search("Data Scientist", limit=20):
                print(hit.rank, hit.label, hit.relevance, hit.score)
        ```
    """

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        reranker: PairScorer | None,
        settings: Settings,
        *,
        blender: Blender | None = None,
        temperature: float = 1.0,
    ) -> None:
        """Put a client together from its parts; most callers want `open`.

        Args:
            store: has the published index.
            encoder: what the index was built with.
            reranker: the cross-encoder; None to do without.
            settings: defaults of what a search can vary, and the home, where tokens are kept.
            blender: a learned blend in place of the fixed one.
            temperature: divides the reranker's logits before they become probabilities.

        Raises:
            ModelMismatchError: the blender was fitted with other models.
            ModelError: the manifest of the encoder is damaged.
        """
        self._store = store
        self._encoder = encoder
        self._settings = settings
        self._rankers = Rankers.load(settings, encoder, reranker, blender, temperature)
        self._filter_values: dict[Space, FilterValues] = {}
        self._searches = Searches()

    @classmethod
    def open(
        cls,
        settings: Settings | None = None,
        *,
        progress: Progress = silent,
        **overrides: Any,  # noqa: ANN401 - any setting
    ) -> Self:
        """Open the published index and load the models.

        Where the settings name late interaction as the reranker, the cross-encoder is not loaded, and
        the tokens of all skills are embedded, once for each index.

        Args:
            settings: by default read from the environment, `.env` and `skillsearch.toml`.
            progress: hears of tokens that are embedded.
            overrides: single settings by name, such as ``home="/srv/skills"`` or ``alpha=0.5``.

        Raises:
            ConfigurationError: a setting is wrong, or a learned blend is to go with late interaction.
            IndexNotFoundError: nothing is published.
            StoreUnavailableError: the server does not answer.
            ModelError: a model or the blender is missing, or is not the one that the index was built, or
                the blender fitted, with.
        """
        settings = settings or load_settings(**overrides)
        require_one_ranker(settings)
        store = open_store(settings)
        try:
            build = store.published()
            blender = load_blender(settings.blender.expanduser()) if settings.blender else None
            pair = locate_models(settings.model_location)
            encoder = pair.load_encoder(
                device=settings.device,
                batch_size=settings.batch_size,
                runtime=settings.runtime,
                threads=settings.threads,
            )
            require_match(build.info, encoder.folder)
            reranker = None
            if settings.rerank == "cross-encoder":
                reranker = pair.load_reranker(
                    device=settings.device,
                    precision=settings.precision,
                    batch_size=settings.batch_size,
                    runtime=settings.runtime,
                    threads=settings.threads,
                )
            client = cls(store, encoder, reranker, settings, blender=blender, temperature=pair.temperature)
            client._rankers.default.ready(build, progress)
            _logger.info(
                "opened %s for encoder %s and reranker %s", build.info.name, pair.encoder, settings.rerank
            )
            return client
        except BaseException:
            store.close()
            raise

    def search(
        self,
        title: str,
        *,
        limit: int = 20,
        filters: Filters | None = None,
        rerank: bool | RerankerName = True,
        alpha: float | None = None,
        depth: int | None = None,
        demand_weight: float | None = None,
        min_probability: float | None = None,
    ) -> SearchResult:
        """Find and rank the skills for a job title.

        Args:
            title: the job title.
            limit: how many skills; beyond `depth` the list goes on in retrieval order, or in that of
                a learned blend before reranking.
            filters: what a skill must be; they act within the vector search.
            rerank: what scores the candidates again: ``"cross-encoder"``, ``"late-interaction"``, or
                True for the setting's, which is the cross-encoder unless set otherwise. False gives
                the order of the vector search alone, or that of a learned blend before reranking.
                Late interaction gives no classes, and does not go with a learned blend; the first
                search with it may wait until the tokens of all skills are embedded.
            alpha: weight of the retrieval score in the fixed blend, in [0, 1]; by default the setting's.
            depth: how many candidates are reranked; by default the setting's, 200.
            demand_weight: how much a learned blend heeds demand, at least 0; by default the setting's,
                1. 0 treats every skill as of average demand, more makes general skills more prominent.
            min_probability: keeps hits that are at least so likely to be contextual or core, in [0, 1],
                before `limit` is cut; by default the setting's, none. Only the cross-encoder tells.
                Skills below `depth` have no probability, and are dropped.

        Raises:
            QueryError: the title is empty, too long or not text, a number is out of range, an option
                does not go with the ranker, or there is no such reranker.
            FilterError: a filter names a value that the index does not have.
            ModelMismatchError: an index of another encoder has been published meanwhile.
            StoreError: the store failed, or the client is closed.
        """
        request = self._request(
            limit=limit,
            filters=filters,
            rerank=rerank,
            alpha=alpha,
            depth=depth,
            demand_weight=demand_weight,
            min_probability=min_probability,
        )
        return self._run(TITLE_TO_SKILLS, TITLE_TO_SKILLS.read(title, self._settings), request)

    def search_each(
        self,
        titles: Iterable[object],
        *,
        strict: bool = False,
        **options: Any,  # noqa: ANN401 - those of `search`
    ) -> Iterator[SearchResult | FailedSearch]:
        """Search for each title as it comes; each gives its result or its error, in order.

        Args:
            titles: job titles. One that `search` would refuse, such as an empty cell, None or NaN,
                gives a `FailedSearch`, and the others are searched for.
            strict: raise at the first title that is refused, naming its position.
            options: of `search`; they are checked at once, before the first title is taken.

        Raises:
            QueryError: an option is wrong, or, where `strict`, a title.
            SkillSearchError: what else `search` raises that is not about the title.
        """
        if isinstance(titles, str):
            raise QueryError(
                f"titles is a list of titles, found the text {quoted(titles)}: use `search` for one"
            )
        request = self._request(**options)
        with self._searches.one():
            self._conditions(self._store.published(), TITLE_TO_SKILLS, request.filters)
        return self._each(titles, request, strict=strict)

    def search_many(
        self,
        titles: Iterable[object],
        *,
        strict: bool = False,
        **options: Any,  # noqa: ANN401 - those of `search`
    ) -> list[SearchResult | FailedSearch]:
        """The results of `search_each` as a list."""
        return list(self.search_each(titles, strict=strict, **options))

    def close(self) -> None:
        """Close the index, once the searches that run have ended; none can begin any more."""
        self._searches.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _request(
        self,
        *,
        limit: int = 20,
        filters: Filters | None = None,
        rerank: bool | RerankerName = True,
        **options: float | None,
    ) -> _Request:
        """The options of a search, checked.

        Raises:
            QueryError: one is out of range, or does not go with the ranker.
        """
        require_in_range("limit", limit)
        if not isinstance(filters, Filters | None):
            raise FilterError(f"filters is made by Filters(…), found {quoted(filters)}")
        return _Request(limit, filters, self._rankers.choose(rerank).with_options(options))

    def _each(
        self, titles: Iterable[object], request: _Request, *, strict: bool
    ) -> Iterator[SearchResult | FailedSearch]:
        for position, title in enumerate(titles, start=1):
            try:
                view = TITLE_TO_SKILLS.read(title, self._settings)
            except QueryError as error:
                if strict:
                    raise QueryError(f"title {position:,}: {error}") from error
                yield FailedSearch(position, title, str(error), type(error).__name__)
            else:
                yield self._run(TITLE_TO_SKILLS, view, request)

    def _run(self, task: Task, view: str, request: _Request) -> SearchResult:
        """A search: encode, candidates, rank, hits; a cancelled one stops between them."""
        with self._searches.one():
            times = [time.perf_counter()]
            build = self._store.published()
            require_match(build.info, self._encoder.folder)
            where, notes = self._conditions(build, task, request.filters)
            ranker = request.ranker.ready(build)
            _next(times)
            query = self._encoded(view, task, ranker)
            _next(times)
            candidates = ranker.candidates(build, task.space, query, request.limit, where)
            _next(times)
            ranked = ranker.rank(query, candidates)
            _next(times)
            hits = task.hits(build, ranked[: request.limit], ranker)
        options = {"alpha": None, "depth": None} | ranker.options()
        if self._settings.min_probability is not None and "min_probability" not in options:
            notes = (*notes, f"min_probability has no effect: {ranker} gives no probabilities")
        timings = _timings(times, time.perf_counter())
        _logger.debug("searched %r in %.0f ms", view, timings.total)
        return SearchResult(
            title=view,
            hits=hits,
            timings=timings,
            versions=versions_of(build.info, self._encoder.folder, ranker),
            rerank=ranker.reranker,
            notes=notes,
            **options,
        )

    def _encoded(self, view: str, task: Task, ranker: Ranker) -> Query:
        if ranker.reads_tokens:
            return Query(view, *self._encoder.encode_with_tokens(view), pair=task.pair)
        return Query(view, self._encoder.encode([view])[0], pair=task.pair)  # (1, d) -> (d,)

    def _conditions(self, build: Build, task: Task, filters: Filters | None) -> Resolved:
        """The conditions of filters, and notes; what filters can name is kept while a build is published."""
        known = self._filter_values.get(task.space)
        if known is None or known.build.info.name != build.info.name:
            known = self._filter_values[task.space] = FilterValues(build, task.space)
        return known.resolve(filters)


def _next(times: list[float]) -> None:
    """Note that a stage is over; a search that was cancelled stops here."""
    stop_if_cancelled()
    times.append(time.perf_counter())


def _timings(times: list[float], end: float) -> Timings:
    """Milliseconds of the stages between five moments, and in all."""
    start, encode, retrieve, rerank, ranked = times

    def milliseconds(first: float, last: float) -> float:
        return round((last - first) * 1000, 3)

    return Timings(
        encode=milliseconds(encode, retrieve),
        retrieve=milliseconds(retrieve, rerank),
        rerank=milliseconds(rerank, ranked),
        total=milliseconds(start, end),
    )
