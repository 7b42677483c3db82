"""A server that others use too: keys that may not do everything, strict mode, prefixes, earlier names."""

import logging
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from crash_runner import assert_same, content, versions
from hash_encoder import HashEncoder
from indexing import index_taxonomy
from qdrant_client import grpc as messages
from qdrant_client import models
from servers import Server, new_prefix, stand_in

from indexer.build import BuildReport
from skillsearch.errors import IndexNotFoundError, StoreError, StoreUnavailableError
from skillsearch.store.base import Build, Store
from skillsearch.store.filters import Match, Where
from skillsearch.store.server import CollectionOptions, ServerStore
from skillsearch.store.server.address import Address
from skillsearch.store.server.calls import Connection, translated
from skillsearch.store.server.names import EARLIER, Names
from skillsearch.taxonomy.records import Taxonomy

OLD, NEW = versions()


@pytest.fixture(params=["stand-in", "server"])
def place(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A stand-in that wants a key, or a real server."""
    if request.param == "server":
        yield request.getfixturevalue("server")
    else:
        with stand_in() as server:
            yield server


@pytest.fixture
def writer(place: Server) -> Iterator[ServerStore]:
    """A store that may do everything, with the old version published."""
    store = place.connect()
    move(store, OLD)
    yield store
    store.close()


def move(store: Store, taxonomy: Taxonomy, encoder: HashEncoder | None = None) -> BuildReport:
    return index_taxonomy(taxonomy, encoder or HashEncoder(0.5), store, margin=1.0)


def search(build: Build, where: Where | None = None) -> list[str]:
    vector = HashEncoder(0.5).encode(["data scientist"])[0].tolist()
    return [hit.uri for hit in build.query("skills", vector, 10, where)]


def refused(store: Store, message: str, kind: type[StoreError] = StoreError) -> None:
    """A reindex ends with a message before anything is embedded."""
    encoder = HashEncoder(0.5)
    with pytest.raises(kind, match=message):
        move(store, NEW, encoder)
    assert encoder.concepts == []


class TestKeys:
    @pytest.mark.parametrize("which", ["everything", "aliases"])
    def test_one_that_may_read_searches(self, place: Server, writer: ServerStore, which: str) -> None:
        """The two aliases are enough, though who may read them alone does not see where they point."""
        names = Names(place.prefix)
        aliases = (names.alias("skills"), names.alias("occupations"))
        store = place.connect(key=place.reader(*(aliases if which == "aliases" else ())))
        build, expected = store.published(), writer.published()
        assert build.info == expected.info
        assert search(build) == search(expected)
        assert build.values("skills", "reuse_level") == expected.values("skills", "reuse_level")
        assert {point.uri for point in build.scan("occupations")} == set(OLD.occupations)
        assert build.fetch("skills", search(build)) == expected.fetch("skills", search(build))
        assert len(store.builds()) == (which == "everything")
        assert store.facts()["prefix"] == place.prefix
        move(writer, NEW)
        assert store.published().info == writer.published().info
        store.close()

    @pytest.mark.parametrize("is_first", [True, False])
    def test_one_that_may_only_read_says_so_at_a_reindex(self, place: Server, is_first: bool) -> None:
        if not is_first:
            writer = place.connect()
            move(writer, OLD)
            writer.close()
        store = place.connect(key=place.reader())
        refused(
            store,
            "does not allow this with the API key that is set: Forbidden: Global manage access is required; "
            "a search needs a key that may read PREFIX__skills and PREFIX__occupations, a reindex one that",
            StoreUnavailableError,
        )
        store.close()

    def test_one_that_may_not_even_search_hears_what_it_needs(
        self, place: Server, writer: ServerStore
    ) -> None:
        store = place.connect(key=place.reader("elsewhere"))
        with pytest.raises(
            StoreUnavailableError, match=f"Access to collection {place.prefix}__skills is required; a search"
        ):
            store.published()
        store.close()

    def test_a_wrong_one_and_none(self, place: Server) -> None:
        if place.key is None:
            pytest.skip("the server wants no key")
        for key, message in (
            ("wrong", "refuses the API key: Invalid API key or JWT; set SKILLSEARCH_QDRANT_API_KEY"),
            ("", "wants an API key: set SKILLSEARCH_QDRANT_API_KEY"),
        ):
            store = place.connect(key=key)
            refused(store, message, StoreUnavailableError)
            with pytest.raises(StoreUnavailableError, match=message):
                store.published()
            store.close()

    def test_one_that_leaves_this_host_unencrypted_is_told_once(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for url in (
                "http://127.0.0.1:1",
                "http://[::1]:1",
                "http://localhost:1",
                "https://qdrant.test:1",
            ):
                store = ServerStore.connect(url, "key")
                assert store.connection.client
                store.close()
            assert caplog.messages == []
            ServerStore.connect(["http://qdrant.test:1", "http://127.0.0.1:1"], "key").close()
        assert caplog.messages == ["the API key is sent to http://qdrant.test:1 unencrypted: use https"]


Strict = Callable[..., None]


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Strict:
    """Gives new collections a strict mode, as the settings of a server do."""
    plain = CollectionOptions.arguments

    def set_limits(**limits: float) -> None:
        mode = models.StrictModeConfig(enabled=True, unindexed_filtering_retrieve=False, **limits)
        mode.unindexed_filtering_update = False

        def arguments(self: CollectionOptions, points: int, dimension: int) -> dict[str, Any]:
            return plain(self, points, dimension) | {"strict_mode_config": mode}

        monkeypatch.setattr(CollectionOptions, "arguments", arguments)

    return set_limits


class TestStrictMode:
    def test_a_reindex_and_searches_work_within_it(
        self, place: Server, strict: Strict, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain = place.connect(prefix=f"{place.prefix}-plain")
        move(plain, NEW)
        expected = plain.published()
        strict(search_allow_exact=False, max_query_limit=200, upsert_max_batchsize=20)
        store = place.connect()
        move(store, OLD)
        assert move(store, NEW).is_new
        build = store.published()
        assert_same(content(build), content(expected))
        knowledge = Where((Match(("skill_type",), ("knowledge",)),))
        for where in (None, knowledge):
            assert search(build, where) == search(expected, where)
            assert build.count("skills", where) == expected.count("skills", where)
        store.connection.client.update_collection(
            build.collections["skills"], strict_mode_config=models.StrictModeConfig(max_query_limit=50)
        )
        again = store.open(build.info.name)
        for field in ("label", "ancestors", "language"):
            assert again.values("skills", field) == expected.values("skills", field)
        plain.close()
        store.close()

    @pytest.mark.parametrize(
        ("limits", "message"),
        [
            (
                {"max_query_limit": 100},
                "allows 100 points in an answer, and a search needs 200: raise max_q",
            ),
            ({"max_points_count": 100}, r"allows 100 points, and it is to hold \d+: raise max_points_count"),
            (
                {"search_allow_exact": False, "search_max_hnsw_ef": 64},
                "forbids to compare every vector, and allows hnsw_ef 64: raise search_max_hnsw_ef to 8,192",
            ),
        ],
    )
    def test_what_it_leaves_no_way_for_is_said_before_anything_is_embedded(
        self, place: Server, strict: Strict, limits: dict[str, Any], message: str
    ) -> None:
        strict(**limits)
        store = place.connect()
        refused(store, f"strict mode on collection {place.prefix}__skills__sample-.* {message}")
        store.close()

    def test_one_that_was_set_on_what_is_published_is_said_before_anything_is_embedded(
        self, place: Server, writer: ServerStore
    ) -> None:
        mode = models.StrictModeConfig(enabled=True, search_allow_exact=False)
        for name in writer.published().collections.values():
            writer.connection.client.update_collection(name, strict_mode_config=mode)
        store = place.connect()
        refused(store, "forbids to compare every vector, and it has no graph: set search_allow_exact to true")
        store.close()


class TestNames:
    def test_two_prefixes_do_not_see_each_other(self, place: Server, writer: ServerStore) -> None:
        other = place.connect(prefix=f"{place.prefix}-b")
        with pytest.raises(IndexNotFoundError, match=f"under '{place.prefix}-b__skills'"):
            other.published()
        with writer.lock("one"):
            move(other, NEW)
        assert (str(writer.current().parts[0]), str(other.current().parts[0])) == (str(OLD), str(NEW))
        (ours,), (theirs,) = writer.builds(), other.builds()
        with pytest.raises(StoreError, match="no build"):
            writer.remove(theirs.name)
        with pytest.raises(StoreError, match="not a complete build"):
            other.open(ours.name)
        other.close()

    def test_an_index_under_the_earlier_names_is_served_and_moved_without_a_gap(self) -> None:
        """On the stand-in alone, since these names are not a test's own."""
        with stand_in() as place:
            earlier = ServerStore(Connection([Address(place.url, place.key)]), prefix=EARLIER.prefix)
            move(earlier, OLD)
            store = ServerStore.connect(place.url, place.key)
            old = store.published()
            assert old.info == earlier.published().info
            seen = []

            def look() -> None:
                while not done:
                    seen.append(searching.published().info.taxonomies)

            done, searching = [], ServerStore.connect(place.url, place.key)
            with ThreadPoolExecutor(1) as pool:
                looking = pool.submit(look)
                report = move(store, NEW)
                done.append(True)
                looking.result()
            assert set(seen) | {report.build.taxonomies} == {old.info.taxonomies, report.build.taxonomies}
            assert report.build.base == old.info.name
            assert store.published().collections["skills"].startswith("skillsearch__skills__")
            assert earlier.published().info == old.info  # who still searches there does not notice
            assert [info.name for info in store.builds()] == [old.info.name, report.build.name]
            with pytest.raises(IndexNotFoundError):
                ServerStore.connect(place.url, place.key, prefix=new_prefix()).published()
            store.publish(old.info.name)
            assert store.published().info == old.info
            store.publish(report.build.name)
            store.remove(old.info.name)
            assert [info.name for info in store.builds()] == [report.build.name]

    def test_what_is_described_as_another_build_is_left_out(self, place: Server, writer: ServerStore) -> None:
        described = writer.current().to_dict()
        name = f"{place.prefix}__skills__theirs"
        writer.connection.client.create_collection(name, vectors_config={}, metadata=described)
        assert [info.name for info in writer.builds()] == [described["name"]]
        with pytest.raises(StoreError, match=f"{name} holds build sample-.*, expected theirs"):
            writer.open("theirs")


class Grpc(grpc.GenericRpcHandler):
    """Takes what is written, after it failed as often as it should."""

    def __init__(self, code: grpc.StatusCode, details: str, times: int) -> None:
        self.code, self.details, self.times = code, details, times

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        fails = details.method.endswith("/Upsert")

        def answer(_: bytes, context: grpc.ServicerContext) -> bytes:
            if fails and self.times > 0:
                self.times -= 1
                context.abort(self.code, self.details)
            done = messages.UpdateResult(status=messages.UpdateStatus.Completed)
            return bytes(messages.PointsOperationResponse(result=done).SerializeToString() if fails else b"")

        return grpc.unary_unary_rpc_method_handler(answer)


class Writer:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @translated
    def write(self) -> None:
        assert self.connection.bulk
        self.connection.bulk.upsert("x", [models.PointStruct(id=1, vector={}, payload={})], wait=True)


@pytest.mark.parametrize(
    ("code", "details", "times", "message"),
    [
        (grpc.StatusCode.UNAVAILABLE, "restarting", 2, None),
        (grpc.StatusCode.INTERNAL, "Service internal error: Failed to connect to http://peer", 2, None),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "Rate limiting exceeded", 2, None),
        (grpc.StatusCode.UNAVAILABLE, "restarting", 9, "answered 503: restarting"),
        (grpc.StatusCode.UNAUTHENTICATED, "Invalid API key or JWT", 1, "refuses the API key: Invalid"),
        (grpc.StatusCode.PERMISSION_DENIED, "Forbidden", 1, "does not allow this with the API key"),
        (grpc.StatusCode.INVALID_ARGUMENT, "Wrong input", 1, "answered 400: Wrong input"),
    ],
)
def test_faults_of_grpc_are_those_of_rest(
    code: grpc.StatusCode, details: str, times: int, message: str | None
) -> None:
    with stand_in() as place, ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool, handlers=[Grpc(code, details, times)])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        connection = Connection([Address(place.url, place.key, grpc_port=port)], attempts=3, patience=5)
        if message is None:
            Writer(connection).write()
        else:
            with pytest.raises(StoreError, match=f"the Qdrant server at {place.url} {message}"):
                Writer(connection).write()
        connection.close()
        server.stop(None).wait()


def test_a_port_without_grpc_is_done_without(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with stand_in() as place:
        store = ServerStore.connect(place.url, place.key, grpc_port=9)
        move(store, OLD)
        assert search(store.published())
        store.close()
    assert any("no gRPC at port 9 of" in message for message in caplog.messages)
