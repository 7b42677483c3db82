"""Problem details (RFC 9457), made from the error tree; nothing else tells a caller what went wrong."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

import skillsearch.errors as errors
from skillsearch.characters import json_text, one_line
from skillsearch.errors import SkillSearchError

__all__ = ["MEDIA_TYPE", "Problem", "problem_of", "respond", "validation_problem"]

MEDIA_TYPE: Final = "application/problem+json"

_TITLES: Final[Mapping[int, str]] = {
    400: "The request cannot be read",
    401: "A key is needed",
    403: "Not allowed",
    404: "There is no such thing",
    405: "The method is not allowed",
    408: "The body did not arrive in time",
    413: "The request is too large",
    415: "The body is not JSON",
    422: "The request is not usable",
    500: "The service failed",
    503: "The service is not ready",
    504: "The answer took too long",
}

_STATUS: Final[Sequence[tuple[type[SkillSearchError], int]]] = (
    (errors.ConceptNotFoundError, 404),
    (errors.QueryError, 422),
    (errors.IndexNotFoundError, 503),
    (errors.IndexOutdatedError, 503),
    (errors.IndexNewerError, 503),
    (errors.StoreError, 503),
    (errors.ModelError, 503),
)
"""The status of an error, by the first class that it is of; 500 for others."""

_MOST: Final = 20  # faults that are listed


class Problem(HTTPException):
    """An answer that is a problem."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = "request",
        headers: Mapping[str, str] | None = None,
        faults: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(status, one_line(detail), dict(headers or {}))
        self.kind, self.faults = kind, list(faults)

    def to_dict(self, request_id: str) -> dict[str, Any]:
        """The members of the problem."""
        values: dict[str, Any] = {
            "type": f"urn:skillsearch:problem:{self.kind}",
            "title": _TITLES.get(self.status_code, "The request failed"),
            "status": self.status_code,
            "detail": self.detail,
            "request_id": request_id,
        }
        return values | ({"errors": self.faults} if self.faults else {})


def problem_of(error: SkillSearchError) -> Problem:
    """An error of the tree as a problem."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__.removesuffix("Error")).lower()
    headers = {"Retry-After": "5"} if status == 503 else {}
    return Problem(status, str(error), kind=name, headers=headers)


def validation_problem(error: RequestValidationError) -> Problem:
    """What a request has wrong: where, as JSON pointers, and what was expected; never what was found."""
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return Problem(400, "the body is not JSON that can be read", kind="json")
    faults = [
        {"pointer": "".join(f"/{_plain(part)}" for part in item["loc"][1:]), "detail": one_line(item["msg"])}
        for item in found[:_MOST]
    ]
    first = faults[0]
    where = first["pointer"] or "the body"
    return Problem(422, f"{where}: {first['detail']}", kind="query", faults=faults)


def respond(problem: Problem, request_id: str) -> Response:
    """The response that tells a problem."""
    body = json_text(problem.to_dict(request_id)).encode()
    return Response(body, problem.status_code, problem.headers, MEDIA_TYPE)


def _plain(part: object) -> str:
    """A name or a position in a JSON pointer; long ones are cut."""
    return one_line(str(part)[:80]).replace("~", "~0").replace("/", "~1")
