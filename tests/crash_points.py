"""Lets a process die at each write of an operation, before and after the server had it, and recovers.

Requests that read leave the server as it is, so a death at one of them is one before the next write.
A process of its own without threads, so that it can fork. Run by tests/test_reindex_crash.py:

    python crash_points.py SERVER OPERATION     a `Server` as JSON, and reindex, rollback or prune
"""

import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import httpx
from crash_runner import assert_same, content, in_child, versions
from hash_encoder import HashEncoder
from indexing import index_taxonomy
from servers import Server

import indexer.build
from indexer.builds import prune, rollback
from skillsearch.store.server import ServerStore
from skillsearch.taxonomy.records import Taxonomy

Operation = Literal["reindex", "rollback", "prune"]


def small(taxonomy: Taxonomy) -> Taxonomy:
    """A few concepts of each kind, of which the versions share some and not others."""
    skills = dict(list(taxonomy.skills.items())[40:90:5])
    bare = {uri: replace(skill, broader=()) for uri, skill in skills.items()}
    occupations = dict(list(taxonomy.occupations.items())[:3])
    kept = tuple(r for r in taxonomy.relations if r.skill in skills and r.occupation in occupations)
    return replace(taxonomy, skills=bare, occupations=occupations, relations=kept)


OLD, NEW = map(small, versions())


class CrashPoints:
    """The writes of an operation on a server, at each of which a process dies."""

    def __init__(self, server: Server, operation: Operation, log: Path) -> None:
        self._server, self._operation, self._log = server, operation, log

    def run(self) -> dict[str, object]:
        """Die at each point, recover, and compare; tells the points."""
        self._log.unlink(missing_ok=True)
        self._require(in_child(self._clean), 0, "a clean build")
        self._require(in_child(lambda: self._reset()), 0, "the start")
        self._require(in_child(lambda: self._operate(self._note)), 0, "the whole")
        requests = self._log.read_text(encoding="utf-8").splitlines()
        points = thinned(requests)
        died = 0
        for number in points:
            for after in (False, True):
                name = f"request {number}, {requests[number - 1]}, {'after' if after else 'before'}"
                self._require(in_child(self._reset), 0, name)
                fatal = lambda: self._operate(lambda n, _, sent: self._die(sent == after and n == number))  # noqa: B023, E731
                self._require(in_child(fatal), -signal.SIGKILL, name)
                self._require(in_child(self._recover), 0, name)
                died += 1
        return {"points": [requests[number - 1] for number in points], "died": died, "all": len(requests)}

    def _clean(self) -> None:
        self._server.clean()
        store = self._server.connect()
        self._move(store, NEW)
        self._log.with_suffix(".json").write_text(json.dumps(content(store.published())), encoding="utf-8")
        store.close()

    def _reset(self) -> None:
        """Only the old version is there, or both, and the last is published."""
        self._server.clean()
        store = self._server.connect()
        for taxonomy in (OLD,) if self._operation == "reindex" else (OLD, NEW):
            self._move(store, taxonomy)
        store.close()

    def _operate(self, at_request: Callable[[int, str, bool], object]) -> None:
        """Do it, and tell of each request before and after it was sent."""
        send, lock, numbers = httpx.Client.send, threading.Lock(), iter(range(1, 10_000))

        def counted(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
            with lock:
                number = next(numbers)
            name = f"{request.method} {request.url.path.replace(self._server.prefix, '')}"
            at_request(number, name, False)
            response = send(client, request, **options)
            at_request(number, name, True)
            return response

        httpx.Client.send = counted  # type: ignore[method-assign]
        store = self._server.connect(attempts=2)
        if self._operation == "reindex":
            self._move(store, NEW)
        elif self._operation == "rollback":
            rollback(store)
        else:
            prune(store, 1)

    def _recover(self) -> None:
        """What is published answers, and the operation is done by the next try."""
        store = self._server.connect(attempts=2)
        build = store.published()
        version = OLD if build.info.taxonomies == str(OLD) else NEW
        assert {point.uri for point in build.scan("skills")} == set(version.skills)
        assert len(build.query("skills", HashEncoder(0.5).encode(["data"])[0].tolist(), 5)) == 5
        if self._operation == "rollback":
            old = next(info.name for info in store.builds() if info.taxonomies == str(OLD))
            assert rollback(store, old).name == store.current().name == old
        self._move(store, NEW)
        expected = json.loads(self._log.with_suffix(".json").read_text(encoding="utf-8"))
        assert_same(content(store.published()), expected)
        prune(store, 1)
        assert [info.name for info in store.builds()] == [store.current().name]
        ours = [
            found.name
            for found in store.connection.client.get_collections().collections
            if found.name.startswith(self._server.prefix)
        ]
        assert len(ours) == 3, ours  # two of the build and the lock
        store.close()

    def _move(self, store: ServerStore, taxonomy: Taxonomy) -> None:
        index_taxonomy(taxonomy, HashEncoder(0.5), store, margin=1.0)

    def _note(self, _: int, name: str, is_sent: bool) -> None:
        if not is_sent:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(f"{name}\n")

    def _die(self, is_time: bool) -> None:
        if is_time:
            os.kill(os.getpid(), signal.SIGKILL)

    def _require(self, found: int, expected: int, name: str) -> None:
        assert found == expected, f"{name}: exit code {found}, expected {expected}"


def thinned(requests: Sequence[str]) -> list[int]:
    """The numbers of those that write, from 1; of more than two alike in a row the first and the last."""
    writes = [(number, name) for number, name in enumerate(requests, 1) if is_write(name)]
    names = ["", *(name for _, name in writes), ""]
    return [
        number for row, (number, name) in enumerate(writes, 1) if not names[row - 1] == name == names[row + 1]
    ]


def is_write(request: str) -> bool:
    """Whether a request, method and path, changes what the server holds."""
    return not request.startswith(("GET", "POST")) or request == "POST /collections/aliases"


if __name__ == "__main__":
    indexer.build._BATCH = 4
    _, where, what = sys.argv
    with tempfile.TemporaryDirectory() as folder:
        points = CrashPoints(Server(**json.loads(where)), what, Path(folder) / "log")  # type: ignore[arg-type]
        sys.stdout.write(json.dumps(points.run()))
