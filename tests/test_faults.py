"""The proxy and the file systems that other tests find faults in."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from faults import (
    DROP_AFTER,
    DROP_BEFORE,
    PASS,
    Action,
    FaultProxy,
    delay,
    namespaces_work,
    on,
    read_only_folder,
    small_filesystem,
    status,
)
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse
from qdrant_rest import QdrantRest

needs_namespaces = pytest.mark.skipif(
    not namespaces_work(), reason="this machine allows no user and mount namespaces"
)


@pytest.fixture
def server() -> Iterator[QdrantRest]:
    with QdrantRest() as server:
        yield server


@pytest.fixture
def proxy(server: QdrantRest) -> Iterator[FaultProxy]:
    with FaultProxy(server.url) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[QdrantClient]:
    client = QdrantClient(url=proxy.url, timeout=1, check_compatibility=False)
    yield client
    client.close()


def create(client: QdrantClient, name: str = "words") -> None:
    client.create_collection(name, models.VectorParams(size=2, distance=models.Distance.COSINE))


def upsert(client: QdrantClient, number: int = 1) -> None:
    client.upsert("words", [models.PointStruct(id=number, vector=[0.0, 1.0], payload={"é": None})])


class TestProxy:
    def test_it_passes_everything_on(self, client: QdrantClient, proxy: FaultProxy) -> None:
        create(client)
        upsert(client)
        assert client.retrieve("words", [1])[0].payload == {"é": None}
        with pytest.raises(UnexpectedResponse, match="409"):
            create(client)
        assert [(seen.method, seen.path) for seen in proxy.seen] == [
            ("PUT", "/collections/words"),
            ("PUT", "/collections/words/points"),
            ("POST", "/collections/words/points"),
            ("PUT", "/collections/words"),
        ]
        assert (proxy.count(), proxy.count("PUT"), proxy.count("PUT", "/points")) == (4, 3, 1)

    def test_the_rule_sees_method_path_and_number(self, client: QdrantClient, proxy: FaultProxy) -> None:
        asked = []

        def rule(method: str, path: str, number: int) -> Action:
            asked.append((method, path, number))
            return PASS

        proxy.rule = rule
        create(client, "böser name")
        client.get_collections()
        assert asked == [("PUT", "/collections/böser name", 1), ("GET", "/collections", 2)]

    def test_a_busy_server(self, client: QdrantClient, proxy: FaultProxy) -> None:
        proxy.rule = on(status(503), times=2)
        for _ in range(2):
            with pytest.raises(UnexpectedResponse, match="503"):
                client.get_collections()
        assert client.get_collections().collections == []

    def test_a_request_that_is_lost(
        self, client: QdrantClient, proxy: FaultProxy, server: QdrantRest
    ) -> None:
        proxy.rule = on(DROP_BEFORE, method="PUT")
        with pytest.raises(ResponseHandlingException, match="disconnected"):
            create(client)
        assert not server.client.collection_exists("words")

    def test_an_answer_that_is_lost(
        self, client: QdrantClient, proxy: FaultProxy, server: QdrantRest
    ) -> None:
        proxy.rule = on(DROP_AFTER, method="PUT", times=1)
        with pytest.raises(ResponseHandlingException, match="disconnected"):
            create(client)
        assert server.client.collection_exists("words")
        with pytest.raises(UnexpectedResponse, match="409"):
            create(client)

    def test_an_answer_that_comes_too_late(
        self, client: QdrantClient, proxy: FaultProxy, server: QdrantRest
    ) -> None:
        proxy.rule = on(delay(1.5), method="PUT")
        with pytest.raises(ResponseHandlingException, match="timed out"):
            create(client)
        until = time.monotonic() + 5
        while not server.client.collection_exists("words") and time.monotonic() < until:
            time.sleep(0.05)
        assert server.client.collection_exists("words")

    def test_a_delay_is_not_waited_for_at_the_end(self, server: QdrantRest) -> None:
        begun = time.monotonic()
        with FaultProxy(server.url, on(delay(60, DROP_BEFORE))) as proxy, pytest.raises(httpx.ReadTimeout):
            httpx.get(proxy.url, timeout=0.1)
        assert time.monotonic() - begun < 10

    def test_rules_for_some_requests(self) -> None:
        rule = on(DROP_AFTER, method="PUT", path="/points", skip=1, times=2)
        requests = [("PUT", "/collections/a"), *[("PUT", "/collections/a/points")] * 4, ("POST", "/points")]
        actions = [rule(method, path, number) for number, (method, path) in enumerate(requests, 1)]
        assert actions == [PASS, PASS, DROP_AFTER, DROP_AFTER, PASS, PASS]
        assert delay(2, status(503)) == Action("status", 503, seconds=2)

    def test_a_server_that_is_gone_and_comes_back(
        self, client: QdrantClient, proxy: FaultProxy, server: QdrantRest
    ) -> None:
        create(client)
        server.stop()
        with pytest.raises(ResponseHandlingException, match="disconnected"):
            client.get_collections()
        server.start()
        assert [found.name for found in client.get_collections().collections] == ["words"]

    def test_threads_share_it(self, client: QdrantClient, proxy: FaultProxy) -> None:
        create(client)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: upsert(client, number), range(40)))
        assert client.count("words").count == 40
        assert proxy.count("PUT", "/points") == 40


@needs_namespaces
class TestFileSystems:
    def test_a_small_one_gets_full(self, tmp_path: Path) -> None:
        code = (
            "import errno, sys; from pathlib import Path\n"
            "try: Path(sys.argv[1], 'large').write_bytes(bytes(2_000_000))\n"
            "except OSError as error: print(errno.errorcode[error.errno])"
        )
        done = small_filesystem(tmp_path / "small", "1m", code, tmp_path / "small")
        assert (done.returncode, done.stdout, done.stderr) == (0, "ENOSPC\n", "")
        assert list((tmp_path / "small").iterdir()) == []

    def test_a_small_one_can_begin_with_files_and_leave_some(self, tmp_path: Path) -> None:
        folder, kept = tmp_path / "small", tmp_path / "kept"
        (folder / "a").mkdir(parents=True)
        (folder / "a" / "old").write_text("old", encoding="utf-8")
        command = ["sh", "-c", 'cat "$0/a/old" && echo new > "$0/new" && pwd && exit 3', folder]
        done = small_filesystem(folder, "1m", [str(word) for word in command], fill=folder, keep=kept)
        assert (done.returncode, done.stdout, done.stderr) == (3, f"old{os.getcwd()}\n", "")
        assert sorted(str(path.relative_to(kept)) for path in kept.rglob("*")) == ["a", "a/old", "new"]
        assert sorted(path.name for path in folder.rglob("*")) == ["a", "old"]

    def test_one_that_cannot_be_mounted_is_told(self, tmp_path: Path) -> None:
        done = small_filesystem(tmp_path / "small", "wrong", ["echo", "not run"])
        assert done.returncode != 0
        assert done.stdout == ""
        assert "mount" in done.stderr

    def test_a_folder_can_be_read_only(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("text", encoding="utf-8")
        code = (
            "import errno, sys; from pathlib import Path\n"
            "print(Path(sys.argv[1], 'file').read_text())\n"
            "try: Path(sys.argv[1], 'new').touch()\n"
            "except OSError as error: print(errno.errorcode[error.errno])"
        )
        done = read_only_folder(tmp_path, code, tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "text\nEROFS\n", "")
        (tmp_path / "new").touch()
