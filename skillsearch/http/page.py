"""The page: search, adverts, concepts, comparisons, what is published; plain HTML that works by itself."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import ValidationError
from starlette.responses import HTMLResponse, RedirectResponse, Response

from skillsearch.errors import SkillSearchError
from skillsearch.http.api import search
from skillsearch.http.bodies import FiltersBody, SearchBody
from skillsearch.http.call import Call, Read
from skillsearch.http.marks import marked
from skillsearch.http.problems import Problem, problem_of
from skillsearch.http.why import reasons
from skillsearch.judgements import Judgement

__all__ = ["FOLDER", "render", "router", "told"]

FOLDER: Final = Path(__file__).parent
_LIMIT: Final = 20
_TITLE: Final = 150  # characters; more is an advert

router = APIRouter(include_in_schema=False)

_templates: Final = Environment(
    loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined
)

Text = Annotated[str, Query()]
Values = tuple[str, ...]


@router.get("/")
async def home(
    call: Read,
    q: Text = "",
    types: Annotated[Values, Query(alias="type")] = (),
    collections: Annotated[Values, Query(alias="collection")] = (),
    cursor: Text = "",
) -> Response:
    """Skills for a title; a text that is longer than a title is read as an advert."""
    if len(q) > _TITLE or "\n" in q:
        return RedirectResponse(f"/advert?{urlencode({'text': q})}", 303)
    values: dict[str, Any] = {"q": q, "types": types, "collections": collections, "result": None}
    status = await call.service.status()
    values["status"] = status
    if not q.strip():
        return render(call, "search.html", values)
    try:
        body = SearchBody(
            title=q,
            limit=_LIMIT,
            cursor=cursor or None,
            filters=FiltersBody(types=[*types], collections=[*collections]),
        )
        result, following, _ = await search(call, body)
        searches = call.service.searches
        jobs = await call.run(lambda: searches.normalize_title(q, limit=1))
        job = jobs.hits[0] if jobs.recognised and jobs.hits else None
        values |= {
            "result": result,
            "job": job,
            "judged": await _judged(call, q),
            "why": {hit.uri: reasons(hit, q, job) for hit in result},
            "next": following and _url("/", q=q, type=types, collection=collections, cursor=following),
        }
    except (SkillSearchError, Problem, ValidationError) as error:
        return told(call, "search.html", values, error)
    return render(call, "search.html", values)


@router.get("/advert")
async def advert(call: Read, text: Text = "") -> Response:
    """The skills of an advert, which is shown with its places marked."""
    return await _advert(call, text)


@router.post("/advert")
async def long_advert(call: Read, request: Request) -> Response:
    """The same for a text that is too long for an address."""
    form = await request.form()
    return await _advert(call, str(form.get("text", "")))


@router.get("/compare")
async def compare(call: Read, a: Text = "", b: Text = "") -> Response:
    """Two titles beside each other."""
    values: dict[str, Any] = {"a": a, "b": b, "result": None}
    if not (a.strip() and b.strip()):
        return render(call, "compare.html", values)
    try:
        await call.service.status()
        values["result"] = await call.run(lambda: call.service.searches.compare(a, b))
    except (SkillSearchError, Problem) as error:
        return told(call, "compare.html", values, error)
    return render(call, "compare.html", values)


@router.get("/concept")
async def concept(call: Read, uri: Text = "") -> Response:
    """A skill or an occupation: its names, where it stands, and what it is linked with."""
    values: dict[str, Any] = {"concept": None, "similar": ()}
    try:
        await call.service.status()
        found = await call.run(lambda: call.service.searches.concept(uri, limit=30))
        values["concept"] = found
        if found.space == "skills":
            likes = await call.run(lambda: call.service.searches.similar(found.uri, limit=10))
            values["similar"] = likes.hits
    except (SkillSearchError, Problem) as error:
        return told(call, "concept.html", values, error)
    return render(call, "concept.html", values)


@router.get("/published")
async def published(call: Read) -> Response:
    """What is published, and what answers."""
    return render(call, "published.html", {"status": await call.service.status()})


async def _advert(call: Call, text: str) -> Response:
    values: dict[str, Any] = {"text": text, "result": None}
    if not text.strip():
        return render(call, "advert.html", values)
    try:
        await call.service.status()
        result = await call.run(lambda: call.service.searches.extract(text))
        values |= {"result": result, "parts": marked(text, result.skills)}
    except (SkillSearchError, Problem) as error:
        return told(call, "advert.html", values, error)
    return render(call, "advert.html", values)


async def _judged(call: Call, title: str) -> dict[str, Judgement]:
    kept = call.service.judgements
    if kept is None or not call.caller.may_judge:
        return {}
    return await asyncio.to_thread(kept.of_title, title)


def render(call: Call, template: str, values: dict[str, Any], status: int = 200) -> Response:
    """A page of a template."""
    judging = call.service.judgements is not None and call.caller.may_judge
    common = {"path": call.request.url.path, "judging": judging, "problem": None, "here": _here(call.request)}
    html = _templates.get_template(template).render(common | values)
    headers = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
    return HTMLResponse(html.encode("utf-8", "replace"), status, headers)


def told(call: Call, template: str, values: dict[str, Any], error: Exception) -> Response:
    """The page of a template with what went wrong."""
    if isinstance(error, SkillSearchError):
        problem = problem_of(error)
    else:
        problem = error if isinstance(error, Problem) else Problem(422, "this text cannot be used")
    return render(call, template, values | {"problem": problem.detail}, problem.status_code)


def _here(request: Request) -> str:
    """The address of this page within the service, to come back to."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _url(path: str, **values: str | Values) -> str:
    return f"{path}?{urlencode({name: value for name, value in values.items() if value}, doseq=True)}"
