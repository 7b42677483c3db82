"""Warming up: the service reads what searches of an index need before the first one waits for it."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from skillsearch.errors import SkillSearchError
from skillsearch.http.call import Service

__all__ = ["kept_warm"]

_logger = logging.getLogger(__name__)

_SECONDS: Final = 5.0  # between two looks at what is published
_ADVERT: Final = "You manage projects and administer databases."


@asynccontextmanager
async def kept_warm(service: Service) -> AsyncIterator[None]:
    """Warm up what is published now, and each build that is published later."""
    build = await _warm_up(service)
    watch = asyncio.create_task(_watch(service, build))
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        gc.unfreeze()


async def _watch(service: Service, build: str) -> None:
    while True:
        await asyncio.sleep(_SECONDS)
        try:
            published = (await service.status()).build.name
        except SkillSearchError:
            continue  # requests tell it
        if published != build:
            build = await _warm_up(service)


async def _warm_up(service: Service) -> str:
    """Ask what reads everything, learn how long a search takes, and set apart what was read.

    Returns:
        The name of the published build; empty where there is none yet.
    """
    searches, build = service.searches, ""
    try:
        status = await service.status()
        build = status.build.name
        result = await searches.search("Project Manager")
        depth = result.depth if result.rerank else None
        service.pace.learn(result.timings, depth and min(depth, status.build.skills))
        await asyncio.gather(
            searches.extract(_ADVERT), searches.suggest("pro"), searches.normalize_title("nurse")
        )
    except SkillSearchError as error:
        _logger.warning("not ready yet: %s", error)
    _set_apart()
    return build


def _set_apart() -> None:
    """Leave what there is now out of garbage collections.

    An index of ESCO has half a million objects, which stay. To look through them takes a fifth of a second,
    in which no request goes on.
    """
    gc.unfreeze()  # an index before, which may be gone
    gc.collect()
    gc.freeze()
