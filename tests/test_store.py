"""One suite for every store: the embedded engine, the client in memory, a stand-in for a server, a real one.

The real server is the one of SKILLSEARCH_TEST_QDRANT_URL, or a container where Docker answers.
"""

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import QdrantClient, models
from qdrant_rest import QdrantRest
from servers import Server

from indexer.checks import check_points
from skillsearch.errors import (
    BuildCheckError,
    IndexNotFoundError,
    StoreError,
    StoreLockedError,
    StoreUnavailableError,
)
from skillsearch.settings import load_settings
from skillsearch.store import open_store
from skillsearch.store.base import Build, Hashes, Point, Space, Store
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.store.filters import Match, Where
from skillsearch.store.info import BuildInfo, Part, State
from skillsearch.store.schema import KEYWORD_FIELDS, point_id
from skillsearch.store.server import ServerStore
from skillsearch.taxonomy.texts import payload_hash

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning"),
]
SIZE = 1024


@pytest.fixture(params=["embedded", "memory", "stand-in", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store: Store
    if request.param == "embedded":
        store = EmbeddedStore(tmp_path / "index")
    elif request.param == "memory":
        store = ServerStore.in_memory()
    elif request.param == "stand-in":
        with QdrantRest() as server:
            store = ServerStore.connect(server.url)
            yield store
            store.close()
        return
    else:
        server: Server = request.getfixturevalue("server")
        store = server.connect()
    yield store
    store.close()


def info(name: str = "one", skills: int = 0, state: State = "unfinished") -> BuildInfo:
    return BuildInfo(
        name=f"test-{name}",
        parts=(Part("test", "1", "en", skills, 0),),
        encoder="tiny",
        encoder_fingerprint="abc",
        view_version=1,
        created=f"2026-01-01T00:00:00+00:00-{name}",
        program="0",
        dimension=SIZE,
        state=state,
    )


def point(number: int, vector: Sequence[float] | None = None, **payload: object) -> Point:
    """A skill whose vector is by default the axis of its number."""
    axis = [0.0] * SIZE
    axis[number] = 1.0
    values = {"uri": f"urn:{number:04}", "label": f"skill {number}"} | payload
    hashes = {"embedding_hash": f"{number:016x}", "payload_hash": payload_hash(values)}
    return Point(values | hashes, vector or axis)


def built(store: Store, points: Sequence[Point], name: str = "one") -> Build:
    draft = store.draft(info(name, len(points)))
    draft.upsert("skills", points)
    return draft.seal()


def tilted(*weights: float) -> list[float]:
    """A unit vector with these first coordinates."""
    vector = np.zeros(SIZE)
    vector[: len(weights)] = weights
    return [float(x) for x in vector / np.linalg.norm(vector)]


def uris(build: Build, vector: Sequence[float], limit: int = 1000, where: Where | None = None) -> list[str]:
    return [found.uri for found in build.query("skills", vector, limit, where)]


def test_what_is_written_is_found_in_order_of_the_cosine(store: Store) -> None:
    build = built(store, [point(number) for number in range(5)])
    found = build.query("skills", tilted(0.1, 0.4, 0.2, 0.5, 0.3), 3, fields=("uri", "label"))
    assert [hit.uri for hit in found] == ["urn:0003", "urn:0001", "urn:0004"]
    assert found[0].payload == {"uri": "urn:0003", "label": "skill 3"}
    norm = np.linalg.norm([0.1, 0.4, 0.2, 0.5, 0.3])
    assert [hit.score for hit in found] == pytest.approx([0.5 / norm, 0.4 / norm, 0.3 / norm], abs=1e-3)


def test_a_build_says_how_many_numbers_a_vector_has(store: Store) -> None:
    draft = store.draft(replace(info(skills=2), dimension=4))
    draft.upsert("skills", [replace(point(n), vector=[float(i == n) for i in range(4)]) for n in range(2)])
    build = draft.seal()
    store.publish("test-one")
    assert store.published().info.dimension == 4
    assert uris(build, [0.0, 1.0, 0.0, 0.0], 1) == ["urn:0001"]


def test_ties_are_ordered_by_uri(store: Store) -> None:
    build = built(store, [point(number, tilted(1.0)) for number in (3, 1, 2)])
    assert uris(build, tilted(1.0)) == ["urn:0001", "urn:0002", "urn:0003"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where(), {0, 1, 2, 3}),
        (Where(must=(Match(("skill_type",), ("knowledge",)),)), {1, 3}),
        (Where(must=(Match(("collections",), ("digital", "green")),)), {0, 1, 2}),
        (Where(must=(Match(("occupations_essential", "occupations_optional"), ("urn:o",)),)), {0, 3}),
        (Where(must_not=(Match(("uri",), ("urn:0000", "urn:0003")),)), {1, 2}),
        (
            Where(
                must=(Match(("collections",), ("digital",)), Match(("skill_type",), ("skill",))),
                must_not=(Match(("uri",), ("urn:0002",)),),
            ),
            {0},
        ),
        (Where(must=(Match(("skill_type",), ("none",)),)), set()),
    ],
)
def test_conditions(store: Store, where: Where, expected: set[int]) -> None:
    build = built(
        store,
        [
            point(0, skill_type="skill", collections=["digital"], occupations_essential=["urn:o"]),
            point(1, skill_type="knowledge", collections=["digital", "green"]),
            point(2, skill_type="skill", collections=["digital"]),
            point(3, skill_type="knowledge", collections=[], occupations_optional=["urn:o", "urn:p"]),
        ],
    )
    assert set(uris(build, tilted(1.0), where=where)) == {f"urn:{number:04}" for number in expected}
    assert build.count("skills", where) == len(expected)


