"""The generator behind an OpenAI-compatible endpoint, with answers and faults injected at the transport."""

import json
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from skillsearch.errors import ConfigurationError, TrainingError
from skillsearch.taxonomy.records import Skill
from trainer.data.generators.base import Kind
from trainer.data.generators.chat import ChatGenerator, _retry_after
from trainer.data.generators.settings import generator_settings
from trainer.data.generators.synthesize import Order, synthesize

SKILL = Skill("urn:a", "manage staff", description="Lead a team.", skill_type="skill")
KEY = "sk-secret-1234"

Answer = httpx.Response | Exception


class Endpoint(httpx.MockTransport):
    """Gives its answers in turn, the last one for ever; keeps the requests and the bodies."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__(self._answer)
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.bodies: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.requests.append(request)
            self.bodies.append(json.loads(request.content))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def opened(endpoint: Endpoint, **options: object) -> ChatGenerator:
    values = {"url": "http://host:1234/v1", "model": "m-1", "key": KEY, "attempts": 3, "longest_wait": 0.01}
    return ChatGenerator(generator_settings(**(values | options)), endpoint)


def said(content: object) -> httpx.Response:
    return httpx.Response(200, json={"choices": [{"message": {"content": content}}]})


def listed(*texts: str) -> httpx.Response:
    return said(json.dumps({"texts": texts}))


def made(generator: ChatGenerator, count: int, kind: Kind = "titles") -> Sequence[str]:
    texts, _ = synthesize(Order([SKILL], generator, {kind: count}))
    return texts["urn:a", kind]


def test_a_request_holds_key_model_prompt_and_asks_for_json() -> None:
    endpoint = Endpoint(listed("Team Lead", "Foreman"))
    with opened(endpoint) as generator:
        assert generator.generate(SKILL, "titles", 2, have=["Boss"]) == ["Team Lead", "Foreman"]
    (request,), (body,) = endpoint.requests, endpoint.bodies
    assert str(request.url) == "http://host:1234/v1/chat/completions"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert (body["model"], body["response_format"]) == ("m-1", {"type": "json_object"})
    assert "manage staff" in body["messages"][1]["content"]
    assert "- Boss" in body["messages"][1]["content"]


def test_the_name_tells_the_model_and_never_the_key() -> None:
    with opened(Endpoint(listed())) as generator:
        assert generator.name == "chat:host:1234/v1:m-1:t0.8:p1"
        assert KEY not in repr(vars(generator)["_settings"])


@pytest.mark.parametrize(
    "fault", [httpx.Response(429), httpx.Response(503), httpx.ReadTimeout("slow"), httpx.ConnectError("down")]
)
def test_an_endpoint_that_is_busy_slow_or_away_is_asked_again(fault: Answer) -> None:
    endpoint = Endpoint(fault, listed("Team Lead"))
    with opened(endpoint) as generator:
        assert generator.generate(SKILL, "titles", 1) == ["Team Lead"]
    assert len(endpoint.requests) == 2


def test_the_wait_that_the_endpoint_asks_for_is_kept() -> None:
    endpoint = Endpoint(httpx.Response(429, headers={"Retry-After": "0.3"}), listed("Team Lead"))
    with opened(endpoint, longest_wait=5.0) as generator:
        start = time.monotonic()
        generator.generate(SKILL, "titles", 1)
    assert 0.3 <= time.monotonic() - start < 5


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    soon = _retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True))
    assert soon is not None
    assert 25 < soon <= 30
    assert [_retry_after(value) for value in ("2", "-4", "soon", "")] == [2, 0, None, None]


@pytest.mark.parametrize(
    ("fault", "message", "tries"),
    [
        (httpx.Response(503, text="over capacity"), r"answered 503 3 times \(over capacity\).*cache", 3),
        (httpx.ReadTimeout("slow"), r"did not answer within 120 s, 3 times.*cache", 3),
        (httpx.ConnectError("refused"), r"cannot be reached \(refused\).*SKILLSEARCH_GENERATOR_URL", 3),
        (httpx.UnsupportedProtocol("no"), r"cannot be reached", 1),
        (httpx.Response(404, text="no such model"), r"404 \(no such model\).*SKILLSEARCH_GENERATOR_MODEL", 1),
        (httpx.Response(401, text=f"wrong key {KEY}"), r"refuses the key.*SKILLSEARCH_GENERATOR_KEY", 1),
        (httpx.Response(403), r"refuses the key", 1),
    ],
)
def test_an_endpoint_that_does_not_work_is_an_error_without_the_key(
    fault: Answer, message: str, tries: int
) -> None:
    endpoint = Endpoint(fault)
    with (
        opened(endpoint) as generator,
        pytest.raises((TrainingError, ConfigurationError), match=message) as error,
    ):
        made(generator, 1)
    assert KEY not in str(error.value)
    assert len(endpoint.requests) == tries


@pytest.mark.parametrize(
    "bad",
    [
        said("I would rather not."),
        said(None),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, text="{}"),
        httpx.Response(200, text='{"choices": []}'),
    ],
)
def test_an_answer_that_cannot_be_used_is_counted_and_asked_for_again(bad: httpx.Response) -> None:
    with opened(Endpoint(bad, listed("Team Lead"))) as generator:
        assert made(generator, 1) == ["Team Lead"]
        assert generator.unusable == 1
    with opened(Endpoint(bad)) as generator:
        assert made(generator, 1) == []


def test_only_what_is_missing_is_asked_for_again() -> None:
    endpoint = Endpoint(listed("A", "a ", "manage staff"), listed("B", "A"), listed("C", "D"))
    with opened(endpoint) as generator:
        assert made(generator, 3, "variants") == ["A", "B", "C"]
    asked = [body["messages"][1]["content"] for body in endpoint.bodies]
    assert ["Write 3 " in asked[0], "Write 2 " in asked[1], "Write 1 " in asked[2]] == [True] * 3
    assert "- A\n- B" in asked[2]


def test_an_endpoint_without_json_mode_is_asked_without_it() -> None:
    endpoint = Endpoint(
        httpx.Response(400, text="response_format is not supported"), listed("A"), listed("B")
    )
    with opened(endpoint) as generator:
        assert generator.generate(SKILL, "titles", 1) == ["A"]
        assert generator.generate(SKILL, "titles", 1) == ["B"]
    assert ["response_format" in body for body in endpoint.bodies] == [True, False, False]


def test_several_requests_run_at_a_time() -> None:
    endpoint = Endpoint(listed("A"))
    skills = [Skill(f"urn:{index}", f"skill {index}") for index in range(8)]
    with opened(endpoint, workers=4) as generator:
        texts, _ = synthesize(Order(skills, generator, {"titles": 1}, workers=generator.workers))
    assert (list(texts.values()), len(endpoint.requests)) == ([["A"]] * 8, 8)


def test_settings_come_from_the_environment_and_wrong_ones_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="set SKILLSEARCH_GENERATOR_MODEL"):
        generator_settings()
    monkeypatch.setenv("SKILLSEARCH_GENERATOR_MODEL", "from-env")
    monkeypatch.setenv("SKILLSEARCH_GENERATOR_URL", "http://localhost:1234/v1")
    with ChatGenerator(generator_settings(model=None)) as generator:
        assert generator.name == "chat:localhost:1234/v1:from-env:t0.8:p1"
    with pytest.raises(ConfigurationError, match=r"workers: .*found 0"):
        generator_settings(workers=0)
    with pytest.raises(ConfigurationError, match="colour"):
        generator_settings(colour="red")
    monkeypatch.setenv("SKILLSEARCH_GENERATOR_URL", "not a url")
    with pytest.raises(ConfigurationError, match="url"):
        generator_settings()
