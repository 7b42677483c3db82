"""Faults for tests: a proxy that loses requests and answers, and folders that are full or read-only."""

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit

__all__ = [
    "DROP_AFTER",
    "DROP_BEFORE",
    "HALF",
    "PASS",
    "PEER_AWAY",
    "Action",
    "FaultProxy",
    "Rule",
    "Seen",
    "delay",
    "namespaces_work",
    "on",
    "read_only_folder",
    "small_filesystem",
    "status",
]


@dataclass(frozen=True)
class Action:
    """What becomes of one request.

    Attributes:
        kind: forward it, answer it with `code`, close the connection without forwarding it, or forward
            it and close the connection without an answer, or in the middle of it.
        code: of an answer that the proxy gives itself.
        message: in that answer.
        seconds: to wait before all that.
    """

    kind: Literal["pass", "status", "drop before", "drop after", "half"] = "pass"
    code: int = 0
    message: str = "a fault of the test"
    seconds: float = 0.0


PASS = Action()
DROP_BEFORE = Action("drop before")
"""The server never sees the request."""
DROP_AFTER = Action("drop after")
"""The server does what was asked, and its answer is lost."""

HALF = Action("half")
"""The server does what was asked, and half of its answer arrives."""
PEER_AWAY = Action(
    "status", 500, "Service internal error: 1 of 1 read operations failed: Failed to connect to http://peer"
)
"""What a node of a cluster answers that cannot reach another one."""

Rule = Callable[[str, str, int], Action]
"""From the method, the path without query, and the number of the request, counted from 1."""


def status(code: int) -> Action:
    """An answer of the proxy itself, such as 503."""
    return Action("status", code)


def delay(seconds: float, then: Action = PASS) -> Action:
    """Any action, later."""
    return replace(then, seconds=then.seconds + seconds)


def on(action: Action, *, method: str = "", path: str = "", skip: int = 0, times: int | None = None) -> Rule:
    """A rule for some requests; all others pass.

    Args:
        action: for those that fit.
        method: they have, such as PUT; any by default.
        path: they contain, such as ``/points``; any by default.
        skip: how many that fit are let pass first.
        times: how many that fit meet the action after that; by default all.
    """
    lock = threading.Lock()
    fitting = 0

    def rule(found_method: str, found_path: str, _: int) -> Action:
        nonlocal fitting
        if method not in ("", found_method) or path not in found_path:
            return PASS
        with lock:
            fitting += 1
            number = fitting - skip
        return action if number > 0 and (times is None or number <= times) else PASS

    return rule


@dataclass(frozen=True)
class Seen:
    """A request that arrived, and what became of it."""

    method: str
    path: str
    action: Action