def test_a_filter_that_leaves_thirty_returns_thirty(store: Store) -> None:
    build = built(
        store, [point(number, skill_type="rare" if number % 10 == 9 else "") for number in range(300)]
    )
    found = uris(build, tilted(1.0), limit=30, where=Where(must=(Match(("skill_type",), ("rare",)),)))
    assert sorted(found) == [f"urn:{number:04}" for number in range(9, 300, 10)]


def test_points_can_be_fetched_scanned_counted_and_replaced(store: Store) -> None:
    points = [point(number, tags=["a", "b"][: number % 3]) for number in range(1020)]
    draft = store.draft(info(skills=1020))
    draft.upsert("skills", points)
    draft.upsert("skills", [point(7, tilted(1.0, 1.0), label="replaced")])
    build = draft.seal()
    assert build.count("skills") == 1020
    assert build.count("occupations") == 0
    fetched = build.fetch("skills", ["urn:0007", "urn:none"])
    assert {uri: payload["label"] for uri, payload in fetched.items()} == {"urn:0007": "replaced"}
    scanned = list(build.scan("skills", vectors=True))
    assert {point.uri for point in scanned} == {point.uri for point in points}
    assert len(scanned) == 1020
    assert all(abs(np.linalg.norm(point.vector) - 1) < 1e-3 for point in scanned)
    assert all(len(point.vector) == 0 for point in build.scan("skills"))
    assert point_id("urn:0007") == str(uuid.uuid5(uuid.NAMESPACE_URL, "urn:0007"))


def test_values_of_a_field_are_counted(store: Store) -> None:
    build = built(
        store, [point(0, collections=["a", "b"]), point(1, collections=["b"]), point(2, collections=[])]
    )
    assert build.values("skills", "collections") == {"a": 1, "b": 2}
    assert build.values("skills", "language") == {}


def test_publishing(store: Store) -> None:
    with pytest.raises(IndexNotFoundError, match="skillsearch reindex"):
        store.published()
    first = built(store, [point(1)], "one")
    store.publish("test-one")
    assert store.published().info == first.info
    second = built(store, [point(2)], "two")
    held = store.published()
    store.publish("test-two")
    assert store.published().info == second.info
    assert uris(store.published(), tilted(1.0)) == ["urn:0002"]
    assert uris(held, tilted(1.0)) == ["urn:0001"]
    assert [build.name for build in store.builds()] == ["test-one", "test-two"]
    with pytest.raises(StoreError, match="is published"):
        store.remove("test-two")
    store.remove("test-one")
    assert [build.name for build in store.builds()] == ["test-two"]
    with pytest.raises(StoreError, match="no build"):
        store.remove("test-one")


