"""The server: one tool a task, with short, typed answers, and resources for concepts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from importlib.metadata import version
from typing import Annotated, Final, ParamSpec, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from pydantic import Field

import skillsearch.tasks as tasks
from skillsearch.aio import AsyncSkillSearch
from skillsearch.characters import json_text
from skillsearch.client import SkillSearch
from skillsearch.errors import ConfigurationError, SkillSearchError
from skillsearch.mcp import answers
from skillsearch.store.filters import Filters

__all__ = ["Opened", "create_server", "serve"]

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

Limit = Annotated[int, Field(ge=1, le=100, description="How many; 20 by default.")]
Offset = Annotated[
    int, Field(ge=0, le=400, description="Where the page begins: `next_offset` of the one before.")
]
Descriptions = Annotated[bool, Field(description="Give descriptions too; they are long.")]
Collections = Annotated[
    list[str] | None,
    Field(description="Only skills of these collections, such as digital, green, transversal."),
]
Texts = Annotated[list[str], Field(min_length=1, max_length=50)]

Waiting = Callable[[], Awaitable[AsyncSkillSearch]]

_ABOUT: Final = (
    "Skills and occupations of a taxonomy such as ESCO. search_skills ranks the skills of a job title; "
    "extract_skills reads an advert; find_titles goes from a skill to occupations; normalize_* give the "
    "taxonomy's names for anybody's words; compare_titles tells what is missing between two jobs."
)


def serve(open_client: Callable[[], SkillSearch], *, port: int | None = None) -> None:
    """Serve over standard input and output, or over streamable HTTP on this machine.

    While it serves, standard output carries the protocol alone: what anything prints goes to standard
    error. The client is opened while the first messages are exchanged, and tools wait for it.

    Args:
        open_client: gives the client, which is closed in the end.
        port: to serve HTTP at, at ``/mcp``; None for standard input and output.

    Raises:
        ConfigurationError: the port cannot be used.
    """
    if port is not None and not 0 < port < 65536:
        raise ConfigurationError(f"a port is between 1 and 65,535, found {port}")
    opened = Opened(open_client)
    server = create_server(opened)
    try:
        if port is None:
            server.run("stdio")
        else:
            server.run("streamable-http", port=port, stateless_http=True, json_response=True)
    finally:
        opened.close()


class Opened:
    """A client that is opened in the background, once for all sessions."""

    def __init__(self, open_client: Callable[[], SkillSearch]) -> None:
        self._open = open_client
        self._opening: asyncio.Task[AsyncSkillSearch] | None = None

    def begin(self) -> None:
        """Begin to open it, where nobody has."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._opened())

    async def client(self) -> AsyncSkillSearch:
        """The client, once it is open.

        Raises:
            SkillSearchError: it cannot be opened; each call is told so.
        """
        self.begin()
        assert self._opening is not None  # noqa: S101 - just begun
        return await asyncio.shield(self._opening)

    def close(self) -> None:
        """Close it, where it was opened."""
        task = self._opening
        if task and task.done() and not task.cancelled() and task.exception() is None:
            task.result().client.close()

    async def _opened(self) -> AsyncSkillSearch:
        return AsyncSkillSearch(await asyncio.to_thread(self._open))


def create_server(opened: Opened) -> MCPServer[None]:
    """The server over a client."""

    @asynccontextmanager
    async def lifespan(_: MCPServer[None]) -> AsyncIterator[None]:
        opened.begin()
        yield

    server = MCPServer[None](
        "skillsearch",
        instructions=_ABOUT,
        version=version("skillsearch"),
        lifespan=lifespan,
        log_level="WARNING",
    )
    _add_searches(server, opened.client)
    _add_names(server, opened.client)
    _add_resources(server, opened.client)
    return server


