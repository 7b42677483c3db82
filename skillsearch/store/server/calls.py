"""Calls to the server: passing faults are waited for, and the rest become errors of ours."""

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from importlib.metadata import version
from typing import Concatenate, Final, ParamSpec, Protocol, TypeVar

import grpc
import httpx
from packaging.version import InvalidVersion, Version
from qdrant_client import QdrantClient
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_after_delay
from tenacity import wait_random_exponential as random_exponential

from skillsearch.errors import StoreError, StoreUnavailableError
from skillsearch.forks import renew_in_children
from skillsearch.store.server.address import Address

__all__ = ["JOB_PATIENCE", "OLDEST", "SEARCH_PATIENCE", "Caller", "Connection", "translated"]

OLDEST: Final = Version("1.16.0")
"""The first version of the server whose collections have metadata, and that updates conditionally."""

SEARCH_PATIENCE: Final = 5.0
JOB_PATIENCE: Final = 120.0
"""Seconds for which a search, and a job that writes, wait for a server that is away or busy."""

_BUSY = (429, 502, 503, 504)
_REFUSED = (401, 403, 404)
_PEER_IS_AWAY = (
    "Failed to connect to",
    "transport error",
    "Timeout error",
    "timed out",
    "not active",
    "enough active replicas",
    "Waiting for consensus",
)
_FIRST_WAIT: Final = 0.25
_LONGEST_WAIT: Final = 8.0
_LONGEST_REASON: Final = 300
_ANSWERS = (UnexpectedResponse, ResourceExhaustedResponse, grpc.RpcError)
"""Exceptions of the client that an answer of the server is made into."""

