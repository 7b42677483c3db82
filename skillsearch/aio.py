"""The client for asyncio: searches run in a few threads of their own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Self, TypeVar

from skillsearch.client import SkillSearch
from skillsearch.errors import ConfigurationError, StoreError
from skillsearch.results import FailedSearch, SearchResult
from skillsearch.running import cancellable
from skillsearch.settings import Settings

__all__ = ["AsyncSkillSearch"]

_Result = TypeVar("_Result")

_END: Final = object()


class AsyncSkillSearch:
    """The same client for asyncio: searches run in threads, and stop between two stages if cancelled."""

    def __init__(self, client: SkillSearch, *, concurrency: int = 4) -> None:
        """Search with a client.

        Args:
            client: it is closed with this one.
            concurrency: how many searches run at once; others wait. The stages of several overlap, but
                each model serves one at a time.

        Raises:
            ConfigurationError: `concurrency` is below 1.
        """
        if concurrency < 1:
            raise ConfigurationError(f"concurrency is at least 1, found {concurrency}")
        self.client = client
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="skillsearch")

    @classmethod
    async def open(
        cls,
        settings: Settings | None = None,
        *,
        concurrency: int = 4,
        **overrides: Any,  # noqa: ANN401 - any setting
    ) -> Self:
        """See `SkillSearch.open`; `concurrency` is how many searches run at once."""
        return cls(await asyncio.to_thread(SkillSearch.open, settings, **overrides), concurrency=concurrency)

    async def search(self, title: str, **options: Any) -> SearchResult:  # noqa: ANN401 - those of `search`
        """See `SkillSearch.search`."""
        return await self._run(lambda: self.client.search(title, **options))

    async def search_each(
        self,
        titles: Iterable[object],
        **options: Any,  # noqa: ANN401 - those of `search_each`
    ) -> AsyncIterator[SearchResult | FailedSearch]:
        """See `SkillSearch.search_each`."""
        found = await self._run(lambda: self.client.search_each(titles, **options))
        while (result := await self._run(lambda: next(found, _END))) is not _END:
            yield result  # type: ignore[misc] # not the end

    async def search_many(
        self,
        titles: Iterable[object],
        **options: Any,  # noqa: ANN401 - those of `search_each`
    ) -> list[SearchResult | FailedSearch]:
        """See `SkillSearch.search_many`."""
        return [result async for result in self.search_each(titles, **options)]

    async def close(self) -> None:
        """Close the index, once the searches that run have ended."""
        await asyncio.to_thread(self.client.close)
        self._threads.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, call: Callable[[], _Result]) -> _Result:
        """Call in a thread; if this task is cancelled, the search stops after the stage that runs."""
        cancelled = threading.Event()

        def in_thread() -> _Result:
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