def _told(
    error_type: type[Exception],
) -> Callable[[Callable[Given, Awaitable[Answer]]], Callable[Given, Awaitable[Answer]]]:
    """Tell the agent what is wrong with its call, and what to do; the SDK would say that it failed."""

    def around(call: Callable[Given, Awaitable[Answer]]) -> Callable[Given, Awaitable[Answer]]:
        @wraps(call)
        async def told(*arguments: Given.args, **options: Given.kwargs) -> Answer:
            try:
                return await call(*arguments, **options)
            except SkillSearchError as error:
                raise error_type(str(error)) from error

        return told

    return around


def _add_searches(server: MCPServer[None], client: Waiting) -> None:
    @server.tool()
    @_told(ToolError)
    async def search_skills(
        title: str,
        limit: Limit = 20,
        offset: Offset = 0,
        collections: Collections = None,
        descriptions: Descriptions = False,
    ) -> answers.SkillList:
        """Rank the skills that a job asks for, by its title."""
        filters = Filters(collections=collections) if collections else None
        result = await (await client()).search(title, limit=offset + limit, filters=filters)
        return answers.of_search(result, offset, limit, descriptions=descriptions)

    @server.tool()
    @_told(ToolError)
    async def extract_skills(text: str) -> answers.ExtractionAnswer:
        """Read the skills of a job advert, text or HTML."""
        return answers.of_extraction(await (await client()).extract(text))

    @server.tool()
    @_told(ToolError)
    async def find_titles(skill: str, limit: Limit = 20, offset: Offset = 0) -> answers.OccupationList:
        """Find the occupations that need a skill, given by words or URI."""
        found = await (await client()).titles_for(skill, limit=offset + limit)
        return answers.of_occupations(found, offset, limit)

    @server.tool()
    @_told(ToolError)
    async def similar_skills(
        skill: str, limit: Limit = 20, offset: Offset = 0, descriptions: Descriptions = False
    ) -> answers.SkillList:
        """Find skills that are like one, given by words or URI."""
        found = await (await client()).similar(skill, limit=offset + limit)
        return answers.of_skills(found, offset, limit, descriptions=descriptions)

    @server.tool()
    @_told(ToolError)
    async def compare_titles(a: str | list[str], b: str, limit: Limit = 20) -> answers.ComparisonAnswer:
        """Compare a title, or a person's skills, with the title that is wanted."""
        return answers.of_comparison(await (await client()).compare(a, b, limit=limit))


def _add_names(server: MCPServer[None], client: Waiting) -> None:
    @server.tool()
    @_told(ToolError)
    async def normalize_skills(texts: Texts) -> answers.NamedList:
        """Find what the taxonomy calls skills in anybody's words, up to 50 at once."""
        searches = await client()
        found = [one async for one in searches.each(tasks.NORMALIZE_SKILL, texts, limit=1)]
        return answers.named(texts, found)

    @server.tool()
    @_told(ToolError)
    async def normalize_titles(titles: Texts) -> answers.NamedList:
        """Find the occupations, with ISCO-08 codes, of job titles as they come, up to 50 at once."""
        searches = await client()
        found = [one async for one in searches.each(tasks.NORMALIZE_TITLE, titles, limit=1)]
        return answers.named(titles, found)

    @server.tool()
    @_told(ToolError)
    async def concept(uri: str) -> answers.ConceptAnswer:
        """Look up a skill or an occupation by its URI."""
        return answers.of_concept(await (await client()).concept(uri, limit=30))


def _add_resources(server: MCPServer[None], client: Waiting) -> None:
    @server.resource("skillsearch://status", mime_type="application/json")
    @_told(ResourceError)
    async def status() -> str:
        """What is published, and what answers."""
        searches = await client()
        return json_text((await searches.run(searches.client.status)).to_dict())

    @server.resource("skillsearch://concepts/{uri}", mime_type="application/json")
    @_told(ResourceError)
    async def concept_resource(uri: str) -> str:
        """A skill or an occupation, by its URI."""
        return (await (await client()).concept(uri)).to_json()
