"""Searches that run: closing waits for them, cancelling stops them, threads are few."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from skillsearch import AsyncSkillSearch, SearchResult, SkillSearch
from skillsearch.arrays import Float32Array
from skillsearch.errors import ConfigurationError, StoreError
from skillsearch.models.protocols import Encoder


class Slow:
    """An encoder that waits until it is let go, and counts who is in it."""

    def __init__(self, encoder: Encoder) -> None:
        self.folder = encoder.folder
        self.entered, self.second, self.go = threading.Event(), threading.Event(), threading.Event()
        self.inside, self.most = 0, 0
        self._encoder = encoder
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Float32Array:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            if self.inside == 2:
                self.second.set()
        self.entered.set()
        assert self.go.wait(20)
        with self._lock:
            self.inside -= 1
        return self._encoder.encode(texts)


class Counting:
    """A cross-encoder that counts its calls, and finds all skills alike."""

    def __init__(self, encoder: Encoder) -> None:
        self.folder = encoder.folder
        self.calls = 0

    def logits(self, pairs: Sequence[tuple[str, str]]) -> Float32Array:
        self.calls += 1
        return np.zeros((len(pairs), 3), dtype=np.float32)


@pytest.fixture
def slow(encoder: Encoder) -> Slow:
    return Slow(encoder)


@pytest.fixture
def scorer(encoder: Encoder) -> Counting:
    return Counting(encoder)


@pytest.fixture
def waiting(client: SkillSearch, slow: Slow, scorer: Counting) -> SkillSearch:
    """A client whose searches wait in their first stage."""
    return SkillSearch(client._engine.store, slow, scorer, client._engine.settings)  # type: ignore[arg-type]


def test_closing_waits_for_the_searches_that_run(waiting: SkillSearch, slow: Slow) -> None:
    with ThreadPoolExecutor(2) as pool:
        search = pool.submit(waiting.search, "Chef")
        assert slow.entered.wait(20)
        closing = pool.submit(waiting.close)
        with pytest.raises(TimeoutError):
            closing.result(0.2)
        slow.go.set()
        assert len(search.result(20)) == 20
        closing.result(20)


def test_a_closed_client_says_so_in_every_thread_and_opens_nothing(client: SkillSearch) -> None:
    client.search("Chef")
    results = client.search_each(["Chef", "Nurse"])
    assert isinstance(next(results), SearchResult)
    client.close()
    client.close()
    for search in (
        lambda: client.search("Chef"),
        lambda: client.search_many(["Chef"]),
        lambda: next(results),
    ):
        with ThreadPoolExecutor(1) as pool, pytest.raises(StoreError, match="the client is closed"):
            pool.submit(search).result()
    assert client._engine.store._open is None  # type: ignore[attr-defined]


def test_a_cancelled_search_stops_after_its_stage(waiting: SkillSearch, slow: Slow, scorer: Counting) -> None:
    async def run() -> None:
        async with AsyncSkillSearch(waiting) as skills:
            task = asyncio.create_task(skills.search("Chef"))
            assert await asyncio.to_thread(slow.entered.wait, 20)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            slow.go.set()

    asyncio.run(run())
    assert scorer.calls == 0


def test_as_many_searches_run_at_once_as_are_allowed(waiting: SkillSearch, slow: Slow) -> None:
    async def run() -> list[SearchResult]:
        async with AsyncSkillSearch(waiting, concurrency=2) as skills:
            tasks = [asyncio.create_task(skills.search("Chef")) for _ in range(5)]
            assert await asyncio.to_thread(slow.second.wait, 20)
            slow.go.set()
            return await asyncio.gather(*tasks)

    assert len(asyncio.run(run())) == 5
    assert slow.most == 2


def test_the_async_client_streams_and_fails_as_the_other(client: SkillSearch) -> None:
    async def run() -> list[str]:
        skills = AsyncSkillSearch(client)
        found = [type(result).__name__ async for result in skills.search_each(["Chef", None], limit=1)]
        found += [type(result).__name__ for result in await skills.search_many(["", "Chef"], limit=1)]
        await skills.close()
        with pytest.raises(StoreError, match="the client is closed"):
            await skills.search("Chef")
        return found

    assert asyncio.run(run()) == ["SearchResult", "FailedSearch", "FailedSearch", "SearchResult"]


def test_no_searches_at_once_are_too_few(client: SkillSearch) -> None:
    with pytest.raises(ConfigurationError, match="concurrency is at least 1, found 0"):
        AsyncSkillSearch(client, concurrency=0)
