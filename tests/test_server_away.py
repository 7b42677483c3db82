"""A server that restarts, and one of several addresses that is dead."""

import threading
import time
from collections.abc import Iterator

import pytest
from crash_runner import versions
from faults import DROP_BEFORE, FaultProxy, on
from hash_encoder import HashEncoder
from indexing import index_taxonomy
from servers import Server, stand_in

from skillsearch.errors import StoreUnavailableError
from skillsearch.progress import Advance, silent

OLD, NEW = versions()


@pytest.fixture(params=["stand-in", "server"])
def place(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A stand-in or a real server, on which the old version is published."""
    if request.param == "server":
        server: Server = request.getfixturevalue("server")
        yield publish(server)
    else:
        with stand_in() as server:
            yield publish(server)


def publish(server: Server) -> Server:
    store = server.connect()
    index_taxonomy(OLD, HashEncoder(0.5), store)
    store.close()
    return server


@pytest.mark.parametrize("stage", ["plan", "embed", "write", "check", "publish"])
def test_a_reindex_waits_for_a_server_that_restarts(
    place: Server, stage: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so once, and embeds nothing twice."""
    with FaultProxy(place.url) as proxy:
        store = place.connect(url=proxy.url)

        def restart(found: str, total: int | None = None, /) -> Advance:
            if found == stage:
                proxy.rule = on(DROP_BEFORE)
                threading.Timer(1.5, lambda: setattr(proxy, "rule", on(DROP_BEFORE, times=0))).start()
            return silent(found, total)

        encoder = HashEncoder(0.5)
        report = index_taxonomy(NEW, encoder, store, margin=1.0, progress=restart)
        assert report.is_new
        assert len(encoder.concepts) == len(set(encoder.concepts))
        assert str(store.current().parts[0]) == str(NEW)
        store.close()
    assert caplog.messages == [
        f"the Qdrant server at {proxy.url} does not answer: waiting for it, up to 20 s"
    ]


def test_a_search_asks_the_next_address_at_once(place: Server) -> None:
    vector = HashEncoder(0.5).encode(["data scientist"])[0].tolist()
    store = place.connect(url=["http://127.0.0.1:9", place.url])
    begun = time.perf_counter()
    assert len(store.published().query("skills", vector, 10)) == 10
    assert time.perf_counter() - begun < 1
    store.close()


def test_a_search_waits_for_seconds_alone() -> None:
    with stand_in() as place:
        url = place.url
    store = place.connect(patience=0.5)
    begun = time.perf_counter()
    with pytest.raises(StoreUnavailableError, match=rf"{url} does not answer \(.*\), tried for 1 s: is it r"):
        store.published()
    assert time.perf_counter() - begun < 5
    store.close()
