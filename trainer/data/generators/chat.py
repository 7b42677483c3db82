"""Texts from a language model behind an OpenAI-compatible endpoint, remote or on this machine."""

import contextlib
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Self

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from skillsearch.errors import ConfigurationError, TrainingError
from skillsearch.taxonomy.records import Skill
from trainer.data.generators.base import Kind
from trainer.data.generators.prompts import PROMPT_VERSION, SYSTEM, parse_answer, prompt
from trainer.data.generators.settings import GeneratorSettings

__all__ = ["ChatGenerator"]

_REFUSED: Final = (401, 403)
_BUSY: Final = (408, 409, 425, 429, 500, 502, 503, 504, 529)
_FIRST_WAIT = 0.5  # seconds
_SHOWN = 300  # characters of a refusal
_CACHED = "finished texts are in the cache"


class ChatGenerator:
    """Asks ``POST <url>/chat/completions`` for texts as JSON; safe to share between threads.

    A request is tried again while the endpoint is away, slow or busy (408, 409, 425, 429, 5xx); a
    ``Retry-After`` header is honoured up to the longest wait.

    Attributes:
        workers: requests that may run at a time.
        unusable: answers that were not the JSON that was asked for; they give no texts.
    """

    def __init__(self, settings: GeneratorSettings, transport: httpx.BaseTransport | None = None) -> None:
        """Make one; `transport` carries the requests in place of the network."""
        self._settings = settings
        self._address = f"{str(settings.url).rstrip('/')}/chat/completions"
        headers = {"Authorization": f"Bearer {settings.key.get_secret_value()}"} if settings.key else {}
        self._client = httpx.Client(headers=headers, timeout=settings.timeout, transport=transport)
        self._retrying = Retrying(
            stop=stop_after_attempt(settings.attempts),
            wait=self._wait,
            retry=retry_if_exception(_is_transient),
            reraise=True,
        )
        self._lock = threading.Lock()
        self._json_mode = True
        self.workers = settings.workers
        self.unusable = 0

    @property
    def name(self) -> str:
        """Endpoint, model, temperature and version of the prompts; never the key."""
        settings = self._settings
        place = f"{settings.url.host}:{settings.url.port}{settings.url.path or ''}".rstrip("/")
        return f"chat:{place}:{settings.model}:t{settings.temperature:g}:p{PROMPT_VERSION}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def generate(self, skill: Skill, kind: Kind, count: int, *, have: Sequence[str] = ()) -> list[str]:
        """One request for texts; an answer that cannot be used gives none.

        Raises:
            ConfigurationError: the key or the request is refused.
            TrainingError: the endpoint does not answer, even after all tries.
        """
        texts = parse_answer(self._complete(prompt(skill, kind, count, have)))
        if texts is None:
            with self._lock:
                self.unusable += 1
        return texts or []

    def _complete(self, question: str) -> str:
        settings = self._settings
        try:
            return self._retrying(self._post, question)
        except httpx.HTTPStatusError as error:
            raise self._refusal(error.response) from error
        except httpx.TimeoutException as error:
            raise TrainingError(
                f"{self._address} did not answer within {settings.timeout:g} s, {settings.attempts} times: "
                f"raise SKILLSEARCH_GENERATOR_TIMEOUT or try later; {_CACHED}"
            ) from error
        except httpx.HTTPError as error:
            raise TrainingError(
                f"{self._address} cannot be reached ({error}): check SKILLSEARCH_GENERATOR_URL; {_CACHED}"
            ) from error

    def _post(self, question: str) -> str:
        json_mode = self._json_mode
        body: dict[str, Any] = {
            "model": self._settings.model,
            "temperature": self._settings.temperature,
            "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}],
        }
        if json_mode:
            body["response_format"] = {"type": "json_object"}
        response = self._client.post(self._address, json=body)
        is_bad = response.status_code == httpx.codes.BAD_REQUEST
        if json_mode and is_bad and "response_format" in response.text:
            self._json_mode = False  # an endpoint without it; the prompt asks for JSON as well
            return self._post(question)
        response.raise_for_status()
        try:
            message = response.json()["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError):
            return ""  # the answer does not follow the protocol
        return message if isinstance(message, str) else ""

    def _refusal(self, response: httpx.Response) -> ConfigurationError | TrainingError:
        status, settings = response.status_code, self._settings
        if status in _REFUSED:
            # what the endpoint says is not shown: it may repeat parts of the key
            return ConfigurationError(
                f"{self._address} refuses the key ({status}): set SKILLSEARCH_GENERATOR_KEY to one that "
                f"may use {settings.model}"
            )
        reason = " ".join(response.text.split())[:_SHOWN]
        if status in _BUSY:
            tries = f"{settings.attempts} times ({reason})"
            return TrainingError(f"{self._address} answered {status} {tries}: try later; {_CACHED}")
        return ConfigurationError(
            f"{self._address} answered {status} ({reason}): check SKILLSEARCH_GENERATOR_URL and "
            f"SKILLSEARCH_GENERATOR_MODEL ({settings.model})"
        )

    def _wait(self, state: RetryCallState) -> float:
        """Seconds until the next try: those that the endpoint asks for, or exponential with jitter."""
        longest = self._settings.longest_wait
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, httpx.HTTPStatusError):
            asked = _retry_after(error.response.headers.get("Retry-After", ""))
            if asked is not None:
                return min(asked, longest)
        return float(wait_random_exponential(multiplier=_FIRST_WAIT, max=longest)(state))


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in _BUSY
    return isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol)


def _retry_after(value: str) -> float | None:
    """Seconds that a ``Retry-After`` header asks for, as a number or a date; None without one."""
    with contextlib.suppress(ValueError):
        return max(0.0, float(value))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
