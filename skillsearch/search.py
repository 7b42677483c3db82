"""The client: a job title in, ranked skills out."""

import asyncio
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from skillsearch.errors import ModelMismatchError, QueryError
from skillsearch.filters import Filters
from skillsearch.models.encoder import Encoder
from skillsearch.models.folder import locate_models
from skillsearch.models.reranker import Reranker
from skillsearch.rerank import rerank as rerank_candidates
from skillsearch.results import (
    EscoLinks,
    Probabilities,
    Reference,
    SearchResult,
    SkillHit,
    Timings,
    Versions,
)
from skillsearch.retrieve import Candidate, retrieve
from skillsearch.scoring import CLASSES, softmax
from skillsearch.settings import Settings, load_settings
from skillsearch.store import open_store
from skillsearch.store.base import Build, Payload, Store
from skillsearch.texts import VIEW_VERSION, query_text
from skillsearch.vocabulary import Vocabulary

__all__ = ["AsyncSkillSearch", "SkillSearch"]


class SkillSearch:
    """Searches the published index; open one, keep it, share it between threads.

    Example:
        ```python
        with SkillSearch.open() as skills:
            for hit in skills.search("Data Scientist", limit=20):
                print(hit.rank, hit.label, hit.relevance, hit.score)
        ```
    """

    def __init__(self, store: Store, encoder: Encoder, reranker: Reranker | None, settings: Settings) -> None:
        """Put a client together from its parts; most callers want `open`."""
        self._store = store
        self._encoder = encoder
        self._reranker = reranker
        self._settings = settings
        self._vocabulary: tuple[str, Vocabulary] | None = None

    @classmethod
    def open(cls, settings: Settings | None = None, **overrides: Any) -> Self:  # noqa: ANN401 - any setting
        """Open the published index and load both models.

        Args:
            settings: by default read from the environment, `.env` and `skillsearch.toml`.
            overrides: single settings by name, such as ``home="/srv/skills"`` or ``alpha=0.5``.

        Raises:
            ConfigurationError: a setting is wrong.
            IndexNotFoundError: nothing is published.
            StoreUnavailableError: the server does not answer.
            ModelError: a model is missing, or is not the one the index was built with.
        """
        settings = settings or load_settings(**overrides)
        store = open_store(settings)
        try:
            build = store.published()
            pair = locate_models(settings.model_location)
            encoder = pair.load_encoder(device=settings.device, batch_size=settings.batch_size)
            _require_match(build, encoder)
            reranker = pair.load_reranker(
                device=settings.device, precision=settings.precision, batch_size=settings.batch_size
            )
        except BaseException:
            store.close()
            raise
        return cls(store, encoder, reranker, settings)

    def search(
        self,
        title: str,
        *,
        limit: int = 20,
        filters: Filters | None = None,
        rerank: bool = True,
        alpha: float | None = None,
        depth: int | None = None,
    ) -> SearchResult:
        """Find and rank the skills for a job title.

        Args:
            title: the job title.
            limit: how many skills; beyond `depth` the list goes on in retrieval order.
            filters: what a skill must be; they act within the vector search.
            rerank: False gives the order of the vector search alone.
            alpha: weight of the retrieval score in the blend, in [0, 1]; by default the setting's.
            depth: how many candidates are reranked; by default the setting's, 200.

        Raises:
            QueryError: the title is empty, too long or not text, or a number is out of range.
            FilterError: a filter names a value that the index does not have.
            ModelMismatchError: an index of another encoder has been published meanwhile.
            StoreError: the store failed.
        """
        start = time.perf_counter()
        title = self._checked_title(title)
        alpha, depth = self._checked_numbers(limit, alpha, depth)
        build = self._store.published()
        _require_match(build, self._encoder)
        where = self._vocabulary_of(build).resolve(filters)
        encode_start = time.perf_counter()
        vector = self._encoder.encode([title])[0]  # (1, 1024) -> (1024,)
        retrieve_start = time.perf_counter()
        wanted = max(limit, depth) if rerank else limit
        candidates = retrieve(build, vector, wanted, where)
        rerank_start = time.perf_counter()
        if rerank and self._reranker is not None:
            candidates = rerank_candidates(self._reranker, title, candidates, depth=depth, alpha=alpha)
        rerank_end = time.perf_counter()
        hits = _hits(build, candidates[:limit])
        timings = Timings(
            encode=_milliseconds(encode_start, retrieve_start),
            retrieve=_milliseconds(retrieve_start, rerank_start),
            rerank=_milliseconds(rerank_start, rerank_end),
            total=_milliseconds(start, time.perf_counter()),
        )
        return SearchResult(title, hits, alpha, depth, timings, self._versions(build, rerank))

    def search_many(
        self,
        titles: Iterable[str],
        *,
        limit: int = 20,
        filters: Filters | None = None,
        rerank: bool = True,
        alpha: float | None = None,
        depth: int | None = None,
    ) -> list[SearchResult]:
        """Search for each title, in order; each result is the same as that of `search`.

        All titles are checked before the first search. Raises what `search` raises.
        """
        checked = [self._checked_title(title) for title in titles]
        return [
            self.search(title, limit=limit, filters=filters, rerank=rerank, alpha=alpha, depth=depth)
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

    def _checked_title(self, title: object) -> str:
        if not isinstance(title, str):
            raise QueryError(f"a title is text, found {type(title).__name__}")
        text = query_text(title)
        if not any(char.isalnum() for char in text):
            raise QueryError(f"the title {title!r} is empty: give a job title such as 'Data Scientist'")
        longest = self._settings.max_title_length
        if len(text) > longest:
            raise QueryError(
                f"the title has {len(text):,} characters, at most {longest:,} are allowed "
                "(SKILLSEARCH_MAX_TITLE_LENGTH): give a job title, not a job advertisement"
            )
        return text

    def _checked_numbers(self, limit: int, alpha: float | None, depth: int | None) -> tuple[float, int]:
        alpha = self._settings.alpha if alpha is None else alpha
        depth = self._settings.depth if depth is None else depth
        if limit < 1 or depth < 1:
            raise QueryError(f"limit and depth are at least 1, found {limit} and {depth}")
        if not 0 <= alpha <= 1:
            raise QueryError(f"alpha is between 0 and 1, found {alpha}")
        return alpha, depth

    def _vocabulary_of(self, build: Build) -> Vocabulary:
        """The vocabulary of the build that this search holds, kept while it stays published."""
        cached = self._vocabulary
        if cached is None or cached[0] != build.info.name:
            cached = self._vocabulary = (build.info.name, Vocabulary(build))
        return cached[1]

    def _versions(self, build: Build, rerank: bool) -> Versions:
        info = build.info
        reranker = str(self._reranker.folder) if rerank and self._reranker else None
        return Versions(
            info.name, info.taxonomy, info.version, info.language, str(self._encoder.folder), reranker
        )


class AsyncSkillSearch:
    """The same client for asyncio: each search runs in a worker thread."""

    def __init__(self, client: SkillSearch) -> None:
        self.client = client

    @classmethod
    async def open(cls, settings: Settings | None = None, **overrides: Any) -> Self:  # noqa: ANN401
        """See `SkillSearch.open`."""
        return cls(await asyncio.to_thread(SkillSearch.open, settings, **overrides))

    async def search(self, title: str, **options: Any) -> SearchResult:  # noqa: ANN401 - those of `search`
        """See `SkillSearch.search`."""
        return await asyncio.to_thread(self.client.search, title, **options)

    async def search_many(self, titles: Iterable[str], **options: Any) -> list[SearchResult]:  # noqa: ANN401
        """See `SkillSearch.search_many`."""
        return await asyncio.to_thread(self.client.search_many, titles, **options)

    async def close(self) -> None:
        """Let go of the index."""
        await asyncio.to_thread(self.client.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _require_match(build: Build, encoder: Encoder) -> None:
    info = build.info
    if info.encoder_fingerprint != encoder.folder.fingerprint:
        raise ModelMismatchError(
            f"the index {info.name} was built with encoder {info.encoder} ({info.encoder_fingerprint}), "
            f"loaded is {encoder.folder.name} ({encoder.folder.fingerprint}): set SKILLSEARCH_MODELS to its "
            "models, or build the index again with `skillsearch reindex`"
        )
    if info.view_version != VIEW_VERSION:
        raise ModelMismatchError(
            f"the index {info.name} was built with text views {info.view_version}, this program makes "
            f"{VIEW_VERSION}: build it again with `skillsearch reindex`"
        )


def _hits(build: Build, candidates: list[Candidate]) -> tuple[SkillHit, ...]:
    payloads = build.fetch("skills", [candidate.uri for candidate in candidates])
    return tuple(
        _hit(rank, candidate, payloads[candidate.uri]) for rank, candidate in enumerate(candidates, start=1)
    )


def _hit(rank: int, candidate: Candidate, payload: Payload) -> SkillHit:
    relevance, probabilities, core = None, None, None
    if candidate.logits is not None:
        shares = softmax(candidate.logits)  # (3,)
        relevance = CLASSES[int(shares.argmax())]
        probabilities = Probabilities(*map(float, shares))
        core = candidate.logits[-1]
    return SkillHit(
        rank=rank,
        uri=candidate.uri,
        label=payload["label"],
        relevance=relevance,
        score=candidate.score,
        retrieval_score=candidate.retrieval_score,
        rerank_score=core,
        probabilities=probabilities,
        aliases=tuple(payload["alt_labels"]),
        description=payload["description"],
        skill_type=payload["skill_type"],
        reuse_level=payload["reuse_level"],
        collections=tuple(payload["collections"]),
        links=EscoLinks(
            broader=tuple(Reference(**parent) for parent in payload["broader"]),
            essential_for=tuple(payload["occupations_essential"]),
            optional_for=tuple(payload["occupations_optional"]),
        ),
    )


def _milliseconds(start: float, end: float) -> float:
    return round((end - start) * 1000, 3)
