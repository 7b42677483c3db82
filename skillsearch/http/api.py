"""The API: one endpoint a task, with the arguments of the client's methods and its results."""

from importlib.metadata import version
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from pydantic import StringConstraints
from starlette.responses import Response

import skillsearch.tasks as tasks
from skillsearch.http import answers, bodies
from skillsearch.http.budget import Step
from skillsearch.http.call import Call, Read, json_response
from skillsearch.http.problems import MEDIA_TYPE
from skillsearch.results import Found, OccupationMatch, SearchResult, SkillMatch, Status
from skillsearch.store.base import Space

__all__ = ["PROBLEMS", "router", "search"]

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {
        "description": "A problem.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
    }
    for status in (400, 401, 403, 408, 413, 415, 422, 500, 503, 504)
}
"""What any endpoint may answer beside what it is for."""

router = APIRouter(prefix="/v1", responses=PROBLEMS)

Uri = Annotated[str, Path(description="Of a skill or an occupation, percent-encoded.", min_length=1)]
Prefix = Annotated[str, StringConstraints(max_length=1000), Query(description="What has been typed.")]
Limit = Annotated[int, Query(ge=1, le=500)]


@router.post("/skills/search", tags=["search"], response_model=answers.SearchPage)
async def search_skills(body: bodies.SearchBody, call: Read) -> Response:
    """The skills that a job asks for, by its title."""
    result, following, degraded = await search(call, body)
    return json_response(result.to_dict() | {"next": following, "degraded": degraded})


@router.post("/skills/search/batch", tags=["batch"], response_model=answers.Batch[SearchResult])
async def search_many(body: bodies.SearchBatch, call: Read) -> Response:
    """The skills for each of many titles."""
    return await call.batch(tasks.TITLE_TO_SKILLS, body, limit=body.limit, **body.ranking())


@router.post("/titles/search", tags=["search"], response_model=answers.OccupationPage)
async def search_titles(body: bodies.TitlesBody, call: Read) -> Response:
    """The occupations that need a skill."""
    step = await _step(call, body.budget_ms, body.rerank, None)
    rerank = body.rerank and step.depth != 0
    result, following = await call.paged(
        body,
        lambda limit: call.service.searches.titles_for(body.skill, limit=limit, rerank=rerank),
    )
    return json_response(
        result.to_dict() | {"next": following, "degraded": None if rerank == body.rerank else step.degraded}
    )


@router.post("/titles/search/batch", tags=["batch"], response_model=answers.Batch[Found[OccupationMatch]])
async def search_many_titles(body: bodies.TitlesBatch, call: Read) -> Response:
    """The occupations for each of many skills."""
    return await call.batch(tasks.SKILL_TO_TITLES, body, limit=body.limit, rerank=body.rerank)


@router.post("/skills/similar", tags=["search"], response_model=answers.SkillPage)
async def similar_skills(body: bodies.SimilarBody, call: Read) -> Response:
    """The skills that are like one."""
    result, following = await call.paged(
        body,
        lambda limit: call.service.searches.similar(body.skill, limit=limit, **body.options()),
    )
    return json_response(result.to_dict() | {"next": following})


@router.post("/skills/similar/batch", tags=["batch"], response_model=answers.Batch[Found[SkillMatch]])
async def similar_many(body: bodies.SimilarBatch, call: Read) -> Response:
    """The skills that are like each of many."""
    return await call.batch(tasks.SIMILAR_SKILLS, body, limit=body.limit, **body.options())


@router.post("/text/extract", tags=["search"], response_model=tasks.Extraction)
async def extract(body: bodies.ExtractBody, call: Read) -> Response:
    """The skills of an advert, with their places."""
    await call.service.status()
    result = await call.run(
        lambda: call.service.searches.extract(body.text, model=body.model, threshold=body.threshold)
    )
    call.service.metrics.answered(result.timings)
    return json_response(result.to_dict())


@router.post("/text/extract/batch", tags=["batch"], response_model=answers.Batch[tasks.Extraction])
async def extract_many(body: bodies.ExtractBatch, call: Read) -> Response:
    """The skills of each of many adverts."""
    return await call.batch(tasks.TEXT_TO_SKILLS, body, model=body.model, threshold=body.threshold)


@router.post("/normalize/skills", tags=["batch"], response_model=answers.Batch[Found[SkillMatch]])
async def normalize_skills(body: bodies.NormalizeSkills, call: Read) -> Response:
    """What the taxonomy calls skills in anybody's words."""
    return await call.batch(tasks.NORMALIZE_SKILL, body, limit=body.limit, **body.options())


