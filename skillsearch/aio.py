"""The client for asyncio: each search in a worker thread."""

import asyncio
from collections.abc import Iterable
from typing import Any, Self

from skillsearch.client import SkillSearch
from skillsearch.results import SearchResult
from skillsearch.settings import Settings

__all__ = ["AsyncSkillSearch"]


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
        """Close the index."""
        await asyncio.to_thread(self.client.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