def test_a_draft_goes_on_where_it_was(store: Store) -> None:
    draft = store.draft(info(skills=3))
    draft.upsert("skills", [point(1), point(2)])
    draft.close()
    assert store.builds() == [info(skills=3)]
    with pytest.raises(StoreError, match="not a complete build"):
        store.open("test-one")
    again = store.draft(info(skills=3))
    assert again.written("skills") == {p.uri: Hashes.of(p.payload) for p in (point(1), point(2))}
    assert again.written("occupations") == {}
    again.upsert("skills", [point(3)])
    build = again.seal()
    again.close()
    assert store.builds() == [build.info] == [info(skills=3, state="sealed")]
    assert {p.uri for p in store.open("test-one").scan("skills")} == {"urn:0001", "urn:0002", "urn:0003"}
    with pytest.raises(StoreError, match="already"):
        store.draft(info(skills=3))
    size = store.size("test-one")
    assert size is None or size > 0


def test_a_draft_copies_from_its_base(store: Store) -> None:
    """Kept as it is, with a new payload, left out, embedded anew, added."""
    base = built(store, [point(number, tilted(1.0, number)) for number in range(5)])
    draft = store.draft(replace(info("two", 4), base="test-one"), base)
    fresh = [point(3, tilted(0.0, 1.0)), point(9, tilted(0.0, 0.0, 1.0))]
    draft.upsert("skills", fresh)
    new = point(1, label="renamed").payload
    changed = {name: new[name] for name in ("label", "payload_hash")}
    draft.copy("skills", {"urn:0000": {}, "urn:0001": changed})
    draft.copy("occupations", {})
    build = draft.seal()
    found = {p.uri: p for p in build.scan("skills", vectors=True)}
    old = {p.uri: p for p in base.scan("skills", vectors=True)}
    assert {uri: p.payload for uri, p in found.items()} == {
        "urn:0000": old["urn:0000"].payload,
        "urn:0001": new,
        "urn:0003": fresh[0].payload,
        "urn:0009": fresh[1].payload,
    }
    for uri in ("urn:0000", "urn:0001"):
        np.testing.assert_allclose(found[uri].vector, old[uri].vector, atol=1e-6)
    np.testing.assert_allclose(found["urn:0003"].vector[:3], [0, 1, 0], atol=1e-3)
    assert build.count("skills", Where(must=(Match(("label",), ("renamed",)),))) == 1
    assert build.count("skills", Where(must=(Match(("label",), ("skill 1",)),))) == 0
    assert uris(build, tilted(0.0, 0.0, 1.0), 1) == ["urn:0009"]
    assert len(old) == base.count("skills") == 5


def test_a_draft_without_a_base_copies_nothing(store: Store) -> None:
    with pytest.raises(StoreError, match="has no base"):
        store.draft(info()).copy("skills", {"urn:0001": {}})


def test_a_description_can_be_replaced(store: Store) -> None:
    build = built(store, [point(1)])
    done = replace(build.info, state="failed", problem="bad", quality={"recall": 0.5})
    store.record(done)
    assert store.builds() == [done]
    assert store.open("test-one").info == done


def test_one_process_writes_at_a_time(store: Store) -> None:
    with (
        store.lock("reindex of this"),
        pytest.raises(StoreLockedError, match=f"reindex of this, process {os.getpid()} on"),
        store.lock("another"),
    ):
        pytest.fail("both hold the lock")
    with store.lock("the next"):
        pass


class Altered:
    """A build that reads other points than were written."""

    def __init__(self, build: Build, alter: Callable[[Point], Point | None]) -> None:
        self.info = build.info
        self.count, self.query = build.count, build.query
        self._build, self._alter = build, alter

    def scan(self, space: Space, *, vectors: bool = False) -> Iterator[Point]:
        altered = (self._alter(point) for point in self._build.scan(space, vectors=vectors))
        return (point for point in altered if point is not None)


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (lambda p: replace(p, vector=[x * 2 for x in p.vector]), "has length 2"),
        (lambda p: replace(p, vector=[float("nan")] * SIZE), "has length nan"),
        (lambda p: replace(p, payload=p.payload | {"label": "other"}), "changed in storage"),
        (lambda p: None if p.uri == "urn:0003" else p, "9 skills can be read, expected 10"),
        (lambda p: replace(p, vector=tilted(1.0)), "does not find it"),
    ],
)
def test_a_build_that_is_not_right_fails_its_check(
    store: Store, alter: Callable[[Point], Point | None], message: str
) -> None:
    points = [point(number) for number in range(10)]
    build = built(store, points)
    hashes = {p.uri: Hashes.of(p.payload) for p in points}
    check_points(build, {"skills": hashes, "occupations": {}})
    with pytest.raises(BuildCheckError, match="10 skills are stored, expected 9"):
        check_points(build, {"skills": dict(list(hashes.items())[1:])})
    with pytest.raises(BuildCheckError, match="do not add up"):
        check_points(build, {"skills": hashes | {"urn:0003": Hashes("0" * 16, "1" * 16)}})
    with pytest.raises(BuildCheckError, match=message):
        check_points(Altered(build, alter), {"skills": hashes})  # type: ignore[arg-type]


