"""Calls to the server: transient failures are tried again, and the rest become errors of ours."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import httpx
from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from skillsearch.errors import StoreError, StoreUnavailableError

__all__ = ["Caller", "Connection", "translated"]

_BUSY = (429, 502, 503, 504)
_FIRST_WAIT = 0.25
_LONGEST_WAIT = 8.0


class Connection:
    """A client, and how often a call is tried in all."""

    def __init__(self, client: QdrantClient, attempts: int = 1) -> None:
        self.client = client
        self.retrying = Retrying(
            stop=stop_after_attempt(attempts),
            wait=wait_random_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT),  # seconds
            retry=retry_if_exception(_is_transient),
            reraise=True,
        )


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
            return self.connection.retrying(method, self, *args, **kwargs)
        except UnexpectedResponse as error:
            reason = error.content.decode(errors="replace")[:300]
            if error.status_code in (401, 403):
                raise StoreUnavailableError(
                    "the Qdrant server refuses the API key: set SKILLSEARCH_QDRANT_API_KEY"
                ) from error
            kind = StoreUnavailableError if error.status_code in _BUSY else StoreError
            raise kind(f"the Qdrant server answered {error.status_code}: {reason}") from error
        except (ApiException, httpx.HTTPError, ValueError) as error:
            if _is_transient(error):
                raise StoreUnavailableError(
                    f"the Qdrant server does not answer ({error}): is it running at SKILLSEARCH_QDRANT_URL?"
                ) from error
            first = str(error).partition("\n")[0]  # not JSON, or not of its form, or refused by the client
            raise StoreError(f"the Qdrant server's answer cannot be used: {first}") from error

    return call


def _is_transient(error: BaseException) -> bool:
    """Whether the server may answer the same call a moment later."""
    if isinstance(error, UnexpectedResponse):
        return error.status_code in _BUSY
    if isinstance(error, ResponseHandlingException):
        return isinstance(error.source, httpx.HTTPError)
    return isinstance(error, httpx.HTTPError)
