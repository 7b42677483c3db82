"""Disks that fill up, folders that cannot be written, servers that stop answering, writers that die."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash_runner import versions
from faults import (
    DROP_AFTER,
    DROP_BEFORE,
    HALF,
    PEER_AWAY,
    Action,
    FaultProxy,
    delay,
    namespaces_work,
    on,
    read_only_folder,
    small_filesystem,
    status,
)
from hash_encoder import HashEncoder
from indexing import index_taxonomy
from servers import Server, stand_in

import indexer.build
from indexer.build import BuildReport
from skillsearch.errors import StoreError, StoreLockedError, StoreUnavailableError
from skillsearch.store.base import Store
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.store.server import ServerStore
from skillsearch.store.server.calls import Connection
from skillsearch.store.server.lease import lease
from skillsearch.taxonomy.records import Taxonomy

OLD, NEW = versions()
TO_EMBED = 90
"""Concepts of the new version whose text is new."""

needs_namespaces = pytest.mark.skipif(
    not namespaces_work(), reason="mounting needs user namespaces, which this machine does not allow"
)


def move(store: Store, taxonomy: Taxonomy, encoder: HashEncoder | None = None) -> BuildReport:
    return index_taxonomy(taxonomy, encoder or HashEncoder(0.5), store, margin=1.0)


def version(store: Store) -> str:
    (part,) = store.published().info.parts
    return part.version


@pytest.fixture(params=["stand-in", "server"])
def place(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A stand-in or a real server, on which the old version is published."""
    if request.param == "server":
        yield _published(request.getfixturevalue("server"))
    else:
        with stand_in() as found:
            yield _published(found)


def _published(server: Server) -> Server:
    store = server.connect()
    move(store, OLD)
    store.close()
    return server


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexer.build, "_BATCH", 8)


def connect(place: Server, proxy: FaultProxy, timeout: int = 5, attempts: int = 3) -> ServerStore:
    return place.connect(url=proxy.url, timeout=timeout, attempts=attempts)


WRITES = {"method": "PUT", "path": "/points"}
PUBLISHING = {"path": "/collections/aliases"}


@pytest.mark.parametrize(
    "fault",
    [status(503), status(429), PEER_AWAY, DROP_BEFORE, DROP_AFTER, HALF, delay(1.5)],
    ids=["503", "429", "peer away", "drop before", "drop after", "half an answer", "timeout"],
)
@pytest.mark.parametrize(
    "requests", [WRITES | {"skip": 3}, PUBLISHING | {"method": "POST"}], ids=["write", "publish"]
)
def test_a_fault_that_passes_is_not_noticed(
    place: Server, fault: Action, requests: dict[str, object]
) -> None:
    with FaultProxy(place.url, on(fault, times=2, **requests)) as proxy:  # type: ignore[arg-type]
        store = connect(place, proxy, timeout=1)
        encoder = HashEncoder(0.5)
        assert move(store, NEW, encoder).is_new
        assert version(store) == NEW.version
        assert len(encoder.concepts) == len(set(encoder.concepts)) == TO_EMBED
        store.close()


@pytest.mark.parametrize("fault", [status(503), DROP_BEFORE], ids=["503", "drop before"])
def test_a_fault_that_stays_is_one_clear_error(place: Server, fault: Action) -> None:
    """What was written is gone on with once the server is back."""
    with FaultProxy(place.url, on(fault, skip=2, **WRITES)) as proxy:
        store = connect(place, proxy)
        first = HashEncoder(0.5)
        with pytest.raises(
            StoreUnavailableError, match=r"the Qdrant server at http\S+ (answered 503|does not answer)"
        ):
            move(store, NEW, first)
        assert version(store) == OLD.version
        proxy.rule = on(status(200), times=0)
        second = HashEncoder(0.5)
        report = move(store, NEW, second)
        assert version(store) == NEW.version
        assert 0 < report.embedded == len(second.concepts) < TO_EMBED
        assert len({*first.concepts, *second.concepts}) == TO_EMBED
        # the batch that was not written, and the one that was embedded meanwhile
        assert len(first.concepts) + len(second.concepts) <= TO_EMBED + 16
        store.close()


@pytest.mark.parametrize(("fault", "published"), [(DROP_BEFORE, OLD), (DROP_AFTER, NEW)])
def test_a_connection_lost_while_publishing(place: Server, fault: Action, published: Taxonomy) -> None:
    """Whether the server took the request or not, the index is whole, and the next run settles it."""
    with FaultProxy(place.url, on(fault, method="POST", **PUBLISHING)) as proxy:
        store = connect(place, proxy)
        with pytest.raises(StoreUnavailableError):
            move(store, NEW)
        assert version(store) == published.version
        proxy.rule = on(status(200), times=0)
        encoder = HashEncoder(0.5)
        report = move(store, NEW, encoder)
        assert (report.is_new, encoder.concepts) == (published is OLD, [])
        assert version(store) == NEW.version
        store.close()


