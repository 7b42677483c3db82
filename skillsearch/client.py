"""The client: searches the published index, one method a task."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, ParamSpec, Self, TypeVar

import skillsearch.tasks as tasks
from skillsearch.characters import quoted
from skillsearch.errors import FilterError, QueryError
from skillsearch.methods import Method
from skillsearch.models.calibration import Calibration
from skillsearch.models.device import cpu_threads
from skillsearch.models.lanes import in_order
from skillsearch.models.pair import locate_models
from skillsearch.models.protocols import Encoder, PairScorer
from skillsearch.models.token_scorer import TokenScorer
from skillsearch.progress import Progress, silent
from skillsearch.provenance import require_match
from skillsearch.rank.blender import Blender, load_blender
from skillsearch.rank.blends import active_blend
from skillsearch.rank.choose import Rankers, require_one_ranker
from skillsearch.results import FailedSearch, Found, OccupationMatch, SearchResult, SkillMatch, Status
from skillsearch.settings import Settings, load_settings
from skillsearch.store import open_store
from skillsearch.store.base import Space, Store
from skillsearch.tasks.engine import Engine
from skillsearch.tasks.task import Task

__all__ = ["SkillSearch"]

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

_logger = logging.getLogger(__name__)

_AT_ONCE: Final = 2  # inputs for each core: while one is looked up, another is scored
_AHEAD: Final = 2  # inputs that are worked on or wait, for each that is worked on


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
        distilled: TokenScorer | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        """Put a client together from its parts; most callers want `open`.

        Args:
            store: has the published index.
            encoder: what the index was built with.
            reranker: the cross-encoder; None to do without.
            settings: defaults of what a search can vary, and the home, where tokens are kept.
            blender: a learned blend in place of the fixed one.
            temperature: divides the reranker's logits before they become probabilities of classes.
            distilled: the distilled cross-encoder; None to do without.
            calibration: makes probabilities of the scores of hits.

        Raises:
            ModelMismatchError: the blender was fitted with other models.
            ModelError: the manifest of the encoder is damaged.
        """
        self._rankers = partial(Rankers.load, settings, encoder, temperature=temperature, distilled=distilled)
        self._reranker = reranker
        self._load_reranker: Callable[[], PairScorer | None] = lambda: reranker
        self._engine = Engine(store, encoder, self._rankers(reranker, blender), settings, calibration)
        self._blend: Path | None = None

    @classmethod
    def open(
        cls,
        settings: Settings | None = None,
        *,
        progress: Progress = silent,
        **overrides: Any,  # noqa: ANN401 - any setting
    ) -> Self:
        """Open the published index and load the models.

        Of the rerankers that which the settings name is loaded. Late interaction and the distilled
        cross-encoder need the tokens of all skills, which are embedded once for each index.

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
            encoder = pair.load_encoder(**settings.running)
            require_match(build.info, encoder.folder)
            load_reranker = partial(pair.load_reranker, precision=settings.precision, **settings.running)
            reranker = distilled = None
            wanted = settings.rerank or ("cross-encoder" if blender else pair.default_reranker(encoder))
            if wanted == "distilled":
                distilled = pair.load_distilled(encoder, threads=settings.threads)
            elif wanted == "cross-encoder":
                reranker = load_reranker()
            loaded = {"cross-encoder": reranker, "distilled": distilled}
            rerankers = {name: model.folder for name, model in loaded.items() if model}
            client = cls(
                store,
                encoder,
                reranker,
                settings,
                blender=blender,
                temperature=pair.temperature,
                distilled=distilled,
                calibration=pair.calibration(encoder.folder, rerankers),
            )
            client._load_reranker = load_reranker
            client.refresh()
            client._engine.rankers.default.ready(build, progress)
            _logger.info("opened %s for encoder %s and reranker %s", build.info.name, pair.encoder, wanted)
            return client
        except BaseException:
            store.close()
            raise

    search = Method(tasks.TITLE_TO_SKILLS)
    titles_for = Method(tasks.SKILL_TO_TITLES)
    extract = Method(tasks.TEXT_TO_SKILLS)
    similar = Method(tasks.SIMILAR_SKILLS)
    normalize_skill = Method(tasks.NORMALIZE_SKILL)
    normalize_title = Method(tasks.NORMALIZE_TITLE)
    suggest = Method(tasks.SUGGEST)
    compare = Method(tasks.COMPARE)
    concept = Method(tasks.CONCEPT)

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
        return self.each(tasks.TITLE_TO_SKILLS, titles, strict=strict, **options)

    def search_many(
        self,
        titles: Iterable[object],
        *,
        strict: bool = False,
        **options: Any,  # noqa: ANN401 - those of `search`
    ) -> list[SearchResult | FailedSearch]:
        """The results of `search_each` as a list; see `many`."""
        return self.many(tasks.TITLE_TO_SKILLS, titles, strict=strict, **options)

    def each(
        self,
        task: Task[..., Answer],
        inputs: Iterable[object],
        *,
        strict: bool = False,
        **options: Any,  # noqa: ANN401 - those of the task
    ) -> Iterator[Answer | FailedSearch]:
        """Do a task for each input as it comes; each gives its result or its error, in order.

        Args:
            task: of `skillsearch.tasks`.
            inputs: what it takes. One that it would refuse, such as None, gives a `FailedSearch`.
            strict: raise at the first input that is refused, naming its position.
            options: of the task; they are checked at once, before the first input is taken.

        Raises:
            QueryError: an option is wrong, or, where `strict`, an input.
            SkillSearchError: what else the task raises that is not about the input.
        """
        return map(self._one(task, inputs, options, strict=strict), enumerate(inputs, start=1))

    def many(
        self,
        task: Task[..., Answer],
        inputs: Iterable[object],
        *,
        strict: bool = False,
        **options: Any,  # noqa: ANN401 - those of the task
    ) -> list[Answer | FailedSearch]:
        """Do a task for many inputs, several at a time; the results of `each` as a list, and the same.

        While one input waits for the index or the models, others use the cores.

        Raises:
            QueryError: an option is wrong, or, where `strict`, an input; those after it may be left out.
            SkillSearchError: what else the task raises that is not about the input.
        """
        one = self._one(task, inputs, options, strict=strict)
        count = _AT_ONCE * cpu_threads(self._engine.settings.threads)
        with ThreadPoolExecutor(count, thread_name_prefix="skillsearch-many") as threads:
            return list(in_order(threads, one, enumerate(inputs, start=1), ahead=_AHEAD * count))

    def normalize_skills(
        self,
        texts: Iterable[object],
        **options: Any,  # noqa: ANN401 - those of `normalize_skill`
    ) -> list[Found[SkillMatch] | FailedSearch]:
        """The results of `normalize_skill` for many texts, in order."""
        return self.many(tasks.NORMALIZE_SKILL, texts, **options)

    def normalize_titles(
        self,
        titles: Iterable[object],
        **options: Any,  # noqa: ANN401 - those of `normalize_title`
    ) -> list[Found[OccupationMatch] | FailedSearch]:
        """The results of `normalize_title` for many titles, in order."""
        return self.many(tasks.NORMALIZE_TITLE, titles, **options)

    def refresh(self) -> None:
        """Use the blend that is active in the home now; cheap where it is the same.

        `open` does so once. A blend that the settings name stays, and with a reranker that no blend takes
        there is none. The cross-encoder is loaded where the blend learned from it.

        Raises:
            ModelError: the blend is damaged, or was fitted with other models; what was used before stays.
        """
        settings = self._engine.settings
        if settings.blender is not None or settings.rerank not in (None, "cross-encoder"):
            return
        path = active_blend(self.home)
        if path == self._blend:
            return
        blender = load_blender(path) if path else None
        scorer = self._load_reranker() if blender and blender.second and not self._reranker else None
        self._engine.rankers = self._rankers(self._reranker or scorer, blender)
        self._blend = path

    def status(self) -> Status:
        """What is published, and what answers.

        Raises:
            StoreError: the store failed, or the client is closed.
        """
        with self._engine.run() as run:
            return Status(run.build.info, run.versions(self._engine.rankers.default))

    @property
    def home(self) -> Path:
        """The folder of what is kept: blends, judgements, tokens."""
        return self._engine.settings.home.expanduser()

    @property
    def depth(self) -> int | None:
        """How many candidates a search reranks by default; None where nothing reranks."""
        ranker = self._engine.rankers.default
        return ranker.options().get("depth") if ranker.reranker else None

    def labels(self, space: Space) -> Mapping[str, str]:
        """The preferred labels of all published concepts of a space, ``skills`` or ``occupations``, by URI.

        Raises:
            StoreError: the store failed, or the client is closed.
        """
        with self._engine.run() as run:
            return run.kept.names(space).labels

    def close(self) -> None:
        """Close the index, once the searches that run have ended; none can begin any more."""
        self._engine.close()

    def _one(
        self,
        task: Task[..., Answer],
        inputs: Iterable[object],
        options: Mapping[str, Any],
        *,
        strict: bool,
    ) -> Callable[[tuple[int, object]], Answer | FailedSearch]:
        """What does a task for one of many inputs and its position; the options are checked here.

        Raises:
            QueryError: an option is wrong, or the inputs are one text.
        """
        name = task.input.name
        if isinstance(inputs, str):
            raise QueryError(
                f"{name}s is a list of {name}s, found the text {quoted(inputs)}: give one alone to the "
                "method for one, such as `search`"
            )
        answer = task.prepare(self._engine, **options)
        self._engine.check_filters(task.space, options.get("filters"))

        def one(numbered: tuple[int, object]) -> Answer | FailedSearch:
            position, given = numbered
            try:
                return answer(given)
            except FilterError:  # is about all inputs
                raise
            except QueryError as error:
                if strict:
                    raise QueryError(f"{name} {position:,}: {error}") from error
                return FailedSearch(position, given, str(error), type(error).__name__)

        return one

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
