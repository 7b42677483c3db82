"""The gate that every request passes: its id, where it may come from, its body, its log line, its metrics."""

import asyncio
import ipaddress
import json
import logging
import re
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skillsearch.http.metrics import Metrics
from skillsearch.http.problems import Problem, respond
from skillsearch.http.settings import ServiceSettings

__all__ = ["ACCESS", "Gate"]

ACCESS: Final = logging.getLogger("skillsearch.http.access")
"""One JSON object a request: never a key, a title or a text."""

_REQUEST_ID: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_METHODS: Final = (*_SAFE, "POST", "PUT", "PATCH", "DELETE")

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}
"""Nothing but this service's own files is ever loaded, and no page frames it."""


@dataclass
class _Passage:
    """One request on its way through."""

    request_id: str
    begun: float = field(default_factory=time.perf_counter)
    status: int = 500
    sent: int = 0
    started: bool = False


class Gate:
    """An ASGI application around another one."""

    def __init__(
        self, app: ASGIApp, *, settings: ServiceSettings, metrics: Metrics, open_names: bool
    ) -> None:
        """Put a gate before an application.

        Args:
            app: that is behind it.
            settings: the limits, and whose pages may call.
            metrics: that requests are counted in.
            open_names: whether a request may name any host, where the settings name none.
        """
        self._app, self._settings, self._metrics = app, settings, metrics
        self._origins = _listed(settings.cors)
        self._names = _listed(settings.names) or (None if open_names else frozenset())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or turn it away."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        passage = _Passage(given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8))
        scope.setdefault("state", {}).update(request_id=passage.request_id, begun=passage.begun)

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                passage.started, passage.status = True, message["status"]
                answer = MutableHeaders(scope=message)
                answer["X-Request-ID"] = passage.request_id
                for name, value in _HEADERS.items():
                    answer.setdefault(name, value)
            elif message["type"] == "http.response.body":
                passage.sent += len(message.get("body", b""))
            await send(message)

        self._metrics.began()
        try:
            if problem := self._refusal(scope["method"], headers):
                await respond(problem, passage.request_id)(scope, receive, tell)
            else:
                await self._app(scope, self._limited(receive, scope["method"]), tell)
        except Exception:
            logging.getLogger(__name__).exception("request %s failed", passage.request_id)
            if not passage.started:
                problem = Problem(500, "the service has a fault, which its log tells", kind="fault")
                await respond(problem, passage.request_id)(scope, receive, tell)
        finally:
            self._log(scope, passage)

    def _refusal(self, method: str, headers: Headers) -> Problem | None:
        """Why a request does not get in: its host, its origin, or the size of its body."""
        if self._names is not None and not _is_named(headers.get("host", ""), self._names):
            return Problem(
                403,
                "the request names a host that is not this service's (SKILLSEARCH_SERVE_NAMES)",
                kind="host",
            )
        if method not in _SAFE and not self._is_own(headers):
            return Problem(403, "a page of another site may not do this", kind="origin")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > self._settings.max_body:
            return self._too_large()
        return None

    def _is_own(self, headers: Headers) -> bool:
        """Whether what a browser says of a request's origin is this service, or one that is allowed."""
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        return origin in self._origins or urlsplit(origin).netloc == headers.get("host", "")

    def _limited(self, receive: Receive, method: str) -> Receive:
        """Receive a body that is not too long, and arrives in time."""
        received, complete = 0, method in _SAFE
        deadline = time.monotonic() + self._settings.body_timeout

        async def limited() -> Message:
            nonlocal received, complete
            if complete:
                return await receive()
            try:
                async with asyncio.timeout(max(deadline - time.monotonic(), 0)):
                    message = await receive()
            except TimeoutError:
                seconds = self._settings.body_timeout
                raise Problem(
                    408, f"the body did not arrive within {seconds:g} seconds", kind="slow"
                ) from None
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                complete = not message.get("more_body", False)
                if received > self._settings.max_body:
                    raise self._too_large()
            return message

        return limited

    def _too_large(self) -> Problem:
        most = self._settings.max_body
        return Problem(413, f"a body has at most {most:,} bytes (SKILLSEARCH_SERVE_MAX_BODY)", kind="size")

    def _log(self, scope: Scope, passage: _Passage) -> None:
        seconds = time.perf_counter() - passage.begun
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        route = getattr(scope.get("route"), "path", "") or "none"
        self._metrics.ended(method, route, passage.status, seconds)
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "request_id": passage.request_id,
            "method": method,
            "route": route,
            "status": passage.status,
            "ms": round(seconds * 1000, 1),
            "bytes": passage.sent,
            "client": (scope.get("client") or ("",))[0],
            "key": scope["state"].get("caller", ""),
        }
        ACCESS.info("%s", json.dumps(line))


def _listed(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _is_named(host: str, names: Collection[str]) -> bool:
    """Whether a Host header names this machine, or one of some names; a page elsewhere cannot pretend to."""
    name = urlsplit(f"//{host}").hostname if host.isprintable() else None
    if name is None:
        return False
    if name in names or name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