def test_a_refused_key_is_not_tried_again() -> None:
    with stand_in() as place, FaultProxy(place.url) as proxy:
        store = place.connect(url=proxy.url, key="wrong")
        with pytest.raises(StoreUnavailableError, match="SKILLSEARCH_QDRANT_API_KEY"):
            store.published()
        assert [seen.path for seen in proxy.seen] == ["/", "/aliases"]
        store.close()


FULL = """
import os
import sys
from pathlib import Path
import indexer.build
from hash_encoder import HashEncoder
from test_reindex_faults import NEW, OLD, TO_EMBED, move, version
from skillsearch.errors import StoreError
from skillsearch.store.embedded import EmbeddedStore

indexer.build._BATCH = 16
folder = Path(sys.argv[1])
store = EmbeddedStore(folder / "index")
move(store, OLD)


class Filling(HashEncoder):
    def embedding(self, names):
        if len(self.concepts) == 32:
            with (folder / "filler").open("wb") as file:
                try:
                    while True:
                        os.write(file.fileno(), bytes(2**16))
                except OSError:
                    pass
        super().embedding(names)


first = Filling(0.5)
try:
    move(store, NEW, first)
except StoreError as error:
    print(error)
assert version(store) == OLD.version
(folder / "filler").unlink()
second = HashEncoder(0.5)
move(store, NEW, second)
assert version(store) == NEW.version
assert 0 < len(second.concepts) < TO_EMBED, len(second.concepts)
assert len({*first.concepts, *second.concepts}) == TO_EMBED
"""


@needs_namespaces
def test_a_disk_that_fills_up(tmp_path: Path) -> None:
    done = small_filesystem(
        tmp_path, 1500 * 2**20, ["env", *_python_path(), sys.executable, "-c", FULL, str(tmp_path)]
    )
    assert done.returncode == 0, done.stderr
    assert "full" in done.stdout
    assert "give the command again" in done.stdout


SMALL = """
import sys
from pathlib import Path
from test_reindex_faults import NEW, OLD, move, version
from skillsearch.errors import StoreError
from skillsearch.store.embedded import EmbeddedStore

store = EmbeddedStore(Path(sys.argv[1]) / "index")
try:
    move(store, NEW)
except StoreError as error:
    print(error)
"""


@needs_namespaces
def test_a_disk_that_is_too_small_is_told_before_anything_is_embedded(tmp_path: Path) -> None:
    done = small_filesystem(
        tmp_path, 8 * 2**20, ["env", *_python_path(), sys.executable, "-c", SMALL, str(tmp_path)]
    )
    assert done.returncode == 0, done.stderr
    assert "MB of room" in done.stdout
    assert "skillsearch prune" in done.stdout


@needs_namespaces
def test_a_folder_that_is_read_only(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "index")
    move(store, OLD)
    store.close()
    done = read_only_folder(tmp_path, ["env", *_python_path(), sys.executable, "-c", SMALL, str(tmp_path)])
    assert done.returncode == 0, done.stderr
    assert "cannot be written: Read-only file system" in done.stdout
    assert version(EmbeddedStore(tmp_path / "index")) == OLD.version


HOLD = """
import json, sys, time
from pathlib import Path
from servers import Server
from skillsearch.store.embedded import EmbeddedStore

where = sys.argv[1]
store = Server(**json.loads(where)).connect() if where.startswith("{") else EmbeddedStore(Path(where))
with store.lock("a long reindex"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("kind", ["embedded", "stand-in", "server"])
def test_the_lock_of_a_dead_process_is_taken_over(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if kind == "server":
        server: Server = request.getfixturevalue("server")
        take_over(server.to_json(), server.connect())
    elif kind == "stand-in":
        with stand_in() as server:
            take_over(server.to_json(), server.connect())
    else:
        take_over(str(tmp_path), EmbeddedStore(tmp_path))


def take_over(where: str, store: Store) -> None:
    path = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, where], stdout=subprocess.PIPE, text=True, env=path
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        start = time.perf_counter()
        with (
            pytest.raises(StoreLockedError, match=f"a long reindex, process {holder.pid} on"),
            store.lock("mine"),
        ):
            pytest.fail("both hold it")
        assert time.perf_counter() - start < 5
    finally:
        holder.kill()
        holder.wait()
        if holder.stdout:
            holder.stdout.close()
    with store.lock("mine"):
        pass
    store.close()


def test_a_server_that_went_away_does_not_keep_the_error_from_being_told(place: Server) -> None:
    with FaultProxy(place.url) as proxy:
        connection: Connection = connect(place, proxy, attempts=1).connection

        def lose_the_server() -> None:
            with lease(connection, "lock", "mine"):
                proxy.rule = on(DROP_BEFORE)
                raise StoreError("mine to tell")

        with pytest.raises(StoreError, match="mine to tell"):
            lose_the_server()
        connection.close()


def _python_path() -> list[str]:
    return [f"PYTHONPATH={Path(__file__).parent}", f"HOME={os.environ.get('HOME', '/')}", "OMP_NUM_THREADS=1"]