_GRPC_STATUS: Final = {
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
_logger = logging.getLogger(__name__)


class Connection:
    """The clients of a server by its addresses, which are tried in turn, and how long it is waited for."""

    def __init__(
        self,
        addresses: Sequence[Address] = (),
        *,
        client: QdrantClient | None = None,
        attempts: int | None = None,
        patience: float | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            addresses: of the server, one or more.
            client: in place of addresses, such as ``QdrantClient(":memory:")``.
            attempts: how often a call is tried at most.
            patience: seconds for which it is tried; by default `SEARCH_PATIENCE`, or `JOB_PATIENCE`.
        """
        self._addresses = tuple(addresses)
        self._given = client
        self._attempts = attempts
        self._patience = patience
        self._is_job = False
        self._is_known = False
        self._is_away = False
        self._at = 0
        self._clients: dict[int, QdrantClient] = {}
        self._bulk: dict[int, QdrantClient | None] = {}
        self.server_version: Version | None = None
        for address in self._addresses:
            address.warn_of_open_key()
        renew_in_children(self)

    def __str__(self) -> str:
        if not self._addresses:
            return "the Qdrant server"
        return f"the Qdrant server at {self._addresses[self._at].url}"

    @property
    def client(self) -> QdrantClient:
        """The client of the present address."""
        if self._given is not None:
            return self._given
        if self._at not in self._clients:
            self._clients[self._at] = self._addresses[self._at].connect()
        return self._clients[self._at]

    @property
    def bulk(self) -> QdrantClient | None:
        """A client over gRPC for many points, where that answers."""
        if self._given is not None:
            return None
        if self._at not in self._bulk:
            self._bulk[self._at] = self._addresses[self._at].connect_bulk()
        return self._bulk[self._at]

    @property
    def timeout(self) -> float:
        """Seconds for one request over gRPC."""
        return self._addresses[self._at].timeout

    @property
    def has_key(self) -> bool:
        """Whether an API key is set."""
        return any(address.api_key for address in self._addresses)

    @property
    def is_local(self) -> bool:
        """Whether there is a client in memory in place of a server."""
        return not self._addresses

    @property
    def patience(self) -> float:
        """Seconds for which the server is waited for."""
        if self._patience is not None:
            return self._patience
        return JOB_PATIENCE if self._is_job else SEARCH_PATIENCE

    @contextmanager
    def job(self) -> Iterator[None]:
        """Wait for the server as long as a job does."""
        before, self._is_job = self._is_job, True
        try:
            yield
        finally:
            self._is_job = before

    def renew(self) -> None:
        """Have a forked child make clients of its own, which cannot share sockets with its parent's."""
        self._clients, self._bulk = {}, {}

    def close(self) -> None:
        """Close all clients."""
        clients = [*self._clients.values(), *filter(None, self._bulk.values())]
        for client in [*clients, *([self._given] if self._given else [])]:
            client.close()
        self.renew()

    def tried(self, call: Callable[[], "_Result"]) -> "_Result":
        """The result of a call, tried again while the server is away or busy.

        Other addresses are tried at once; when all failed, the waits are random between 0 and twice the
        last bound (exponential backoff with full jitter).
        """
        addresses = max(1, len(self._addresses))
        backoff = random_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT)

        def wait(state: RetryCallState) -> float:
            return 0.0 if state.attempt_number % addresses else float(backoff(state))

        def next_address(state: RetryCallState) -> None:
            if state.attempt_number == addresses and not self._is_away:
                self._is_away = True
                _logger.warning("%s does not answer: waiting for it, up to %.0f s", self, self.patience)
            self._at = (self._at + 1) % addresses

        def answered() -> "_Result":
            result = call()
            self._is_away = False
            return result

        stop = stop_after_delay(self.patience)
        return Retrying(
            stop=stop if self._attempts is None else stop | stop_after_attempt(self._attempts),
            wait=wait,
            retry=retry_if_exception(_is_passing),
            before_sleep=next_address,
            reraise=True,
        )(answered)

    def require_version(self) -> None:
        """Ask the server once for its version.

        Raises:
            StoreError: it is too old or too new.
        """
        if self._is_known:
            return
        try:
            found = Version(self.tried(lambda: self.client.info().version))
            self.server_version = found
        except (UnexpectedResponse, InvalidVersion):  # such as a proxy that does not forward the root
            found = OLDEST
        client = Version(version("qdrant-client"))
        if found < OLDEST:
            raise StoreError(f"{self} has version {found}, expected {OLDEST} or newer: update the server")
        if found.major > client.major:
            raise StoreError(
                f"{self} has version {found}, and qdrant-client {client} knows {client.major}.x: update "
                "skillsearch, or run an older server"
            )
        self._is_known = True


class Caller(Protocol):
    """An object with methods that call the server."""

    connection: Connection


_Self = TypeVar("_Self", bound=Caller)
_Params = ParamSpec("_Params")
_Result = TypeVar("_Result")


def translated(
    method: Callable[Concatenate[_Self, _Params], _Result],
) -> Callable[Concatenate[_Self, _Params], _Result]:
    """Try a method again while the server is away or busy, then turn the client's exceptions into ours.

    The method has to be one that does no harm when it is called twice: an answer may get lost after the
    server did what was asked.
    """

    @wraps(method)
    def call(self: _Self, /, *args: _Params.args, **kwargs: _Params.kwargs) -> _Result:
        begun = time.monotonic()
        try:
            self.connection.require_version()
            return self.connection.tried(lambda: method(self, *args, **kwargs))
        except _ANSWERS as error:
            raise _refusal(self.connection, error) from error
        except (ApiException, httpx.HTTPError, ValueError, AssertionError) as error:
            if _is_passing(error):
                waited = time.monotonic() - begun
                raise StoreUnavailableError(
                    f"{self.connection} does not answer ({error}), tried for {waited:.0f} s: is it running, "
                    "and is SKILLSEARCH_QDRANT_URL right?"
                ) from error
            first = str(error).partition("\n")[0]  # not JSON, or not of its form, or refused by the client
            raise StoreError(f"an answer of {self.connection} cannot be used: {first}") from error

    return call


def _refusal(connection: Connection, error: Exception) -> StoreError:
    status, reason = _answer(error)
    if status == 401:
        return StoreUnavailableError(
            f"{connection} refuses the API key: {reason}; set SKILLSEARCH_QDRANT_API_KEY"
            if connection.has_key
            else f"{connection} wants an API key: set SKILLSEARCH_QDRANT_API_KEY"
        )
    if status == 403:
        return StoreUnavailableError(
            f"{connection} does not allow this with the API key that is set: {reason}; a search needs a key "
            "that may read PREFIX__skills and PREFIX__occupations, a reindex one that may manage the server"
        )
    kind = StoreUnavailableError if _is_passing(error) else StoreError
    return kind(f"{connection} answered {status}: {reason}")


def _answer(error: Exception) -> tuple[int, str]:
    """The HTTP status of an answer, and what it says."""
    if isinstance(error, ResourceExhaustedResponse):
        return 429, str(error)
    if isinstance(error, UnexpectedResponse):
        return error.status_code or 0, _reason(error.content)
    code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
    details = error.details() if isinstance(error, grpc.Call) else str(error)
    return _GRPC_STATUS.get(code, 400), (details or code.name)[:_LONGEST_REASON]


def _reason(content: bytes) -> str:
    """The server's own words in an answer, or what a proxy says in its place."""
    try:
        return str(json.loads(content)["status"]["error"])
    except (ValueError, TypeError, KeyError):
        return content.decode(errors="replace")[:_LONGEST_REASON]


def _is_passing(error: BaseException) -> bool:
    """Whether the server may answer the same call a moment later."""
    if isinstance(error, _ANSWERS):
        status, reason = _answer(error)
        return status in _BUSY or (status not in _REFUSED and any(sign in reason for sign in _PEER_IS_AWAY))
    if isinstance(error, ResponseHandlingException):
        return isinstance(error.source, httpx.HTTPError)
    return isinstance(error, httpx.HTTPError)
