"""The MCP server, held by the client of the official SDK."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from skillsearch.client import SkillSearch
from skillsearch.errors import IndexNotFoundError
from skillsearch.mcp.server import Opened, create_server
from skillsearch.taxonomy.records import Taxonomy

NOISY = """
import os, sys
from skillsearch.client import SkillSearch
from skillsearch.mcp.server import serve
def open_client():
    print("printed by Python")
    os.write(1, b"printed by a library\\n")
    return SkillSearch.open()
serve(open_client)
"""


def talk(server: Any, session: Callable[[Client], Awaitable[None]]) -> None:  # noqa: ANN401 - whatever a client takes
    async def run() -> None:
        async with Client(server, read_timeout_seconds=120) as client:
            await session(client)

    asyncio.run(run())


def test_tools_answer_shortly_and_in_pages(client: SkillSearch, taxonomy: Taxonomy) -> None:
    uri = next(iter(taxonomy.skills))
    expected = client.search("Nurse", limit=25)

    async def session(agent: Client) -> None:
        tools = {tool.name: tool for tool in (await agent.list_tools()).tools}
        assert set(tools) == {
            *("search_skills", "extract_skills", "find_titles", "similar_skills", "compare_titles"),
            *("normalize_skills", "normalize_titles", "concept"),
        }
        assert all(tool.output_schema and tool.description for tool in tools.values())
        first = await structured(agent, "search_skills", title="Nurse")
        assert [one["uri"] for one in first["skills"]] == [hit.uri for hit in expected[:20]]
        assert first["next_offset"] == 20
        assert first["skills"][0]["description"] is None
        second = await structured(
            agent, "search_skills", title="Nurse", offset=20, limit=5, descriptions=True
        )
        assert [one["uri"] for one in second["skills"]] == [hit.uri for hit in expected[20:]]
        assert second["skills"][0]["rank"] == 21
        assert second["skills"][0]["description"]
        text = "You administer databases.\nNous aimons bien les moutons et le grand air."
        found = await structured(agent, "extract_skills", text=text)
        assert [one["label"] for one in found["skills"]] == ["administer databases"]
        assert found["unread"] == text.splitlines()[1:]
        found = await structured(agent, "find_titles", skill="administer databases", limit=3)
        assert len(found["occupations"]) == 3
        found = await structured(agent, "similar_skills", skill="administer databases", limit=3)
        assert len(found["skills"]) == 3
        found = await structured(agent, "normalize_titles", titles=["Registered Nurse", "..."])
        assert found["answers"][0]["label"] == "registered nurse"
        found = await structured(agent, "normalize_skills", texts=["administer databases"])
        assert found["answers"][0]["recognised"]
        found = await structured(agent, "compare_titles", a="Nurse", b="Electrician", limit=5)
        assert len(found["shared"]) + len(found["near"]) + len(found["missing"]) == 5
        found = await structured(agent, "concept", uri=uri)
        assert found["label"] == taxonomy.skills[uri].label

    talk(create_server(Opened(lambda: client)), session)


def test_what_is_wrong_is_told_in_the_answer(client: SkillSearch) -> None:
    async def session(agent: Client) -> None:
        for name, arguments, told in (
            ("search_skills", {"title": ""}, "the title '' is empty"),
            ("search_skills", {"title": "Nurse", "limit": 0}, "greater than or equal to 1"),
            ("search_skills", {"title": "Nurse", "collections": ["digitl"]}, "did you mean"),
            ("search_skills", {"title": 5}, "string"),
            ("concept", {"uri": "http://nowhere/x"}, "has no concept"),
        ):
            answer = await agent.call_tool(name, arguments)
            assert answer.is_error
            assert told in answer.content[0].text  # type: ignore[union-attr]
        assert not (await agent.call_tool("search_skills", {"title": "Nurse"})).is_error

    talk(create_server(Opened(lambda: client)), session)


def test_concepts_and_the_status_are_resources(client: SkillSearch, taxonomy: Taxonomy) -> None:
    from urllib.parse import quote

    uri = next(iter(taxonomy.occupations))

    async def session(agent: Client) -> None:
        status = await agent.read_resource("skillsearch://status")
        assert "sample-1.0.0" in status.contents[0].text  # type: ignore[union-attr]
        found = await agent.read_resource(f"skillsearch://concepts/{quote(uri, safe='')}")
        assert taxonomy.occupations[uri].label in found.contents[0].text  # type: ignore[union-attr]
        (template,) = (await agent.list_resource_templates()).resource_templates
        assert template.uri_template == "skillsearch://concepts/{uri}"

    talk(create_server(Opened(lambda: client)), session)


def test_an_index_that_cannot_be_opened_is_told_in_each_answer() -> None:
    def fail() -> SkillSearch:
        raise IndexNotFoundError("no index is published: build one with `skillsearch reindex`")

    async def session(agent: Client) -> None:
        for _ in range(2):
            answer = await agent.call_tool("search_skills", {"title": "Nurse"})
            assert answer.is_error
            assert "skillsearch reindex" in answer.content[0].text  # type: ignore[union-attr]

    talk(create_server(Opened(fail)), session)


def test_standard_output_carries_the_protocol_alone(home: Path, models_folder: Path, tmp_path: Path) -> None:
    environment = os.environ | {"SKILLSEARCH_HOME": str(home), "SKILLSEARCH_MODELS": str(models_folder)}
    environment["SKILLSEARCH_DEVICE"] = "cpu"
    server = StdioServerParameters(command=sys.executable, args=["-c", NOISY], env=environment)

    async def session(agent: Client) -> None:
        found = await structured(agent, "normalize_titles", titles=["Registered Nurse"])
        assert found["answers"][0]["label"] == "registered nurse"

    talk(server, session)


async def structured(agent: Client, name: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - of any tool
    answer = await agent.call_tool(name, arguments)
    assert not answer.is_error, answer.content
    assert answer.structured_content is not None
    return answer.structured_content


@pytest.mark.parametrize("port", [0, 70000])
def test_a_port_that_cannot_be(port: int) -> None:
    from skillsearch.errors import ConfigurationError
    from skillsearch.mcp.server import serve

    with pytest.raises(ConfigurationError, match="a port is between"):
        serve(lambda: None, port=port)  # type: ignore[arg-type,return-value]
