"""One call of the API: who calls, admission, time limits, and answers with versions."""

import asyncio
import base64
import binascii
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from starlette.responses import Response

from skillsearch.aio import AsyncSkillSearch
from skillsearch.characters import json_text
from skillsearch.errors import SkillSearchError
from skillsearch.http.bodies import BatchBody, PagedBody
from skillsearch.http.budget import Pace
from skillsearch.http.keys import Caller, Keys
from skillsearch.http.metrics import Metrics
from skillsearch.http.pages import cursor_of, fingerprint, offset_of
from skillsearch.http.problems import Problem
from skillsearch.http.settings import ServiceSettings
from skillsearch.judgements import Judgements
from skillsearch.results import FailedSearch, Found, SearchResult, Status
from skillsearch.tasks import Task

__all__ = ["Call", "Judge", "Read", "Service", "json_response"]

Answer = TypeVar("Answer")
Paged = TypeVar("Paged", SearchResult, Found[Any])

_logger = logging.getLogger(__name__)


class Service:
    """What all calls share.

    Attributes:
        searches: the client.
        settings: the limits.
        keys: who may call.
        judgements: of the home; None where none are taken.
        metrics: of this process.
        pace: how long searches take.
    """

    def __init__(
        self,
        searches: AsyncSkillSearch,
        settings: ServiceSettings,
        keys: Keys,
        judgements: Judgements | None,
        metrics: Metrics,
    ) -> None:
        self.searches, self.settings, self.keys = searches, settings, keys
        self.judgements, self.metrics, self.pace = judgements, metrics, Pace()
        self._waiting = 0
        self._warned = ""

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Let a call in, where not too many wait already.

        Raises:
            Problem: they do.
        """
        if self._waiting >= self.settings.max_waiting:
            raise Problem(503, "too many requests wait: come again later", kind="busy", headers=_LATER)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def status(self) -> Status:
        """What is published; the blend that is active now is taken up before. It waits for no search."""

        def read() -> Status:
            self._refresh()
            return self.searches.client.status()

        status = await asyncio.to_thread(read)
        self.metrics.versions(status.versions)
        return status

    def _refresh(self) -> None:
        """Take up the active blend; one that cannot be used is told once, and the one before stays."""
        try:
            self.searches.client.refresh()
            self._warned = ""
        except SkillSearchError as error:
            if str(error) != self._warned:
                self._warned = str(error)
                _logger.warning("the active blend is not used: %s", error)


_LATER = {"Retry-After": "2"}


class Call:
    """One call: its request, who sent it, and the service."""

    def __init__(self, request: Request, service: Service, caller: Caller) -> None:
        self.request, self.service, self.caller = request, service, caller

    @property
    def begun(self) -> float:
        """When the request arrived, in seconds of `time.perf_counter`."""
        return float(self.request.scope["state"]["begun"])

    async def run(self, ask: Callable[[], Awaitable[Answer]], *, timeout: float | None = None) -> Answer:
        """Wait for an answer, until the time is over or the caller is gone; the search then stops, too.

        Raises:
            Problem: too many wait, it took too long, or the caller is gone.
            SkillSearchError: what the task raises.
        """
        timeout = timeout or self.service.settings.timeout
        async with self.service.admitted():
            work = asyncio.ensure_future(ask())
            gone = asyncio.ensure_future(self._gone())
            try:
                await asyncio.wait((work, gone), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    return work.result()
                if gone.done():
                    raise Problem(503, "the caller is gone", kind="gone")
                raise Problem(504, f"no answer within {timeout:g} seconds", kind="timeout", headers=_LATER)
            finally:
                for task in (work, gone):
                    task.cancel()
                await asyncio.gather(work, gone, return_exceptions=True)

    async def paged(
        self, body: PagedBody, ask: Callable[[int], Awaitable[Paged]]
    ) -> tuple[Paged, str | None]:
        """A page of an answer, and the cursor of the next one; None at the end.

        Args:
            body: with the limit and the cursor.
            ask: for so many hits.

        Raises:
            Problem: the cursor is not of this question, or the page would go too far.
        """
        status, most = await self.service.status(), self.service.settings.max_limit
        asked = body.model_dump(exclude={"cursor", "limit", "budget_ms"})
        question = fingerprint(type(body).__name__, asked, str(status.versions))
        offset = offset_of(body.cursor, question)
        limit = offset + body.limit
        if limit > most:
            raise Problem(
                422,
                f"limit: at most {most:,} hits in all pages, found {limit:,} (SKILLSEARCH_SERVE_MAX_LIMIT)",
                kind="query",
            )
        result = await self.run(lambda: ask(limit))
        is_last = len(result.hits) < limit or limit == most
        self.service.metrics.answered(result.timings)
        return replace(result, hits=result.hits[offset:]), None if is_last else cursor_of(limit, question)

    async def batch(self, task: Task[..., Any], body: BatchBody, **options: Any) -> Response:  # noqa: ANN401
        """The results of a task for many inputs, each with its result or its error."""
        inputs, most = body.inputs(), self.service.settings.max_items
        if len(inputs) > most:
            raise Problem(
                413,
                f"a batch has at most {most:,} inputs, found {len(inputs):,} (SKILLSEARCH_SERVE_MAX_ITEMS)",
                kind="size",
            )
        self.within(options.get("limit", 1))
        status = await self.service.status()

        async def ask() -> list[Any]:
            return [one async for one in self.service.searches.each(task, inputs, **options)]

        results = await self.run(ask, timeout=self.service.settings.batch_timeout)
        for one in results:
            if not isinstance(one, FailedSearch):
                self.service.metrics.answered(one.timings)
        return json_response(
            {"results": [one.to_dict() for one in results], "versions": status.to_dict()["versions"]}
        )

    def within(self, limit: int) -> None:
        """Check a limit against the service's.

        Raises:
            Problem: it is more.
        """
        most = self.service.settings.max_limit
        if limit > most:
            raise Problem(
                422,
                f"/limit: at most {most:,}, found {limit:,} (SKILLSEARCH_SERVE_MAX_LIMIT)",
                kind="query",
            )

    async def fresh(self, make: Callable[[Status], Awaitable[Response]]) -> Response:
        """The response with its ETag, or 304 where the caller has it; the tag is that of build and query."""
        status, url = await self.service.status(), self.request.url
        tag = f'W/"{fingerprint(url.path, url.query, str(status.versions), self.caller.role)}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
        known = [part.strip() for part in self.request.headers.get("if-none-match", "").split(",")]
        if tag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        response = await make(status)
        response.headers.update(headers)
        return response

    async def _gone(self) -> None:
        while (await self.request.receive())["type"] != "http.disconnect":
            pass


def json_response(values: dict[str, Any], status: int = 200) -> Response:
    """A response of JSON."""
    return Response(json_text(values).encode(), status, media_type="application/json")


def _key(request: Request) -> str | None:
    """The key of a request: as bearer token, as the password of a browser's dialogue, or in X-API-Key."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return None
    return request.headers.get("x-api-key")


def _reading(request: Request) -> Call:
    service: Service = request.app.state.service
    caller = service.keys.caller(_key(request))
    if caller is None:
        scheme = "Bearer" if request.url.path.startswith(("/v1/", "/metrics")) else "Basic"
        headers = {"WWW-Authenticate": f'{scheme} realm="skillsearch"'}
        raise Problem(401, "send a key as `Authorization: Bearer KEY`", kind="key", headers=headers)
    request.scope["state"]["caller"] = caller.name
    return Call(request, service, caller)


def _judging(call: Annotated[Call, Depends(_reading)]) -> Call:
    if call.service.judgements is None:
        raise Problem(403, "this service takes no judgements (SKILLSEARCH_SERVE_JUDGING)", kind="judging")
    if not call.caller.may_judge:
        raise Problem(403, "this key may read, but not judge", kind="role")
    return call


Read = Annotated[Call, Depends(_reading)]
"""A call of somebody who may read."""

Judge = Annotated[Call, Depends(_judging)]
"""A call of somebody who may judge, of a service that takes judgements."""