def test_threads_share_a_build(store: Store) -> None:
    build = built(store, [point(number) for number in range(50)])
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: uris(build, point(number).vector, 1), list(range(50)) * 4))
    assert found == [[f"urn:{number:04}"] for number in range(50)] * 4


class TestEmbedded:
    """What only folders and files can do."""

    def test_fields_are_indexed(self, tmp_path: Path) -> None:
        build = EmbeddedStore(tmp_path).draft(info()).seal()
        assert set(build._shards["skills"].info().payload_schema) == set(KEYWORD_FIELDS)

    def test_an_unfinished_build_cannot_be_published(self, tmp_path: Path) -> None:
        store = EmbeddedStore(tmp_path)
        store.draft(info()).close()
        with pytest.raises(StoreError, match="not a complete build"):
            store.publish("test-one")

    @pytest.mark.parametrize(
        ("break_it", "message"),
        [
            (lambda f: (f / "CURRENT").write_text("gone\n"), "not a complete build"),
            (lambda f: (f / "CURRENT").write_text("../elsewhere\n"), "not a build"),
            (lambda f: (f / "CURRENT").write_text(""), "not a build"),
            (lambda f: (f / "builds/test-one/build.json").write_text("{"), "cannot be read"),
            (lambda f: (f / "builds/test-one/build.json").write_text("{}"), "does not describe a build"),
            (lambda f: (f / "builds/test-one/skills").rename(f / "moved"), "cannot be opened"),
            (lambda f: (f / "builds/test-one/skills/edge_config.json").write_text("{"), "cannot be opened"),
        ],
    )
    def test_broken_files_are_told(
        self, tmp_path: Path, break_it: Callable[[Path], object], message: str
    ) -> None:
        store = EmbeddedStore(tmp_path)
        built(store, [point(1)])
        store.publish("test-one")
        break_it(tmp_path)
        with pytest.raises(StoreError, match=message):
            EmbeddedStore(tmp_path).published()

    def test_several_processes_search_one_build(self, tmp_path: Path) -> None:
        store = EmbeddedStore(tmp_path)
        built(store, [point(number) for number in range(3)])
        store.publish("test-one")
        build = store.published()
        code = (
            "import sys; from pathlib import Path; from skillsearch.store.embedded import EmbeddedStore\n"
            "build = EmbeddedStore(Path(sys.argv[1])).published()\n"
            "print([hit.uri for hit in build.query('skills', [0.0, 1.0] + [0.0] * 1022, 1)])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "['urn:0001']"
        assert uris(build, point(2).vector, 1) == ["urn:0002"]

    def test_a_place_that_cannot_be_written_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("", encoding="utf-8")
        with pytest.raises(StoreError, match="Not a directory"):
            EmbeddedStore(tmp_path / "file").draft(info())


def _version(version: str) -> bytes:
    return json.dumps({"title": "qdrant", "version": version}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (401, b'{"status": {"error": "no key"}}', StoreUnavailableError, "SKILLSEARCH_QDRANT_API_KEY"),
        (
            403,
            b"Forbidden",
            StoreUnavailableError,
            "does not allow this with the API key that is set: Forbidden",
        ),
        (503, b"<html>busy</html>", StoreError, r"http://127\.0\.0\.1:\d+ answered 503"),
        (200, b"<html>hello</html>", StoreError, "Qdrant server"),
        (200, b'{"result": 7}', StoreError, "Qdrant server"),
        (200, _version("1.9.2"), StoreError, r"version 1\.9\.2, expected 1\.16\.0 or newer: update the"),
        (200, _version("9.0.0"), StoreError, r"version 9\.0\.0, and qdrant-client 1\."),
        (200, _version("unknown"), StoreError, "answer of the Qdrant server at .* cannot be used"),
    ],
)
def test_a_server_that_answers_badly_is_told(
    status: int, body: bytes, kind: type[StoreError], message: str
) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        store = ServerStore.connect(f"http://127.0.0.1:{server.server_port}", timeout=5)
        with pytest.raises(kind, match=message):
            store.published()
        store.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_collection_of_somebody_else_is_told() -> None:
    """Before anything is made; what others have under the names of earlier versions is no index of ours."""
    store = ServerStore.in_memory()
    client = store.connection.client
    vectors = models.VectorParams(size=4, distance=models.Distance.DOT)
    for name in ("skills__x", "theirs"):
        client.create_collection(name, vectors_config=vectors)
    for name, target in (("skills", "skills__x"), ("skillsearch__skills", "theirs")):
        alias = models.CreateAlias(collection_name=target, alias_name=name)
        client.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])
    with pytest.raises(StoreError, match=r"'skillsearch__skills' on .* is an alias of theirs, which is not"):
        store.published()
    with pytest.raises(StoreError, match="set SKILLSEARCH_QDRANT_PREFIX"), store.lock("mine"):
        pytest.fail("it was taken")
    other = ServerStore(store.connection, prefix="team")
    with pytest.raises(IndexNotFoundError, match="under 'team__skills'"):
        other.published()
    with other.lock("mine"):
        pass
    client.create_collection("team__occupations", vectors_config=vectors)
    with pytest.raises(StoreError, match=r"'team__occupations' on .* is a collection"), other.lock("mine"):
        pytest.fail("it was taken")