@router.post("/normalize/titles", tags=["batch"], response_model=answers.Batch[Found[OccupationMatch]])
async def normalize_titles(body: bodies.NormalizeTitles, call: Read) -> Response:
    """What the taxonomy calls jobs, with their ISCO-08 codes."""
    return await call.batch(tasks.NORMALIZE_TITLE, body, limit=body.limit)


@router.post("/compare", tags=["search"], response_model=tasks.Comparison)
async def compare(body: bodies.CompareBody, call: Read) -> Response:
    """What two titles, or a profile of skills and a title, share, and what is missing."""
    call.within(body.limit)
    await call.service.status()
    result = await call.run(lambda: call.service.searches.compare(body.a, body.b, limit=body.limit))
    call.service.metrics.answered(result.timings)
    return json_response(result.to_dict())


@router.post("/compare/batch", tags=["batch"], response_model=answers.Batch[tasks.Comparison])
async def compare_many(body: bodies.CompareBatch, call: Read) -> Response:
    """Many comparisons."""
    return await call.batch(tasks.COMPARE, body, limit=body.limit)


@router.get("/suggest", tags=["look up"], response_model=answers.SuggestionList)
async def suggest(call: Read, prefix: Prefix, limit: Limit = 10, space: Space | None = None) -> Response:
    """Names that begin as somebody types."""

    async def make(status: Status) -> Response:
        found = await call.run(lambda: call.service.searches.suggest(prefix, limit=limit, space=space))
        return json_response(found.to_dict() | {"versions": status.to_dict()["versions"]})

    return await call.fresh(make)


@router.post("/suggest", tags=["look up"], response_model=answers.SuggestionList)
async def suggest_by_body(body: bodies.SuggestBody, call: Read) -> Response:
    """Names that begin as somebody types."""
    call.within(body.limit)
    status = await call.service.status()
    found = await call.run(
        lambda: call.service.searches.suggest(body.prefix, limit=body.limit, space=body.space)
    )
    return json_response(found.to_dict() | {"versions": status.to_dict()["versions"]})


@router.get(
    "/concepts/{uri:path}",
    tags=["look up"],
    response_model=tasks.Concept,
    responses={404: PROBLEMS[422]},
)
async def concept(call: Read, uri: Uri, limit: Limit = 50) -> Response:
    """All that is known of a skill or an occupation."""

    async def make(_: Status) -> Response:
        found = await call.run(lambda: call.service.searches.concept(uri, limit=limit))
        return json_response(found.to_dict())

    return await call.fresh(make)


@router.get("/taxonomies", tags=["look up"], response_model=answers.TaxonomyList)
async def taxonomies(call: Read) -> Response:
    """The taxonomies that are published."""

    async def make(status: Status) -> Response:
        values = status.to_dict()
        names = ("taxonomy", "version", "language", "skills", "occupations")
        parts = [{name: part[name] for name in names} for part in values["build"]["parts"]]
        return json_response({"taxonomies": parts, "versions": values["versions"]})

    return await call.fresh(make)


@router.get("/status", tags=["look up"], response_model=answers.StatusAnswer)
async def status(call: Read) -> Response:
    """What is published, and what answers."""

    async def make(status: Status) -> Response:
        judging = call.service.judgements is not None and call.caller.may_judge
        return json_response(status.to_dict() | {"program": version("skillsearch"), "judging": judging})

    return await call.fresh(make)


async def search(call: Call, body: bodies.SearchBody) -> tuple[SearchResult, str | None, str | None]:
    """A page of a search within its budget: the result, the next cursor, and what was left out."""
    step = await _step(call, body.budget_ms, body.rerank, body.depth)
    options = body.ranking()
    if step.depth is not None:
        options["depth"] = step.depth or None
        if step.depth == 0:
            options |= {"rerank": False, "alpha": None, "min_probability": None}
    result, following = await call.paged(
        body, lambda limit: call.service.searches.search(body.title, limit=limit, **options)
    )
    call.service.pace.learn(result.timings, await _reranked(call, result.depth if result.rerank else None))
    if step.degraded:
        call.service.metrics.stepped_down()
    return result, following, step.degraded


async def _step(call: Call, budget: float | None, rerank: object, depth: int | None) -> Step:
    if budget is None or rerank is False:
        return Step()
    wanted = depth or call.service.searches.client.depth
    return call.service.pace.step(budget, await _reranked(call, wanted), call.begun)


async def _reranked(call: Call, depth: int | None) -> int | None:
    """How many candidates a depth means, where the index has fewer."""
    return depth and min(depth, (await call.service.status()).build.skills)
