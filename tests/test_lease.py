"""The write lock: never held by two at once, on every store that has one, whatever goes wrong."""

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import models
from qdrant_rest import QdrantRest

from skillsearch.errors import StoreLockedError
from skillsearch.store.base import Store
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.store.locks import Holder
from skillsearch.store.server import ServerStore
from skillsearch.store.server.calls import Connection
from skillsearch.store.server.lease import CLOCKS, LEASE, Lease, lease

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]
PROCESSES = 8
ACQUISITIONS = 1000


@pytest.fixture(params=["embedded", "stand-in", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a lock is: a folder, or the URL of a server."""
    if request.param == "embedded":
        yield str(tmp_path / "index")
    elif request.param == "stand-in":
        with QdrantRest() as server:
            yield server.url
    elif url := os.environ.get("SKILLSEARCH_TEST_QDRANT_URL"):
        yield url
    else:
        pytest.skip("no Qdrant server: set SKILLSEARCH_TEST_QDRANT_URL")


def open_place(place: str) -> Store:
    if place.startswith("http"):
        key = os.environ.get("SKILLSEARCH_TEST_QDRANT_API_KEY")
        return ServerStore.connect(place, key, prefix="test-lease", grpc_port=0)
    return EmbeddedStore(Path(place))


def contend(place: str, inside: Any, overlaps: Any, held: Any) -> None:  # noqa: ANN401 - synchronised numbers
    """Take the lock again and again until it was held often enough, and note who else is inside."""
    store = open_place(place)
    while held.value < ACQUISITIONS:
        try:
            with store.lock("contention"):
                with inside.get_lock():
                    inside.value += 1
                    overlaps.value += inside.value > 1
                time.sleep(0.0005)
                with inside.get_lock():
                    inside.value -= 1
                with held.get_lock():
                    held.value += 1
        except StoreLockedError:
            time.sleep(0.001)
    store.close()


def test_eight_processes_never_hold_it_at_once(place: str) -> None:
    context = multiprocessing.get_context("fork")
    numbers: list[Synchronized[int]] = [context.Value("i", 0) for _ in range(3)]
    processes = [context.Process(target=contend, args=(place, *numbers)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    _, overlaps, held = numbers
    assert overlaps.value == 0
    assert held.value >= ACQUISITIONS


@pytest.fixture
def connection() -> Iterator[Connection]:
    store = ServerStore.in_memory()
    yield store.connection
    store.close()


def another(connection: Connection, purpose: str, **seconds: float) -> Lease:
    """A lease of another host, whose processes cannot be seen from here."""
    found = Lease(connection, "lock", purpose, **seconds)
    found._holder = replace(found._holder, host="elsewhere", pid=1, processes="another boot")
    return found


def state(connection: Connection) -> dict[str, Any]:
    return dict(connection.client.retrieve("lock", [1])[0].payload or {})


def test_who_read_before_another_took_it_does_not_get_it(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stalls between reading and writing, while B takes the lock, or takes it and gives it back."""
    for gives_back in (False, True):
        a, b = another(connection, "A"), another(connection, "B")
        write = Lease._write
        stalled = [a]

        def stall(self: Lease, *args: Any) -> None:  # noqa: ANN401
            if self in stalled:  # noqa: B023
                stalled.clear()  # noqa: B023
                b.take()  # noqa: B023
                if gives_back:  # noqa: B023
                    b.give_back()  # noqa: B023
            write(self, *args)  # noqa: B023

        monkeypatch.setattr(Lease, "_write", stall)
        with pytest.raises(StoreLockedError):
            a.take()
        monkeypatch.undo()
        assert state(connection)["owner"] == ("" if gives_back else b.owner)
        b.give_back()


def test_the_token_grows_with_each_holder_and_a_lost_lock_stops_its_writer(connection: Connection) -> None:
    first, second = another(connection, "A"), another(connection, "B")
    first.take()
    first.confirm()
    connection.client.set_payload(
        "lock", {"renewed": time.time() - LEASE - CLOCKS - 1}, [1], wait=True
    )  # A was not heard of
    second.take()
    assert second.token == first.token + 1
    with pytest.raises(StoreLockedError, match="was lost"):
        first.confirm()
    with pytest.raises(StoreLockedError, match="give the command again"):
        first.require()
    first.give_back()  # changes nothing
    second.confirm()
    second.give_back()


def test_a_holder_whose_clock_differs_by_a_minute_keeps_it(connection: Connection) -> None:
    first = another(connection, "A")
    first.take()
    for seconds in (-CLOCKS, CLOCKS):
        connection.client.set_payload("lock", {"renewed": time.time() + seconds}, [1], wait=True)
        with pytest.raises(StoreLockedError, match="is being written by A, process 1 on elsewhere"):
            another(connection, "B").take()
    first.give_back()


def test_a_renewal_that_fails_is_noticed(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    held = another(connection, "A", seconds=0.2)
    held.take()
    done = threading.Event()
    renewal = threading.Thread(target=held.keep, args=(done,))
    renewal.start()
    time.sleep(0.5)
    held.require()  # it was renewed
    monkeypatch.setattr(Lease, "_write", _away)
    time.sleep(0.5)
    with pytest.raises(StoreLockedError, match=r"could not be renewed for 0 s"):
        held.require()
    done.set()
    renewal.join()


def test_a_renewal_notices_that_another_process_took_it(connection: Connection) -> None:
    held = another(connection, "A", seconds=0.2)
    held.take()
    connection.client.set_payload("lock", {"owner": "other"}, [1], wait=True)
    held.keep(threading.Event())  # ends by itself
    with pytest.raises(StoreLockedError):
        held.require()


def test_a_lock_that_could_not_be_given_back_does_not_shut_out_its_own_process(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = another(connection, "A")
    held.take()
    monkeypatch.setattr(Lease, "_write", _away)
    held.give_back()
    monkeypatch.undo()
    assert state(connection)["owner"] == held.owner  # still, for everybody else
    again = another(connection, "A again")
    again.take()
    again.give_back()


def test_a_holder_that_is_gone_from_this_host_is_not_waited_for(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Lease(connection, "lock", "A")
    held.take()
    monkeypatch.setattr(Holder, "is_gone", lambda _self: True)
    with lease(connection, "lock", "B"):
        pass


def test_locks_of_earlier_versions_are_heeded_and_removed(connection: Connection) -> None:
    client = connection.client
    for age, holds in ((LEASE / 2, True), (LEASE * 2, False)):
        known = {"purpose": "theirs", "host": "elsewhere", "pid": 1, "since": "then"}
        client.create_collection(
            "skillsearch-lock-7", vectors_config={}, metadata=known | {"renewed": time.time() - age}
        )
        if holds:
            with pytest.raises(StoreLockedError, match="theirs, process 1 on elsewhere"):
                Lease(connection, "lock", "mine").take()
            client.delete_collection("skillsearch-lock-7")
        else:
            with lease(connection, "lock", "mine"):
                assert not client.collection_exists("skillsearch-lock-7")


def test_a_writer_that_lost_its_lock_neither_writes_nor_publishes(monkeypatch: pytest.MonkeyPatch) -> None:
    from test_store import built, info, point

    store = ServerStore.in_memory()
    build = built(store, [point(1)])
    with store.lock("mine"):
        draft = store.draft(info("two", 1))
        client = store.connection.client
        client.upsert(
            "skillsearch__lock", [models.PointStruct(id=1, vector={}, payload={"owner": "other", "token": 9})]
        )
        with pytest.raises(StoreLockedError):
            store.publish(build.info.name)
        with pytest.raises(StoreLockedError):
            draft.upsert("skills", [point(2)])
        with pytest.raises(StoreLockedError):
            store.remove(build.info.name)
    assert store.builds()
    store.close()


def _away(*_: object) -> None:
    from skillsearch.errors import StoreUnavailableError

    raise StoreUnavailableError("away")
