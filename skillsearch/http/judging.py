"""Endpoints for judgements: give one, take it back, export all, and see which titles teach most."""

import asyncio
from io import StringIO
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import StringConstraints
from starlette.responses import Response

from skillsearch.errors import QueryError
from skillsearch.http import answers
from skillsearch.http.api import PROBLEMS
from skillsearch.http.bodies import JudgementBody
from skillsearch.http.call import Call, Judge, json_response
from skillsearch.http.problems import Problem
from skillsearch.judgements import Judgement, Judgements, write_csv, write_qrels, write_titles
from skillsearch.teaching import least_sure

__all__ = ["judge", "judgements_of", "router", "teaching_titles"]

router = APIRouter(prefix="/v1/judgements", tags=["judge"], responses=PROBLEMS)

Title = Annotated[str | None, StringConstraints(max_length=1000), Query(description="Of this title alone.")]
Format = Annotated[
    Literal["json", "csv", "qrels", "titles"],
    Query(description="csv as `skillsearch fit` reads it; qrels of TREC, whose titles `titles` tells."),
]


@router.post("", status_code=201, response_model=answers.JudgementAnswer, responses={404: PROBLEMS[422]})
async def give(body: JudgementBody, call: Judge) -> Response:
    """Say whether a skill is relevant for a title; the latest judgement of both counts."""
    return json_response((await judge(call, body)).to_dict(), 201)


@router.delete("/{number}", response_model=answers.JudgementAnswer, responses={404: PROBLEMS[422]})
async def undo(number: int, call: Judge) -> Response:
    """Take back a judgement of one's own; what was said before it counts again."""
    if not 0 < number < 2**63:
        raise _none(number)
    kept = judgements_of(call)
    found = await asyncio.to_thread(kept.undo, number, call.caller.name)
    if found is None:
        raise _none(number)
    return json_response(found.to_dict())


@router.get(
    "",
    response_model=answers.JudgementList,
    responses={200: {"content": {"text/csv": {}, "text/plain": {}}}},
)
async def export(call: Judge, title: Title = None, format: Format = "json") -> Response:  # noqa: A002
    """The judgements that count, as JSON, as CSV or in TREC's format."""
    kept, status = judgements_of(call), await call.service.status()
    found = await asyncio.to_thread(lambda: kept.all() if title is None else [*kept.of_title(title).values()])
    if format == "json":
        values = [one.to_dict() for one in found]
        return json_response({"judgements": values, "versions": status.to_dict()["versions"]})
    file = StringIO()
    write = {"csv": write_csv, "qrels": write_qrels, "titles": write_titles}[format]
    write(file, found)
    kind = "text/plain" if format == "qrels" else "text/csv"
    name = {"csv": "judgements.csv", "qrels": "judgements.qrels", "titles": "titles.csv"}[format]
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(file.getvalue().encode(), headers=headers, media_type=f"{kind}; charset=utf-8")


@router.get("/next", response_model=answers.UnsureList)
async def following(call: Judge) -> Response:
    """Titles whose judgements would teach most: those whose ranking is least sure."""
    status = await call.service.status()
    titles = [{"title": title, "unsureness": share} for title, share in await teaching_titles(call)]
    return json_response({"titles": titles, "versions": status.to_dict()["versions"]})


async def judge(call: Call, body: JudgementBody) -> Judgement:
    """Keep a judgement of a skill that the index has.

    Raises:
        QueryError: the title is empty, or the URI is not that of a skill.
        StoreError: it cannot be kept.
    """
    kept, status = judgements_of(call), await call.service.status()
    concept = await call.run(lambda: call.service.searches.concept(body.uri, limit=1))
    if concept.space != "skills":
        raise QueryError("uri: that of an occupation, expected that of a skill")
    judgement = await asyncio.to_thread(
        kept.add, body.title, concept.uri, concept.label, body.grade, call.caller.name, status.versions
    )
    call.service.metrics.judged()
    return judgement


async def teaching_titles(call: Call) -> list[tuple[str, float]]:
    """Titles that nobody has judged, the least sure first."""
    kept, searches = judgements_of(call), call.service.searches

    def find() -> list[tuple[str, float]]:
        return least_sure(searches.client, {one.title for one in kept.all()})

    return await call.run(lambda: searches.run(find), timeout=call.service.settings.batch_timeout)


def judgements_of(call: Call) -> Judgements:
    """The judgements of a service that takes some.

    Raises:
        Problem: it takes none.
    """
    if call.service.judgements is None:
        raise Problem(403, "this service takes no judgements (SKILLSEARCH_SERVE_JUDGING)", kind="judging")
    return call.service.judgements


def _none(number: int) -> Problem:
    return Problem(404, f"there is no judgement {number} of yours", kind="judgement")
