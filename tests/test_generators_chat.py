"""The generator behind an OpenAI-compatible endpoint, against a server in a thread."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from skillsearch.errors import ConfigurationError, TrainingError
from skillsearch.taxonomy.records import Skill
from trainer.data.generators import Generator, open_generator, synthesize
from trainer.data.generators.chat import ChatGenerator, _retry_after

SKILL = Skill("urn:a", "manage staff", description="Lead a team.", skill_type="skill")
KEY = "sk-secret-1234"
Answer = tuple[int, dict[str, str], str]


class Endpoint(ThreadingHTTPServer):
    """Answers with what is in `answers`, the last one for ever; keeps the requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = []
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.delay = 0.0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append((self.path, dict(self.headers), body))
            status, headers, text = (
                self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
            )
        time.sleep(self.server.delay)
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())
        except OSError:  # the client gave up waiting
            pass

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def generator(endpoint: Endpoint) -> Iterator[ChatGenerator]:
    made = _open(endpoint)
    yield made
    made.close()


def _open(endpoint: Endpoint, **options: object) -> ChatGenerator:
    values: dict[str, Any] = {"attempts": 3, "longest_wait": 0.01, "workers": 1, "timeout": 5.0} | options
    made: Generator = open_generator("chat", url=endpoint.url, model="m-1", key=KEY, **values)
    assert isinstance(made, ChatGenerator)
    return made


def _said(content: object) -> Answer:
    message = {
        "choices": [{"message": {"content": content}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3},
    }
    return 200, {}, json.dumps(message)


def _texts(*texts: str) -> Answer:
    return _said(json.dumps({"texts": texts}))


def test_a_request_holds_key_model_prompt_and_asks_for_json(
    endpoint: Endpoint, generator: ChatGenerator
) -> None:
    endpoint.answers = [_texts("Team Lead", "Foreman")]
    assert generator.generate(SKILL, "titles", 2, have=["Boss"]) == ["Team Lead", "Foreman"]
    ((path, headers, body),) = endpoint.requests
    assert (path, headers["Authorization"], body["model"]) == ("/v1/chat/completions", f"Bearer {KEY}", "m-1")
    assert body["response_format"] == {"type": "json_object"}
    assert "manage staff" in body["messages"][1]["content"]
    assert "- Boss" in body["messages"][1]["content"]
    assert (generator.input_tokens, generator.output_tokens) == (7, 3)


def test_the_name_tells_the_model_and_never_the_key(generator: ChatGenerator) -> None:
    assert "m-1" in generator.name
    assert KEY not in generator.name + repr(vars(generator)["_settings"])


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_endpoint_is_asked_again(endpoint: Endpoint, generator: ChatGenerator, status: int) -> None:
    endpoint.answers = [(status, {}, "busy"), _texts("Team Lead")]
    assert generator.generate(SKILL, "titles", 1) == ["Team Lead"]
    assert len(endpoint.requests) == 2


def test_the_wait_that_the_endpoint_asks_for_is_kept(endpoint: Endpoint) -> None:
    endpoint.answers = [(429, {"Retry-After": "0.3"}, ""), _texts("Team Lead")]
    with _open(endpoint, longest_wait=5.0) as generator:
        start = time.monotonic()
        generator.generate(SKILL, "titles", 1)
    assert 0.3 <= time.monotonic() - start < 5


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    soon = _retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True))
    assert soon is not None
    assert 25 < soon <= 30
    assert _retry_after("2") == 2
    assert _retry_after("-4") == 0
    assert _retry_after("soon") is None
    assert _retry_after("") is None


def test_an_endpoint_that_stays_busy_is_an_error_that_names_it(
    endpoint: Endpoint, generator: ChatGenerator
) -> None:
    endpoint.answers = [(503, {}, "over capacity")]
    with pytest.raises(TrainingError, match=r"answered 503 3 times \(over capacity\).*cache"):
        generator.generate(SKILL, "titles", 1)
    assert len(endpoint.requests) == 3


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_an_error_at_once(endpoint: Endpoint, generator: ChatGenerator, status: int) -> None:
    endpoint.answers = [(status, {}, f"wrong key {KEY}")]
    with pytest.raises(ConfigurationError, match=r"refuses the key.*SKILLSEARCH_GENERATOR_KEY") as caught:
        synthesize([SKILL], generator, wanted={"titles": 1}, cache=None)
    assert KEY not in str(caught.value)
    assert len(endpoint.requests) == 1


