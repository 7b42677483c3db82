"""The client: a job title in, ranked skills out."""

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skillsearch.errors import ConfigurationError
from skillsearch.models.encoder import Encoder
from skillsearch.models.folder import locate_models
from skillsearch.models.hub import ModelFolder
from skillsearch.models.reranker import Reranker
from skillsearch.provenance import make_versions, require_match
from skillsearch.rank.blender import Blender, load_blender
from skillsearch.rank.candidates import Candidate, gather, retrieve
from skillsearch.rank.cross_encoder import blend_in, keep_probable, reorder
from skillsearch.rank.cross_encoder import rerank as rerank_candidates
from skillsearch.rank.late_interaction import TOKENS, LateInteraction, Progress
from skillsearch.rank.ranker import RerankMethod
from skillsearch.results import SearchResult, Timings
from skillsearch.settings import Settings, load_settings
from skillsearch.store import open_store
from skillsearch.store.base import Build, Store
from skillsearch.store.filter_values import Vocabulary
from skillsearch.store.filters import Filters, Where
from skillsearch.tasks.hits import make_hits
from skillsearch.tasks.options import Options, check_options, check_title

__all__ = ["SkillSearch"]


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
        reranker: Reranker | None,
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
            ModelError: the encoder's folder says of late interaction what is not known.
        """
        if blender is not None:
            blender.require_match(encoder.folder, reranker.folder if reranker else None)
        self._store = store
        self._encoder = encoder
        self._reranker = reranker
        self._settings = settings
        self._blender = blender
        self._temperature = temperature
        self._late = LateInteraction(encoder, settings.home.expanduser() / TOKENS)
        self._vocabulary: tuple[str, Vocabulary] | None = None

    @classmethod
    def open(
        cls,
        settings: Settings | None = None,
        *,
        progress: Progress | None = None,
        **overrides: Any,  # noqa: ANN401 - any setting
    ) -> Self:
        """Open the published index and load both models.

        Where the settings name late interaction as what reranks, the cross-encoder is not loaded,
        and the tokens of all skills are embedded, once an index; see `docs/late-interaction.md`.

        Args:
            settings: by default read from the environment, `.env` and `skillsearch.toml`.
            progress: told how many skills' tokens will be embedded, if any; gives what to call with
                each number of them done.
            overrides: single settings by name, such as ``home="/srv/skills"`` or ``alpha=0.5``.

        Raises:
            ConfigurationError: a setting is wrong, or a learned blend is to go with late interaction.
            IndexNotFoundError: nothing is published.
            StoreUnavailableError: the server does not answer.
            ModelError: a model or the blender is missing, or is not the one that the index was built, or
                the blender fitted, with.
        """
        settings = settings or load_settings(**overrides)
        late = settings.rerank == "late-interaction"
        if late and settings.blender:
            raise ConfigurationError(
                f"the learned blend {settings.blender} was fitted for the cross-encoder, not for late "
                "interaction: set SKILLSEARCH_RERANK to cross-encoder, or unset SKILLSEARCH_BLENDER"
            )
        store = open_store(settings)
        try:
            build = store.published()
            blender = load_blender(settings.blender.expanduser()) if settings.blender else None
            pair = locate_models(settings.model_location)
            encoder = pair.load_encoder(device=settings.device, batch_size=settings.batch_size)
            require_match(build, encoder)
            reranker = None
            if not late:
                reranker = pair.load_reranker(
                    device=settings.device, precision=settings.precision, batch_size=settings.batch_size
                )
            client = cls(store, encoder, reranker, settings, blender=blender, temperature=pair.temperature)
            if late:
                client._late.prepare(build, progress=progress)
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
        rerank: bool | RerankMethod = True,
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
                before `limit` is cut; only the cross-encoder tells. Skills below `depth` have no
                probability, and are dropped.

        Raises:
            QueryError: the title is empty, too long or not text, a number is out of range, an option
                goes with a blend or a reranker that this is not, or there is no such reranker.
            FilterError: a filter names a value that the index does not have.
            ModelMismatchError: an index of another encoder has been published meanwhile.
            StoreError: the store failed.
        """
        start = time.perf_counter()
        title = check_title(title, self._settings)
        options = check_options(
            self._settings,
            limit=limit,
            rerank=rerank,
            alpha=alpha,
            depth=depth,
            demand_weight=demand_weight,
            min_probability=min_probability,
            blender=self._blender.name if self._blender else None,
            cross_encoder=self._reranker is not None,
        )
        build = self._store.published()
        require_match(build, self._encoder)
        where = self._vocabulary_of(build).resolve(filters)
        table = self._late.prepare(build) if options.rerank == "late-interaction" else None
        encode_start = time.perf_counter()
        vector, tokens = self._encoded(title, with_tokens=table is not None)
        retrieve_start = time.perf_counter()
        candidates = self._retrieved(build, vector, where, options)
        rerank_start = time.perf_counter()
        if table is not None and tokens is not None:
            labels = [candidate.label for candidate in candidates[: options.depth]]
            candidates = blend_in(self._late.scores(tokens, labels, table), candidates, alpha=options.alpha)
        elif options.rerank == "cross-encoder" and self._reranker is not None:
            candidates = self._reranked(self._reranker, title, candidates, options)
        rerank_end = time.perf_counter()
        hits = make_hits(
            build,
            candidates[:limit],
            temperature=self._temperature,
            blender=self._blender,
            demand_weight=options.demand_weight,
        )
        timings = Timings(
            encode=_milliseconds(encode_start, retrieve_start),
            retrieve=_milliseconds(retrieve_start, rerank_start),
            rerank=_milliseconds(rerank_start, rerank_end),
            total=_milliseconds(start, time.perf_counter()),
        )
        return SearchResult(
            title,
            hits,
            options.alpha,
            options.depth,
            timings,
            make_versions(build.info, self._encoder.folder, self._model_of(options.rerank), self._blender),
            options.demand_weight if self._blender else None,
            min_probability,
            options.rerank,
        )

    def search_many(
        self,
        titles: Iterable[str],
        *,
        limit: int = 20,
        filters: Filters | None = None,
        rerank: bool | RerankMethod = True,
        alpha: float | None = None,
        depth: int | None = None,
        demand_weight: float | None = None,
        min_probability: float | None = None,
    ) -> list[SearchResult]:
        """Search for each title, in order; each result is the same as that of `search`.

        All titles are checked before the first search. Raises what `search` raises.
        """
        checked = [check_title(title, self._settings) for title in titles]
        return [
            self.search(
                title,
                limit=limit,
                filters=filters,
                rerank=rerank,
                alpha=alpha,
                depth=depth,
                demand_weight=demand_weight,
                min_probability=min_probability,
            )
            for title in checked
        ]

    def close(self) -> None:
        """Let go of the index."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _encoded(
        self, title: str, *, with_tokens: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """A title's vector, shape (1024,), and its tokens, shape (t, d), in one pass."""
        if with_tokens:
            return self._encoder.encode_with_tokens(title)
        return self._encoder.encode([title])[0], None  # (1, 1024) -> (1024,)

    def _retrieved(
        self, build: Build, vector: NDArray[np.float32], where: Where, options: Options
    ) -> list[Candidate]:
        """Candidates in the order before reranking."""
        if self._blender is None:
            wanted = options.limit if options.rerank is None else max(options.limit, options.depth)
            return retrieve(build, vector, wanted, where)
        return gather(
            build,
            self._blender,
            vector,
            limit=options.limit,
            depth=options.depth,
            where=where,
            demand_weight=options.demand_weight,
        )

    def _reranked(
        self, reranker: Reranker, title: str, candidates: list[Candidate], options: Options
    ) -> list[Candidate]:
        """Candidates in their last order, without those that are not probable enough."""
        if self._blender is None:
            candidates = rerank_candidates(
                reranker, title, candidates, depth=options.depth, alpha=options.alpha
            )
        else:
            candidates = reorder(
                reranker,
                self._blender,
                title,
                candidates,
                depth=options.depth,
                demand_weight=options.demand_weight,
            )
        return keep_probable(candidates, options.min_probability, temperature=self._temperature)

    def _model_of(self, method: RerankMethod | None) -> ModelFolder | None:
        """The model that reranks."""
        if method == "late-interaction":
            return self._encoder.folder
        return self._reranker.folder if method and self._reranker else None

    def _vocabulary_of(self, build: Build) -> Vocabulary:
        """The vocabulary of the build that this search holds, kept while it stays published."""
        cached = self._vocabulary
        if cached is None or cached[0] != build.info.name:
            cached = self._vocabulary = (build.info.name, Vocabulary(build))
        return cached[1]


def _milliseconds(start: float, end: float) -> float:
    return round((end - start) * 1000, 3)
