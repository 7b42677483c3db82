"""The client for asyncio: searches run in a few threads of their own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Generic, ParamSpec, Self, TypeVar, overload

import skillsearch.tasks as tasks
from skillsearch.client import SkillSearch
from skillsearch.errors import ConfigurationError, StoreError
from skillsearch.methods import Method
from skillsearch.models.device import usable_cpus
from skillsearch.results import FailedSearch, SearchResult
from skillsearch.running import cancellable
from skillsearch.settings import Settings
from skillsearch.tasks.task import Task

__all__ = ["AsyncSkillSearch"]

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

_END: Final = object()


class AsyncMethod(Generic[Parameters, Answer]):
    """A task as a method of the client for asyncio, with the options of its function."""

    def __init__(self, task: Task[Parameters, Answer]) -> None:
        self._task = task
        self.__doc__ = task.run.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...

    @overload
    def __get__(
        self, client: "AsyncSkillSearch", owner: type
    ) -> Callable[Parameters, Coroutine[Any, Any, Answer]]: ...

    def __get__(
        self, client: "AsyncSkillSearch | None", owner: type
    ) -> Self | Callable[Parameters, Coroutine[Any, Any, Answer]]:
        if client is None:
            return self
        method = Method(self._task).__get__(client.client, owner)

        async def call(*args: Parameters.args, **options: Parameters.kwargs) -> Answer:
            return await client.run(lambda: method(*args, **options))

        return call


class AsyncSkillSearch:
    """The same client for asyncio: searches run in threads, and stop between two stages if cancelled."""

    def __init__(self, client: SkillSearch, *, concurrency: int | None = None) -> None:
        """Search with a client.

        Args:
            client: it is closed with this one.
            concurrency: how many searches run at once; others wait. By default as many as there are cores,
                and at least two: more only wait for each other, and all answers come late.

        Raises:
            ConfigurationError: `concurrency` is below 1.
        """
        if concurrency is None:
            concurrency = max(usable_cpus(), 2)
        if concurrency < 1:
            raise ConfigurationError(f"concurrency is at least 1, found {concurrency}")
        self.client = client
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="skillsearch")

    @classmethod
    async def open(
        cls,
        settings: Settings | None = None,
        *,
        concurrency: int | None = None,
        **overrides: Any,  # noqa: ANN401 - any setting
    ) -> Self:
        """See `SkillSearch.open`, and `AsyncSkillSearch` for `concurrency`."""
        return cls(await asyncio.to_thread(SkillSearch.open, settings, **overrides), concurrency=concurrency)

    search = AsyncMethod(tasks.TITLE_TO_SKILLS)
    titles_for = AsyncMethod(tasks.SKILL_TO_TITLES)
    extract = AsyncMethod(tasks.TEXT_TO_SKILLS)
    similar = AsyncMethod(tasks.SIMILAR_SKILLS)
    normalize_skill = AsyncMethod(tasks.NORMALIZE_SKILL)
    normalize_title = AsyncMethod(tasks.NORMALIZE_TITLE)
    suggest = AsyncMethod(tasks.SUGGEST)
    compare = AsyncMethod(tasks.COMPARE)
    concept = AsyncMethod(tasks.CONCEPT)

    async def each(
        self,
        task: Task[..., Answer],
        inputs: Iterable[object],
        **options: Any,  # noqa: ANN401 - those of `SkillSearch.each`
    ) -> AsyncIterator[Answer | FailedSearch]:
        """See `SkillSearch.each`."""
        found = await self.run(lambda: self.client.each(task, inputs, **options))
        while (result := await self.run(lambda: next(found, _END))) is not _END:
            yield result  # type: ignore[misc] # not the end

    async def search_each(
        self,
        titles: Iterable[object],
        **options: Any,  # noqa: ANN401 - those of `search_each`
    ) -> AsyncIterator[SearchResult | FailedSearch]:
        """See `SkillSearch.search_each`."""
        async for result in self.each(tasks.TITLE_TO_SKILLS, titles, **options):
            yield result

    async def search_many(
        self,
        titles: Iterable[object],
        **options: Any,  # noqa: ANN401 - those of `search_each`
    ) -> list[SearchResult | FailedSearch]:
        """See `SkillSearch.search_many`."""
        return await self.run(lambda: self.client.search_many(titles, **options))

    async def take_up(self, read: Callable[[SkillSearch], object]) -> bool:
        """Read the published index, then search it, in a service that must not stop to read.

        After the first call, a build that is published is searched when this is called again; until it has
        been read, searches run on the build before.

        Args:
            read: runs searches that read what others will need, with the client that it is called with.

        Returns:
            Whether it was another build than before.

        Raises:
            ModelMismatchError: it is an index of another encoder; searches stay on the build before.
            StoreError: the store failed, or the client is closed.
        """
        client = self.client
        return await asyncio.to_thread(client._engine.take_up, lambda: read(client))

    async def close(self) -> None:
        """Close the index, once the searches that run have ended."""
        await asyncio.to_thread(self.client.close)
        self._threads.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(self, call: Callable[[], Answer]) -> Answer:
        """Call in a thread; if this task is cancelled, a search in it stops after the stage that runs.

        Raises:
            StoreError: the client is closed.
        """
        cancelled = threading.Event()

        def in_thread() -> Answer:
            with cancellable(cancelled):
                return call()

        try:
            waiting = asyncio.get_running_loop().run_in_executor(self._threads, in_thread)
        except RuntimeError as error:  # the threads are shut down
            raise StoreError("the client is closed: open another one with AsyncSkillSearch.open") from error
        try:
            return await waiting
        except asyncio.CancelledError:
            cancelled.set()
            raise