def test_another_refusal_is_an_error_with_its_reason(endpoint: Endpoint, generator: ChatGenerator) -> None:
    endpoint.answers = [(404, {}, "no such model")]
    with pytest.raises(ConfigurationError, match=r"404 \(no such model\).*SKILLSEARCH_GENERATOR_MODEL"):
        generator.generate(SKILL, "titles", 1)


def test_a_slow_endpoint_is_tried_again_and_then_an_error(endpoint: Endpoint) -> None:
    endpoint.answers = [_texts("Team Lead")]
    endpoint.delay = 0.5
    with (
        _open(endpoint, timeout=0.1, attempts=2) as generator,
        pytest.raises(TrainingError, match=r"within 0.1 s"),
    ):
        generator.generate(SKILL, "titles", 1)
    assert len(endpoint.requests) == 2


def test_an_endpoint_that_is_not_there_is_an_error(endpoint: Endpoint) -> None:
    with (
        open_generator(
            "chat", url="http://127.0.0.1:9/v1", model="m", attempts=1, longest_wait=0.01
        ) as generator,
        pytest.raises(TrainingError, match=r"cannot be reached.*SKILLSEARCH_GENERATOR_URL"),
    ):  # type: ignore[attr-defined]
        generator.generate(SKILL, "titles", 1)


@pytest.mark.parametrize(
    "bad",
    [
        _said("I would rather not."),
        _said(None),
        (200, {}, "<html>"),
        (200, {}, "{}"),
        (200, {}, '{"choices": []}'),
        (200, {}, '{"choices": [{"message": {"content": "x"}}], "usage": [1]}'),
    ],
)
def test_an_answer_that_cannot_be_used_is_counted_and_asked_for_again(
    endpoint: Endpoint, generator: ChatGenerator, bad: Answer
) -> None:
    endpoint.answers = [bad, _texts("Team Lead")]
    done = synthesize([SKILL], generator, wanted={"titles": 1}, cache=None)
    assert done.texts["urn:a"].titles == ("Team Lead",)
    assert generator.unusable == 1
    endpoint.answers = [bad]
    never = synthesize([SKILL], generator, wanted={"titles": 1}, cache=None)
    assert [shortfall.found for shortfall in never.shortfalls] == [0]


def test_only_what_is_missing_is_asked_for_again(endpoint: Endpoint, generator: ChatGenerator) -> None:
    endpoint.answers = [_texts("A", "a ", "manage staff"), _texts("B", "A"), _texts("C", "D")]
    done = synthesize([SKILL], generator, wanted={"variants": 3}, cache=None)
    assert done.texts["urn:a"].variants == ("A", "B", "C")
    asked = [body["messages"][1]["content"] for _, _, body in endpoint.requests]
    assert ["Write 3 " in asked[0], "Write 2 " in asked[1], "Write 1 " in asked[2]] == [True] * 3
    assert "- A\n- B" in asked[2]


def test_an_endpoint_without_json_mode_is_asked_without_it(
    endpoint: Endpoint, generator: ChatGenerator
) -> None:
    endpoint.answers = [(400, {}, "response_format is not supported"), _texts("A"), _texts("B")]
    assert generator.generate(SKILL, "titles", 1) == ["A"]
    assert generator.generate(SKILL, "titles", 1) == ["B"]
    assert ["response_format" in body for _, _, body in endpoint.requests] == [True, False, False]


def test_several_requests_run_at_a_time(endpoint: Endpoint) -> None:
    endpoint.answers = [_texts("A")]
    skills = [Skill(f"urn:{index}", f"skill {index}") for index in range(8)]
    with _open(endpoint, workers=4) as generator:
        done = synthesize(skills, generator, wanted={"titles": 1}, cache=None)
    assert (len(done.texts), len(endpoint.requests), done.shortfalls) == (8, 8, ())


def test_settings_come_from_the_environment_and_wrong_ones_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLSEARCH_GENERATOR_MODEL", "from-env")
    monkeypatch.setenv("SKILLSEARCH_GENERATOR_URL", "http://localhost:1234/v1")
    assert open_generator("chat").name == "chat:localhost:1234/v1:from-env:t0.8:p1"
    with pytest.raises(ConfigurationError, match="workers"):
        open_generator("chat", workers=0)
    with pytest.raises(ConfigurationError, match="colour"):
        open_generator("chat", colour="red")
    monkeypatch.setenv("SKILLSEARCH_GENERATOR_URL", "not a url")
    with pytest.raises(ConfigurationError, match="url"):
        open_generator("chat")