def test_a_description_survives_json() -> None:
    assert BuildInfo.from_dict(json.loads(json.dumps(info().to_dict())), "here") == info()


def test_a_search_gives_the_fields_that_were_asked_for(store: Store) -> None:
    """Each time anew: what a caller does with a payload stays with the caller."""
    points = [point(number, skill_type="knowledge") for number in range(4)]
    build = built(store, points)
    vector = tilted(0.4, 0.3, 0.2, 0.1)
    for limit in (1, 3, 4, 2):
        for fields in (("uri",), ("uri", "label"), ("label", "skill_type"), ("label",), ()):
            found = build.query("skills", vector, limit, fields=fields)
            expected = [{name: p.payload[name] for name in {"uri", *fields}} for p in points[:limit]]
            assert [hit.payload for hit in found] == expected
            found[0].payload["label"] = "changed"


@pytest.mark.parametrize(
    ("skills", "graph", "quantization"), [(1_000_000, 0, None), (1_000_001, 32, models.BinaryQuantization)]
)
def test_the_settings_of_a_cluster_reach_its_collections(
    skills: int, graph: int, quantization: type[object] | None
) -> None:
    """Graph and quantisation only where exact search would be slow."""
    with QdrantRest() as server:
        settings = load_settings(
            qdrant_url=server.url,
            qdrant_shards=6,
            qdrant_replicas=2,
            qdrant_write_consistency=2,
            qdrant_quantization="binary",
            qdrant_hnsw_m=32,
            qdrant_hnsw_ef_construct=200,
            qdrant_on_disk=True,
        )
        store = open_store(settings)
        store.draft(info(skills=skills)).close()
        store.close()
        client = QdrantClient(url=server.url, check_compatibility=False)
        config = client.get_collection("skillsearch__skills__test-one").config
        client.close()
    params = config.params
    assert (params.shard_number, params.replication_factor, params.write_consistency_factor) == (6, 2, 2)
    assert params.on_disk_payload
    assert isinstance(params.vectors, dict)
    assert (params.vectors["dense"].on_disk, params.vectors["dense"].size) == (True, SIZE)
    assert config.hnsw_config.m == graph
    if quantization is None:
        assert config.quantization_config is None
    else:
        assert isinstance(config.quantization_config, quantization)
        assert config.hnsw_config.ef_construct == 200
