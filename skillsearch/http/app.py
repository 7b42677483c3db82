"""The application: the API, the page, health and metrics, behind one gate."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from skillsearch.aio import AsyncSkillSearch
from skillsearch.client import SkillSearch
from skillsearch.errors import ConfigurationError, SkillSearchError
from skillsearch.http import answers, api, judging, judging_page, page
from skillsearch.http.call import Read, Service, json_response
from skillsearch.http.gate import Gate
from skillsearch.http.keys import Keys
from skillsearch.http.metrics import MEDIA_TYPE, Metrics
from skillsearch.http.problems import Problem, problem_of, respond, validation_problem
from skillsearch.http.settings import ServiceSettings, load_service_settings
from skillsearch.http.warm import kept_warm
from skillsearch.judgements import Judgements
from skillsearch.settings import load_settings

__all__ = ["create_app", "description", "from_environment", "load_keys"]

_logger = logging.getLogger(__name__)


def from_environment() -> FastAPI:
    """The application with all settings from the environment, as each of several workers makes it.

    Raises:
        SkillSearchError: the settings are wrong, or the index cannot be opened.
    """
    settings = load_service_settings()
    return create_app(SkillSearch.open(load_settings()), settings, load_keys(settings))


def load_keys(settings: ServiceSettings) -> Keys:
    """The keys of the settings.

    Raises:
        ConfigurationError: they cannot be read, or there are none and others can reach the service.
    """
    lines = settings.keys.get_secret_value() if settings.keys else None
    keys = Keys.load(settings.keys_file, lines)
    if not keys and not settings.is_local:
        raise ConfigurationError(
            f"{settings.host} can be reached from elsewhere, and there are no keys: name a file of keys with "
            "SKILLSEARCH_SERVE_KEYS_FILE, which `skillsearch serve --new-key judge:NAME` makes a line of, or "
            "listen at 127.0.0.1"
        )
    return keys


def create_app(client: SkillSearch, settings: ServiceSettings, keys: Keys) -> FastAPI:
    """The application over a client, which is closed with it."""
    metrics = Metrics()
    judgements = Judgements(client.home) if settings.judging else None
    searches = AsyncSkillSearch(client, concurrency=settings.concurrency)
    service = Service(searches, settings, keys, judgements, metrics)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with kept_warm(service):
            yield
        await searches.close()

    app = _application(lifespan)
    app.state.service = service
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    if settings.cors:
        origins = [origin.strip() for origin in settings.cors.split(",")]
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-ID", "If-None-Match"],
            expose_headers=["ETag", "X-Request-ID"],
        )
    app.add_middleware(Gate, settings=settings, metrics=metrics, open_names=bool(keys))
    return app


def description() -> dict[str, Any]:
    """The OpenAPI description, without a service."""
    return _application().openapi()


def _application(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None) -> FastAPI:
    """All routes, and how their errors are told."""
    app = FastAPI(
        title="skillsearch",
        version=version("skillsearch"),
        description="Skills and occupations of a taxonomy such as ESCO, for titles, adverts and words.",
        lifespan=lifespan,
        docs_url=None,  # it would load scripts from elsewhere
        redoc_url=None,
    )
    for router in (judging.router, api.router, page.router, judging_page.router):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=page.FOLDER / "static"), name="static")
    app.add_api_route("/healthz", _health, tags=["operate"], response_model=answers.Health)
    app.add_api_route(
        "/readyz", _ready, tags=["operate"], response_model=answers.Health, responses={503: api.PROBLEMS[503]}
    )
    app.add_api_route(
        "/metrics",
        _metrics,
        tags=["operate"],
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, 401: api.PROBLEMS[401]},
    )
    app.add_exception_handler(SkillSearchError, _tell_error)
    app.add_exception_handler(RequestValidationError, _tell_invalid)
    app.add_exception_handler(HTTPException, _tell_http)
    _describe(app)
    return app


async def _health() -> Response:
    """That the process answers."""
    return json_response({"status": "ok"})


async def _ready(request: Request) -> Response:
    """That an index is published, and the models belong to it."""
    service: Service = request.app.state.service
    await service.status()
    return json_response({"status": "ready"})


async def _metrics(call: Read) -> Response:
    """Metrics for Prometheus."""
    return Response(call.service.metrics.text(), headers={"Content-Type": MEDIA_TYPE})


def _request_id(request: Request) -> str:
    return str(request.scope["state"]["request_id"])


async def _tell_error(request: Request, error: Exception) -> Response:
    problem = problem_of(error) if isinstance(error, SkillSearchError) else Problem(500, "")
    if problem.status_code >= 500:
        _logger.error("request %s: %s", _request_id(request), error)
    return respond(problem, _request_id(request))


async def _tell_invalid(request: Request, error: Exception) -> Response:
    problem = validation_problem(error) if isinstance(error, RequestValidationError) else Problem(422, "")
    return respond(problem, _request_id(request))


async def _tell_http(request: Request, error: Exception) -> Response:
    if isinstance(error, Problem):
        return respond(error, _request_id(request))
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    details = {404: "there is no such page", 405: "this path does not take that method"}
    detail = details.get(status, "the body cannot be read")
    return respond(Problem(status, detail, headers=headers), _request_id(request))


def _describe(app: FastAPI) -> None:
    """Add what the routes do not tell to the description: how to authenticate, and what a problem is."""
    from pydantic import TypeAdapter

    make = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = make()
            parts = schema.setdefault("components", {})
            problem = TypeAdapter(answers.ProblemDetails).json_schema(
                ref_template="#/components/schemas/{model}"
            )
            parts["schemas"] |= problem.pop("$defs") | {"ProblemDetails": problem}
            parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            schema["security"] = [{"key": []}, {}]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI's documentation does
