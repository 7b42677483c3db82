"""Warming up: the service reads what searches of an index need before the first one waits for it."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from skillsearch.client import SkillSearch
from skillsearch.errors import SkillSearchError
from skillsearch.http.call import Service

__all__ = ["kept_warm"]

_logger = logging.getLogger(__name__)

_SECONDS: Final = 1.0  # between two looks at what is published
_TITLE: Final = "Project Manager"
_ADVERT: Final = "You manage projects and administer databases."


@asynccontextmanager
async def kept_warm(service: Service) -> AsyncIterator[None]:
    """Take up what is published now, and each build that is published later, once it is read."""
    told = await _take_up(service, "")
    watch = asyncio.create_task(_watch(service, told))
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        gc.unfreeze()


async def _watch(service: Service, told: str) -> None:
    while True:
        await asyncio.sleep(_SECONDS)
        told = await _take_up(service, told)


async def _take_up(service: Service, told: str) -> str:
    """Take up what is published; what is wrong with it is told once, and returned."""
    try:
        if await service.searches.take_up(_read):
            await _learn_pace(service)
            _set_apart()
    except Exception as error:  # whatever it is, the next look may succeed
        if str(error) != told:
            fault = None if isinstance(error, SkillSearchError) else error
            _logger.warning("not ready: %s", error, exc_info=fault)
        return str(error)
    return ""


def _read(client: SkillSearch) -> None:
    """Ask what reads all that is kept of an index."""
    client.search(_TITLE)
    client.normalize_title(_TITLE)
    client.extract(_ADVERT)
    client.suggest(_TITLE[:3])


async def _learn_pace(service: Service) -> None:
    status, result = await service.status(), await service.searches.search(_TITLE)
    depth = result.depth if result.rerank else None
    service.pace.learn(result.timings, depth and min(depth, status.build.skills))


def _set_apart() -> None:
    """Leave what there is now out of garbage collections.

    An index of ESCO has half a million objects, which stay. To look through them takes a fifth of a second,
    in which no request goes on.
    """
    gc.collect(1)  # what is young
    gc.freeze()
