"""The part of the page that takes judgements, without JavaScript, and lists which titles teach most."""

import asyncio
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from skillsearch.errors import SkillSearchError
from skillsearch.http.bodies import JudgementBody
from skillsearch.http.call import Judge
from skillsearch.http.judging import judge, judgements_of, teaching_titles
from skillsearch.http.page import render, told
from skillsearch.http.problems import Problem

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.post("/judge")
async def give(call: Judge, request: Request) -> Response:
    """Keep a judgement, or take one back, and go back to where it was given."""
    form = {name: str(value) for name, value in (await request.form()).items()}
    kept = judgements_of(call)
    try:
        if undo := form.get("undo"):
            number = int(undo) if undo.isdecimal() and len(undo) < 19 else 0
            await asyncio.to_thread(kept.undo, number, call.caller.name)
        else:
            given = {name: form.get(name, "") for name in ("title", "uri", "grade")}
            await judge(call, JudgementBody.model_validate(given))
    except (SkillSearchError, Problem, ValidationError) as error:
        return told(call, "problem.html", {}, error)
    return RedirectResponse(_own(form.get("back", "/")), 303)


@router.get("/teach")
async def teach(call: Judge) -> Response:
    """Titles whose judgements would teach most, and what has been judged so far."""
    kept = judgements_of(call)
    status = await call.service.status()
    judged = await asyncio.to_thread(kept.all)
    values = {
        "titles": await teaching_titles(call),
        "judged": judged,
        "count": len({one.title.casefold() for one in judged}),
        "status": status,
    }
    return render(call, "teach.html", values)


def _own(address: str) -> str:
    """An address of this service; ``/`` for one of another, or one that is none."""
    parts = urlsplit(address) if address.isprintable() else None
    is_own = parts and not (parts.scheme or parts.netloc) and address.startswith("/") and address[1:2] != "/"
    return address if is_own and "\\" not in address else "/"