class FaultProxy:
    """An HTTP proxy on loopback before a server, whose `rule` says what becomes of each request.

    Args:
        upstream: the URL of the server.
        rule: can be set again at any time.
    """

    def __init__(self, upstream: str, rule: Rule | None = None) -> None:
        parts = urlsplit(upstream)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self.rule: Rule = rule or (lambda *_: PASS)
        self.seen: list[Seen] = []
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def count(self, method: str = "", path: str = "") -> int:
        """Requests that arrived, with this method, and this in their path."""
        with self._lock:
            return sum(method in ("", seen.method) and path in seen.path for seen in self.seen)

    def decide(self, method: str, path: str) -> Action:
        """Count a request, and ask the rule."""
        with self._lock:
            action = self.rule(method, path, len(self.seen) + 1)
            self.seen.append(Seen(method, path, action))
        return action

    def stop(self) -> None:
        """Close all connections; delays end."""
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.close_connections()
        self._server.server_close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave together
    disable_nagle_algorithm = True
    server: "_Server"

    def setup(self) -> None:
        super().setup()
        proxy = self.server.proxy
        self._upstream = http.client.HTTPConnection(proxy.host, proxy.port)

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def do_GET(self) -> None:
        proxy = self.server.proxy
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        action = proxy.decide(self.command, unquote(urlsplit(self.path).path))
        if action.seconds:
            proxy.stopping.wait(action.seconds)
        if action.kind == "status":
            answer = {"status": {"error": action.message}, "time": 0.0}
            later = [("Retry-After", "1")] if action.code == HTTPStatus.TOO_MANY_REQUESTS else []
            self._send(action.code, later, json.dumps(answer).encode())
        elif action.kind == "drop before":
            self.close_connection = True
        else:
            self._forward(body, answer=action.kind in ("pass", "half"), is_half=action.kind == "half")

    do_PUT = do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names http.server looks for

    def _forward(self, body: bytes, *, answer: bool, is_half: bool) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        try:
            self._upstream.request(self.command, self.path, body, headers)
            response = self._upstream.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):  # a server that is gone
            self._upstream.close()
            answer = False
        if answer:
            self._send(response.status, response.getheaders(), content, is_half=is_half)
        else:
            self.close_connection = True

    def _send(
        self, code: int, headers: list[tuple[str, str]], content: bytes, *, is_half: bool = False
    ) -> None:
        self.send_response_only(code)
        for name, value in headers:
            if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if is_half else content)
        self.close_connection |= is_half

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    """Knows its connections, so that it can cut them, and minds no client that is gone."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], proxy: FaultProxy) -> None:
        super().__init__(address, _Handler)
        self.proxy = proxy
        self._open: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        request, address = super().get_request()
        self._open.add(request)
        return request, address

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as the base class says
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        for request in list(self._open):
            with contextlib.suppress(OSError):  # the client was faster
                request.shutdown(socket.SHUT_RDWR)


_SMALL = """
set -e
size="$1" folder="$2" fill="$3" keep="$4" here="$PWD"
shift 4
mkdir -p "$folder"
cd "${fill:-/}"  # stays in the folder below, should this be the one that is covered
mount -t tmpfs -o "size=$size,mode=700" tmpfs "$folder"
if [ -n "$fill" ]; then cp -a . "$folder"; fi
cd "$here"
set +e
"$@"
code=$?
if [ -n "$keep" ]; then mkdir -p "$keep"; cp -a "$folder/." "$keep"; fi
exit $code
"""

_READ_ONLY = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
shift
exec "$@"
"""


def small_filesystem(
    folder: Path,
    size: str,
    command: str | Sequence[str],
    *arguments: object,
    fill: Path | None = None,
    keep: Path | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run a command that finds a small file system of its own in a folder; nobody else sees it.

    Args:
        folder: where it is mounted; made if it is not there.
        size: of the file system, such as ``4m``.
        command: Python code, or a program with its arguments.
        arguments: more of them, of either.
        fill: a folder whose content it starts with; it may be the same as `folder`.
        keep: a folder outside it that gets a copy of the content that is left at the end.
        timeout: seconds.
    """
    words = (size, folder, fill or "", keep or "")
    return _in_namespace(_SMALL, words, command, arguments, timeout)


def read_only_folder(
    folder: Path, command: str | Sequence[str], *arguments: object, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a command that cannot write in a folder, not even as root; others can.

    Args:
        folder: that it can only read.
        command: Python code, or a program with its arguments.
        arguments: more of them, of either.
        timeout: seconds.
    """
    return _in_namespace(_READ_ONLY, (folder,), command, arguments, timeout)


@cache
def namespaces_work() -> bool:
    """Whether this machine lets a test mount file systems in a namespace of its own."""
    if shutil.which("unshare") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        small = small_filesystem(Path(folder) / "small", "1m", ["true"], timeout=20)
        fixed = read_only_folder(Path(folder), ["true"], timeout=20)
    return small.returncode == fixed.returncode == 0


def _in_namespace(
    script: str,
    words: Sequence[object],
    command: str | Sequence[str],
    arguments: Sequence[object],
    timeout: float,
) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", command] if isinstance(command, str) else list(command)
    given = [str(word) for word in (*words, *program, *arguments)]
    return subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", *given],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
