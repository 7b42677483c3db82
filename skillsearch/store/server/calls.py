"""Calls to the server: transient failures are tried again, and the rest become errors of ours."""

from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from typing import Concatenate, Final, ParamSpec, Protocol, TypeVar

import httpx
from packaging.version import InvalidVersion, Version
from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from skillsearch.errors import StoreError, StoreUnavailableError
from skillsearch.forks import renew_in_children

__all__ = ["OLDEST", "Caller", "Connection", "translated"]

OLDEST: Final = Version("1.16.0")
"""The first version of the server whose collections have metadata."""

_BUSY = (429, 502, 503, 504)
_FIRST_WAIT = 0.25
_LONGEST_WAIT = 8.0


class Connection:
    """A client, made anew in a forked child, and how often a call is tried in all."""

    def __init__(
        self,
        client: QdrantClient,
        attempts: int = 1,
        *,
        address: str = "",
        connect: Callable[[], QdrantClient] | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            client: of the server.
            attempts: how often a call is tried in all.
            address: of the server, in messages.
            connect: makes another client, for a forked child, which cannot share sockets with its parent.
        """
        self._client: QdrantClient | None = client
        self._connect = connect
        self._name = f"the Qdrant server at {address}" if address else "the Qdrant server"
        self._is_known = False
        self.retrying = Retrying(
            stop=stop_after_attempt(attempts),
            wait=wait_random_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT),  # seconds
            retry=retry_if_exception(_is_transient),
            reraise=True,
        )
        if connect is not None:
            renew_in_children(self)

    def __str__(self) -> str:
        return self._name

    @property
    def client(self) -> QdrantClient:
        """The client of this process."""
        if self._client is None and self._connect is not None:
            self._client = self._connect()
        assert self._client is not None  # noqa: S101 - there is one, or a way to make one
        return self._client

    def renew(self) -> None:
        """Have the client made anew once it is used."""
        self._client = None

    def require_version(self) -> None:
        """Ask the server once for its version.

        Raises:
            StoreError: it is too old or too new.
        """
        if self._is_known:
            return
        try:
            found = Version(self.retrying(lambda: self.client.info().version))
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

    Waits are random between 0 and twice the last bound (exponential backoff with full jitter). The
    method has to be one that does no harm when it is called twice: an answer may get lost after the
    server did what was asked.
    """

    @wraps(method)
    def call(self: _Self, /, *args: _Params.args, **kwargs: _Params.kwargs) -> _Result:
        try:
            self.connection.require_version()
            return self.connection.retrying(method, self, *args, **kwargs)
        except UnexpectedResponse as error:
            reason = error.content.decode(errors="replace")[:300]
            if error.status_code in (401, 403):
                raise StoreUnavailableError(
                    f"{self.connection} refuses the API key: set SKILLSEARCH_QDRANT_API_KEY"
                ) from error
            kind = StoreUnavailableError if error.status_code in _BUSY else StoreError
            raise kind(f"{self.connection} answered {error.status_code}: {reason}") from error
        except (ApiException, httpx.HTTPError, ValueError, AssertionError) as error:
            if _is_transient(error):
                raise StoreUnavailableError(
                    f"{self.connection} does not answer ({error}): is it running, and is "
                    "SKILLSEARCH_QDRANT_URL right?"
                ) from error
            first = str(error).partition("\n")[0]  # not JSON, or not of its form, or refused by the client
            raise StoreError(f"an answer of {self.connection} cannot be used: {first}") from error

    return call


def _is_transient(error: BaseException) -> bool:
    """Whether the server may answer the same call a moment later."""
    if isinstance(error, UnexpectedResponse):
        return error.status_code in _BUSY
    if isinstance(error, ResponseHandlingException):
        return isinstance(error.source, httpx.HTTPError)
    return isinstance(error, httpx.HTTPError)
