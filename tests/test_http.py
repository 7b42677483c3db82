"""The API: tasks with their results, problems, keys, pages, budgets, limits, and bad input."""

import asyncio
import gc
import json
import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from indexing import index_taxonomy

from skillsearch.client import SkillSearch
from skillsearch.errors import ConfigurationError, ModelMismatchError, StoreError
from skillsearch.http import warm
from skillsearch.http.app import create_app, load_keys
from skillsearch.http.budget import Pace
from skillsearch.http.keys import Keys, new_key
from skillsearch.http.problems import MEDIA_TYPE
from skillsearch.http.settings import ServiceSettings, load_service_settings
from skillsearch.models.protocols import Encoder
from skillsearch.results import Timings
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.store.info import BuildInfo
from skillsearch.taxonomy.records import Taxonomy

Api = TestClient
BASE = "http://127.0.0.1"
TOO_MANY = 101


@contextmanager
def serving(client: SkillSearch, keys: Keys | None = None, **settings: Any) -> Iterator[Api]:  # noqa: ANN401
    app = create_app(client, ServiceSettings(**settings), keys or Keys({}))
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as api:
        yield api


@pytest.fixture(scope="module")
def shared(home: Path, models_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A service over the sample, in a home of its own."""
    folder = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(home, folder)
    with serving(SkillSearch.open(home=folder, models=str(models_folder), device="cpu")) as api:
        yield api


def skill(taxonomy: Taxonomy) -> str:
    return next(iter(taxonomy.skills))


TASKS: list[tuple[str, dict[str, Any]]] = [
    ("skills/search", {"title": "Nurse", "limit": 3}),
    ("titles/search", {"skill": "administer databases", "limit": 3}),
    ("skills/similar", {"skill": "administer databases", "limit": 3}),
    ("text/extract", {"text": "You administer databases."}),
    ("compare", {"a": "Nurse", "b": "Electrician", "limit": 5}),
    ("suggest", {"prefix": "da"}),
    ("normalize/skills", {"texts": ["administer databases"], "limit": 2}),
    ("normalize/titles", {"titles": ["Nurse"], "limit": 2}),
    ("skills/search/batch", {"titles": ["Nurse"], "limit": 2}),
    ("titles/search/batch", {"skills": ["administer databases"], "limit": 2}),
    ("skills/similar/batch", {"skills": ["administer databases"], "limit": 2}),
    ("text/extract/batch", {"texts": ["You administer databases."]}),
    ("compare/batch", {"pairs": [["Nurse", "Electrician"]], "limit": 2}),
]


@pytest.mark.parametrize(("path", "body"), TASKS, ids=[path for path, _ in TASKS])
def test_every_task_answers_with_versions(shared: Api, path: str, body: dict[str, Any]) -> None:
    answer = shared.post(f"/v1/{path}", json=body)
    assert answer.status_code == 200, answer.text
    values = answer.json()
    assert values["versions"]["build"].startswith("sample-1.0.0")
    for found in values.get("results", [values]):
        assert "error" not in found
    assert answer.headers["x-request-id"]
    unknown = shared.post(f"/v1/{path}", json=body | {"colour": "red"})
    assert unknown.status_code == 422
    assert unknown.json()["errors"] == [{"pointer": "/colour", "detail": "Extra inputs are not permitted"}]


def test_a_search_is_what_the_client_gives(shared: Api, client: SkillSearch) -> None:
    expected = client.search("Nurse", limit=4)
    body = {"title": "Nurse", "limit": 4, "filters": {"types": ["knowledge"]}}
    values = shared.post("/v1/skills/search", json={"title": "Nurse", "limit": 4}).json()
    assert [hit["uri"] for hit in values["hits"]] == [hit.uri for hit in expected]
    assert [hit["rank"] for hit in values["hits"]] == [1, 2, 3, 4]
    assert values["hits"][0]["probabilities"].keys() == {"irrelevant", "contextual", "core"}
    filtered = shared.post("/v1/skills/search", json=body).json()
    assert {hit["skill_type"] for hit in filtered["hits"]} == {"knowledge"}


def test_a_batch_has_a_result_or_an_error_for_each_input(shared: Api) -> None:
    titles = ["Nurse", "", None, 5, {"title": "Nurse"}, "x" * 400, "Electrician"]
    values = shared.post("/v1/skills/search/batch", json={"titles": titles, "limit": 1}).json()
    kinds = [found.get("kind") for found in values["results"]]
    assert kinds == [None, *["QueryError"] * 5, None]
    assert values["results"][1]["position"] == 2
    half = shared.post("/v1/normalize/titles", content=rb'{"titles": ["\ud800", "Nurse"]}', headers=JSON)
    assert [found.get("kind") for found in half.json()["results"]] == ["QueryError", None]


JSON = {"Content-Type": "application/json"}

BROKEN: list[tuple[bytes, int]] = [
    (b"", 422),
    (b"{", 400),
    (b"[" * 100_000, 400),
    (b'{"title": ' + b"9" * 5000 + b"}", 400),
    (b"\xff\xfe{}", 400),
    (b"null", 422),
    (b"[]", 422),
    (b'{"title": 5}', 422),
    (b'{"title": null}', 422),
    (b'{"title": "\\ud800"}', 422),
    (b'{"title": ""}', 422),
    (b'{"title": "a\\u0000b"}', 422),
    (b'{"title": "' + b"x" * 301 + b'"}', 422),
    (b'{"title": "Nurse", "limit": 0}', 422),
    (b'{"title": "Nurse", "limit": 501}', 422),
    (b'{"title": "Nurse", "limit": "5"}', 422),
    (b'{"title": "Nurse", "limit": 1e400}', 422),
    (b'{"title": "Nurse", "alpha": NaN}', 422),
    (b'{"title": "Nurse", "rerank": "best"}', 422),
    (b'{"title": "Nurse", "rerank": false, "demand_weight": 1}', 422),
    (b'{"title": "Nurse", "budget_ms": -1}', 422),
    (b'{"title": "Nurse", "cursor": "@@@"}', 422),
    (b'{"title": "Nurse", "cursor": "OTk6YWJj"}', 422),
    (b'{"title": "Nurse", "filters": {"collections": ["digitl"]}}', 422),
    (b'{"title": "Nurse", "filters": {"relation": "none"}}', 422),
    (b'{"title": "Nurse", "filters": []}', 422),
]


@pytest.mark.parametrize(("body", "status"), BROKEN, ids=[str(body[:40]) for body, _ in BROKEN])
def test_a_broken_body_is_a_problem_and_the_service_goes_on(shared: Api, body: bytes, status: int) -> None:
    answer = shared.post("/v1/skills/search", content=body, headers=JSON)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    values = answer.json()
    assert values["type"].startswith("urn:skillsearch:problem:")
    assert values["detail"]
    assert values["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    assert shared.get("/readyz").status_code == 200


def test_a_body_of_another_type_is_a_problem(shared: Api) -> None:
    answer = shared.post(
        "/v1/skills/search", content=b'{"title": "Nurse"}', headers={"Content-Type": "text/xml"}
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == MEDIA_TYPE


def test_sizes_are_limited(shared: Api) -> None:
    large = shared.post("/v1/text/extract", content=b" " * 1_000_001, headers=JSON)
    assert (large.status_code, large.json()["type"]) == (413, "urn:skillsearch:problem:size")

    def parts() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 10_000

    chunked = shared.post("/v1/text/extract", content=parts(), headers=JSON)
    assert chunked.status_code == 413
    many = shared.post("/v1/skills/search/batch", json={"titles": ["Nurse"] * TOO_MANY})
    assert many.status_code == 413
    assert "at most 100 inputs, found 101" in many.json()["detail"]
    assert shared.post("/v1/compare", json={"a": "Nurse", "b": "Cook", "limit": 501}).status_code == 422


def test_paths_and_methods_that_are_not_there(shared: Api) -> None:
    for path in ("/v1/nothing", "/v1/../etc/passwd", "/static/../../pyproject.toml", "/static/%2e%2e/app.py"):
        assert shared.get(path).status_code == 404
    wrong = shared.get("/v1/skills/search")
    assert (wrong.status_code, wrong.headers["content-type"]) == (405, MEDIA_TYPE)


def test_pages_follow_one_another(shared: Api) -> None:
    body: dict[str, Any] = {"title": "Nurse", "limit": 7}
    whole = shared.post("/v1/skills/search", json={"title": "Nurse", "limit": 21}).json()
    uris, ranks = [], []
    for _ in range(3):
        page = shared.post("/v1/skills/search", json=body).json()
        uris += [hit["uri"] for hit in page["hits"]]
        ranks += [hit["rank"] for hit in page["hits"]]
        body["cursor"] = page["next"]
    assert uris == [hit["uri"] for hit in whole["hits"]]
    assert ranks == list(range(1, 22))
    other = shared.post("/v1/skills/search", json=body | {"title": "Cook"})
    assert (other.status_code, other.json()["type"]) == (422, "urn:skillsearch:problem:cursor")
    end = shared.post("/v1/skills/search", json={"title": "Nurse", "limit": 500}).json()
    assert end["next"] is None


def test_concepts_by_uri(shared: Api, taxonomy: Taxonomy) -> None:
    from urllib.parse import quote

    for uri in (skill(taxonomy), next(iter(taxonomy.occupations))):
        for path in (uri, quote(uri, safe="")):
            found = shared.get(f"/v1/concepts/{path}").json()
            assert found["uri"] == uri
    essential = [one for one in taxonomy.relations if one.kind == "essential"]
    found = shared.get(f"/v1/concepts/{quote(essential[0].skill, safe='')}", params={"limit": 1}).json()
    assert found["links"][0] == len([one for one in essential if one.skill == essential[0].skill])
    assert len(found["essential"]) == 1
    for uri in ("http://nowhere/x", "../../../etc/passwd", "%00", "a" * 400, "%0d%0aSet-Cookie:x=1"):
        answer = shared.get(f"/v1/concepts/{uri}")
        assert answer.status_code in (404, 422)
        assert "set-cookie" not in answer.headers


def test_what_is_published(shared: Api) -> None:
    values = shared.get("/v1/status").json()
    assert values["build"]["state"] == "ready"
    assert values["judging"] is True
    (part,) = shared.get("/v1/taxonomies").json()["taxonomies"]
    assert (part["taxonomy"], part["version"]) == ("sample", "1.0.0")


def test_no_request_waits_until_a_new_index_is_read(
    home: Path,
    models_folder: Path,
    tmp_path: Path,
    taxonomy: Taxonomy,
    encoder: Encoder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "home"
    shutil.copytree(home, folder)
    monkeypatch.setattr(warm, "_SECONDS", 0.02)
    reading: list[str] = []
    go_on, read = threading.Event(), warm._read

    def waiting(client: SkillSearch) -> None:
        reading.append(client.status().build.name)
        if len(reading) > 1:
            assert go_on.wait(60)
        read(client)

    monkeypatch.setattr(warm, "_read", waiting)
    with serving(SkillSearch.open(home=folder, models=str(models_folder), device="cpu")) as api:
        assert gc.get_freeze_count() > 0  # what it keeps is out of garbage collections
        with closing(EmbeddedStore(folder / "index")) as store:
            published = index_taxonomy(taxonomy, encoder, store, full=True).build.name
        eventually(lambda: len(reading) == 2)
        answer = api.post("/v1/skills/search", json={"title": "Nurse", "limit": 3}).json()
        assert answer["versions"]["build"] == reading[0] != published
        assert reading[1] == published
        with monkeypatch.context() as patch:  # a key that may not list the builds
            patch.setattr(EmbeddedStore, "builds", refuse)
            assert api.get("/v1/status").json()["build"]["name"] == published
        go_on.set()
        eventually(lambda: api.get("/v1/status").json()["build"]["name"] == published)
    assert gc.get_freeze_count() == 0
    assert len(reading) == 2


def test_an_index_of_another_encoder_is_told_and_the_one_before_stays(
    taxonomy: Taxonomy,
    encoder: Encoder,
    models_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(warm, "_SECONDS", 0.02)
    store = EmbeddedStore(tmp_path / "index")
    index_taxonomy(taxonomy, encoder, store)
    with serving(SkillSearch.open(home=tmp_path, models=str(models_folder), device="cpu")) as api:
        before = api.get("/v1/status").json()["build"]["name"]
        monkeypatch.setattr("skillsearch.tasks.engine.require_match", refuse_other_than(before))
        index_taxonomy(replace(taxonomy, version="2.0.0"), encoder, store)
        eventually(lambda: "not ready: of another encoder" in caplog.text)
        assert api.post("/v1/skills/search", json={"title": "Nurse"}).json()["versions"]["build"] == before
        time.sleep(0.1)
    assert caplog.text.count("not ready") == 1
    store.close()


def test_a_fault_while_an_index_is_read_does_not_end_the_watch(
    taxonomy: Taxonomy,
    encoder: Encoder,
    models_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(warm, "_SECONDS", 0.02)
    store = EmbeddedStore(tmp_path / "index")
    index_taxonomy(taxonomy, encoder, store)
    with serving(SkillSearch.open(home=tmp_path, models=str(models_folder), device="cpu")) as api:
        with monkeypatch.context() as patch:
            patch.setattr(warm, "_read", break_down)
            published = index_taxonomy(replace(taxonomy, version="2.0.0"), encoder, store).build.name
            eventually(lambda: "not ready: a fault" in caplog.text)
        eventually(lambda: api.get("/v1/status").json()["build"]["name"] == published)
    store.close()


def break_down(_: object) -> None:
    raise RuntimeError("a fault")


def refuse_other_than(name: str) -> Callable[[BuildInfo, object], None]:
    def require(info: BuildInfo, _: object) -> None:
        if info.name != name:
            raise ModelMismatchError("of another encoder")

    return require


def refuse(_: object) -> None:
    raise StoreError("refused")


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_answer_that_the_caller_has_is_not_sent_again(shared: Api) -> None:
    first = shared.get("/v1/suggest", params={"prefix": "da"})
    known = {"If-None-Match": first.headers["etag"]}
    again = shared.get("/v1/suggest", params={"prefix": "da"}, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert shared.get("/v1/suggest", params={"prefix": "db"}, headers=known).status_code == 200


def test_long_answers_are_compressed(shared: Api) -> None:
    answer = shared.post("/v1/skills/search", json={"title": "Nurse"}, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"


def test_metrics_count_what_was_answered(shared: Api) -> None:
    shared.post("/v1/skills/search", json={"title": "Nurse", "limit": 1})
    text = shared.get("/metrics").text
    labels = 'http_request_method="POST",http_response_status_code="200",http_route="/v1/skills/search"'
    assert f"http_server_request_duration_seconds_count{{{labels}}}" in text
    assert 'skillsearch_stage_duration_seconds_count{stage="rerank"}' in text
    assert "skillsearch_build_info{" in text
    assert "http_server_active_requests 1.0" in text


def test_a_request_id_is_taken_over_where_it_is_one(shared: Api) -> None:
    assert shared.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    for bad in ("a b", "x" * 65, 'a"b'):
        assert shared.get("/healthz", headers={"X-Request-ID": bad}).headers["x-request-id"] != bad


def test_only_its_own_pages_may_write(shared: Api) -> None:
    body = {"title": "Nurse", "limit": 1}
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert shared.post("/v1/skills/search", json=body, headers=headers).status_code == 403
    assert shared.post("/v1/skills/search", json=body, headers={"Origin": BASE}).status_code == 200
    assert shared.get("/healthz", headers={"Host": "evil.example"}).status_code == 403
    assert shared.get("/healthz", headers={"Host": "localhost:8000"}).status_code == 200


def test_other_origins_may_call_where_they_are_named(client: SkillSearch) -> None:
    with serving(client, cors="https://hr.example") as api:
        headers = {"Origin": "https://hr.example"}
        answer = api.post("/v1/skills/search", json={"title": "Nurse", "limit": 1}, headers=headers)
        assert answer.headers["access-control-allow-origin"] == "https://hr.example"


def test_keys_have_roles(client: SkillSearch, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    reader, line = new_key("anna", "read")
    judge, other = new_key("bert", "judge")
    (tmp_path / "keys").write_text(f"# ours\n{line}\n", encoding="utf-8")
    keys = Keys.load(tmp_path / "keys", other)
    assert reader not in repr(keys)
    assert line.rpartition(":")[2] not in repr(keys)
    body = {"title": "Nurse", "limit": 1}
    with caplog.at_level(logging.DEBUG), serving(client, keys) as api:
        for path, method in (("/v1/status", "GET"), ("/v1/skills/search", "POST"), ("/metrics", "GET")):
            refused = api.request(method, path, json=body if method == "POST" else None)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"].startswith("Bearer")
        for headers in ({"Authorization": f"Bearer {reader}"}, {"X-API-Key": reader}):
            assert api.post("/v1/skills/search", json=body, headers=headers).status_code == 200
        assert api.get("/v1/status", auth=("me", reader)).json()["judging"] is False
        for wrong in ("", "x", "\u00e9", reader + "x"):
            headers = {"Authorization": f"Bearer {wrong}".encode()}
            assert api.get("/v1/status", headers=headers).status_code == 401
        assert api.get("/v1/status", headers={"Authorization": "Basic ???"}).status_code == 401
        uri = client.search("Nurse", limit=1)[0].uri
        judged = {"title": "Nurse", "uri": uri, "grade": "relevant"}
        denied = api.post("/v1/judgements", json=judged, headers={"X-API-Key": reader})
        assert (denied.status_code, denied.json()["type"]) == (403, "urn:skillsearch:problem:role")
        assert api.get("/healthz").status_code == 200
    for key in (reader, judge):
        assert key not in caplog.text
    lines = [json.loads(one.message) for one in caplog.records if one.name == "skillsearch.http.access"]
    assert {"anna", ""} <= {one["key"] for one in lines}
    assert "Nurse" not in json.dumps(lines)


@pytest.mark.parametrize("line", ["anna:read:abc", "anna:admin:" + "0" * 64, "anna", "a b:read:" + "0" * 64])
def test_a_line_that_is_no_key_is_told_by_its_number(line: str, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"# ours\n\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="key 3: expected name:role:hash") as told:
        Keys.load(tmp_path / "keys", None)
    assert line not in str(told.value)


def test_beyond_this_machine_keys_are_needed(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "192.168.0.1", "example.org"):  # noqa: S104
        with pytest.raises(ConfigurationError, match="there are no keys"):
            load_keys(ServiceSettings(host=host))
    assert not load_keys(ServiceSettings(host="::1"))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_keys(ServiceSettings(keys_file=tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="max_items: input should be"):
        load_service_settings(max_items="none")


def test_a_budget_makes_the_ranker_step_down() -> None:
    pace = Pace()
    assert pace.step(50, 200, since=0.0).degraded is None  # nothing is known yet
    pace.learn(Timings(encode=10, retrieve=10, rerank=400, total=420), 200)  # 2 ms a candidate
    import time

    now = time.perf_counter()
    assert pace.step(None, 200, now).depth is None
    assert pace.step(1000, 200, now).depth is None
    step = pace.step(200, 200, now)  # .8 · 200 - 20 = 140 ms, 70 candidates
    assert step.depth is not None
    assert 68 <= step.depth <= 70
    assert "of 200 candidates" in str(step.degraded)
    assert pace.step(40, 200, now).depth == 0
    assert pace.step(200, 200, now - 1).depth == 0  # it waited too long


def test_a_search_says_what_its_budget_cost(shared: Api) -> None:
    body = {"title": "Nurse", "limit": 3}
    assert shared.post("/v1/skills/search", json=body | {"budget_ms": 60_000}).json()["degraded"] is None
    tight = shared.post("/v1/skills/search", json=body | {"budget_ms": 0.5}).json()
    assert "not reranked" in tight["degraded"]
    assert tight["rerank"] is None
    assert len(tight["hits"]) == 3
    titles = {"skill": "administer databases", "budget_ms": 0.5}
    assert "not reranked" in shared.post("/v1/titles/search", json=titles).json()["degraded"]


def test_a_search_that_takes_too_long_is_stopped(
    client: SkillSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    from skillsearch.tasks.engine import Run

    with serving(client, timeout=0.2) as api:
        slow = Run.encode
        ended: list[str] = []

        def ranked(run: Run, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            time.sleep(0.6)
            slow(run, ["stops here, as it was cancelled"])
            ended.append("not stopped")

        monkeypatch.setattr(Run, "ranked", ranked)
        answer = api.post("/v1/skills/search", json={"title": "Nurse"})
        assert (answer.status_code, answer.json()["type"]) == (504, "urn:skillsearch:problem:timeout")
        time.sleep(1)
        assert ended == []


def test_requests_beyond_those_that_may_wait_are_told_to_come_later(client: SkillSearch) -> None:
    with serving(client, max_waiting=1) as api:
        service = api.app.state.service  # type: ignore[attr-defined]

        async def hold() -> None:
            async with service.admitted():
                pass

        service._waiting = 1
        answer = api.post("/v1/skills/search", json={"title": "Nurse"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        service._waiting = 0
        asyncio.run(hold())
        assert api.post("/v1/skills/search", json={"title": "Nurse"}).status_code == 200


def test_a_body_that_does_not_arrive_is_given_up() -> None:
    from skillsearch.http.gate import Gate
    from skillsearch.http.metrics import Metrics
    from skillsearch.http.problems import Problem

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        await receive()

    gate = Gate(app, settings=ServiceSettings(body_timeout=0.05), metrics=Metrics(), open_names=True)

    async def never() -> Any:  # noqa: ANN401
        await asyncio.sleep(5)

    async def ask() -> None:
        await gate._limited(never, "POST")()

    with pytest.raises(Problem) as told:
        asyncio.run(ask())
    assert told.value.status_code == 408


def test_a_new_index_is_taken_up_between_requests(
    taxonomy: Taxonomy, encoder: Encoder, models_folder: Path, tmp_path: Path
) -> None:
    store = EmbeddedStore(tmp_path / "index")
    index_taxonomy(taxonomy, encoder, store)
    with serving(SkillSearch.open(home=tmp_path, models=str(models_folder), device="cpu")) as api:
        first = api.post("/v1/skills/search", json={"title": "Nurse", "limit": 5}).json()
        tag = api.get("/v1/taxonomies").headers["etag"]
        index_taxonomy(replace(taxonomy, version="2.0.0"), encoder, store)
        eventually(lambda: api.get("/v1/taxonomies", headers={"If-None-Match": tag}).status_code == 200)
        again = api.post("/v1/skills/search", json={"title": "Nurse", "limit": 5, "cursor": first["next"]})
        assert again.json()["type"] == "urn:skillsearch:problem:cursor"
        second = api.post("/v1/skills/search", json={"title": "Nurse", "limit": 5}).json()
        assert second["versions"]["build"] != first["versions"]["build"]
        assert api.get("/v1/taxonomies", headers={"If-None-Match": tag}).status_code == 200
    store.close()


def test_errors_of_the_store_are_not_the_callers(
    client: SkillSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("the store is away")

    with serving(client) as api:
        monkeypatch.setattr(type(client._engine.store), "published", fail)
        for answer in (api.get("/readyz"), api.post("/v1/skills/search", json={"title": "Nurse"})):
            assert (answer.status_code, answer.json()["detail"]) == (503, "the store is away")
            assert answer.headers["retry-after"] == "5"

        def break_down(*_: object) -> None:
            raise RuntimeError("secret detail")

        monkeypatch.setattr(type(client._engine.store), "published", break_down)
        answer = api.post("/v1/skills/search", json={"title": "Nurse"})
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert api.get("/healthz").status_code == 200


def test_a_client_made_from_the_description_works(shared: Api) -> None:
    """A small one: every operation of the document can be called with the example that it gives."""
    schema = shared.get("/openapi.json").json()
    called = 0
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if not content or "judgements" in path:
                continue
            name = content["schema"]["$ref"].rpartition("/")[2]
            for example in schema["components"]["schemas"][name].get("examples", ()):
                example.pop("filters", None)
                answer = shared.request(method, path, json=example)
                assert answer.status_code == 200, answer.text
                called += 1
    assert called >= 10
