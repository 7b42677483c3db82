"""Kills a reindex at many moments, each time starts it again, and compares the result with a clean build.

A process of its own without torch, so that it can fork: a child does the work and is killed with
SIGKILL, the parent never opens the index. Run by tests/test_reindex_crash.py:

    python crash_runner.py STORE POINTS FOLDER     STORE is `embedded` or a `Server` as JSON
"""

import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hash_encoder import HashEncoder
from indexing import index_taxonomy
from servers import Server

import indexer.build
from indexer.read.esco import read_sample
from skillsearch.progress import Advance, silent
from skillsearch.store.base import SPACES, Build, Store
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.store.embedded.files import copy_folder
from skillsearch.taxonomy.records import Skill, Taxonomy

Content = dict[str, dict[str, list[Any]]]

BATCH = 16
"""Concepts made durable at a time: what a kill may lose."""

STAGES = ("plan", "embed", "write", "check", "publish", "done")
"""Of a reindex, in their order; each is killed once as it begins."""


class SlowEncoder(HashEncoder):
    """Takes a moment for each concept, and writes down what it embedded."""

    log: Path

    @classmethod
    def at(cls, log: Path) -> "SlowEncoder":
        """One that writes to a file."""
        encoder = cls(0.5)
        encoder.log = log
        return encoder

    def embedding(self, names: Sequence[Sequence[str]]) -> None:
        time.sleep(0.002 * len(names))
        with self.log.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(list(some)) + "\n" for some in names)


class Crashes:
    """One store, an old and a new version of a taxonomy, and a clean build of the new one."""

    def __init__(self, server: Server | None, folder: Path) -> None:
        self._server, self._folder = server, folder
        self._log, self._stages = folder / "embedded.log", folder / "stages.log"
        self._old, self._new = versions()
        self._fatal = ""  # the stage that kills its own process as it begins

    def run(self, points: int) -> dict[str, object]:
        """Kill as each stage begins, and at `points` moments spread over the time that the whole takes."""
        clean = in_child(self._clean)
        assert clean == 0, "the clean build failed"
        seconds = min(self._timed() for _ in range(2))
        stages, lost = [], []
        for number in range(len(STAGES) + points):
            if number < len(STAGES):
                self._kill_at(STAGES[number])
            else:
                self._kill_after(seconds * (number - len(STAGES) + 0.5) / points)
            stages.append(self._stages.read_text().split()[-1] if self._stages.exists() else "start")
            assert in_child(self._recover) == 0, f"after kill {number}, at {stages[-1]}"
            texts = self._log.read_text().splitlines() if self._log.exists() else []
            lost.append(len(texts) - len(set(texts)))
        return {"seconds": round(seconds, 2), "stages": stages, "embedded_twice": lost}

    def _kill_at(self, stage: str) -> None:
        """Let a run kill itself as a stage begins."""
        self._reset()
        self._fatal = stage
        assert in_child(self._reindex) == -signal.SIGKILL, f"there was no stage {stage}"
        self._fatal = ""

    def _kill_after(self, seconds: float) -> None:
        """Kill a run; earlier if it was done by then."""
        status = 0
        while not os.WIFSIGNALED(status):
            self._reset()
            child = start(self._reindex)
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
            status = os.waitpid(child, 0)[1]
            seconds *= 0.9

    def _timed(self) -> float:
        self._reset()
        start = time.perf_counter()
        assert in_child(self._reindex) == 0
        return time.perf_counter() - start

    def _open(self) -> Store:
        if self._server is None:
            return EmbeddedStore(self._folder / "index")
        return self._server.connect(attempts=3)

    def _clean(self) -> None:
        """Build the old version where each run starts, and the new one to compare with."""
        self._reset(empty=True)
        store = self._open()
        index_taxonomy(self._new, SlowEncoder.at(self._folder / "clean.log"), store)
        (self._folder / "clean.json").write_text(json.dumps(content(store.published())))
        store.close()
        self._reset(empty=True)
        store = self._open()
        index_taxonomy(self._old, SlowEncoder.at(self._folder / "clean.log"), store)
        (self._folder / "old").write_text(store.published().info.name)
        store.close()
        if self._server is None:
            copy_folder(self._folder / "index", self._folder / "index-old")

    def _reset(self, *, empty: bool = False) -> None:
        """Only the old version is there, and published."""
        self._log.unlink(missing_ok=True)
        self._stages.unlink(missing_ok=True)
        if self._server is None:
            shutil.rmtree(self._folder / "index", ignore_errors=True)
            if not empty:
                copy_folder(self._folder / "index-old", self._folder / "index")
            return
        assert in_child(lambda: self._reset_server(empty)) == 0

    def _reset_server(self, empty: bool) -> None:
        assert self._server is not None
        if empty:
            self._server.clean()
            return
        store = self._server.connect()
        old = (self._folder / "old").read_text()
        store.publish(old)
        for info in store.builds():
            if info.name != old:
                store.remove(info.name)
        store.close()

    def _recover(self) -> None:
        """What is published answers, and the next run ends with what a clean build holds."""
        store = self._open()
        self._answers(store.published())
        self._move(store)
        assert_same(content(store.published()), json.loads((self._folder / "clean.json").read_text()))
        store.close()

    def _reindex(self) -> None:
        store = self._open()
        self._move(store)
        store.close()

    def _move(self, store: Store) -> None:
        """As the command does it."""

        def told(stage: str, total: int | None = None, /) -> Advance:
            self._tell(stage)
            return silent(stage, total)

        index_taxonomy(self._new, SlowEncoder.at(self._log), store, margin=1.0, progress=told)
        self._tell("done")

    def _tell(self, stage: str) -> None:
        with self._stages.open("a", encoding="utf-8") as file:
            file.write(stage + "\n")
        if stage == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def _answers(self, build: Build) -> None:
        """A search finds a whole version, the old or the new one."""
        version = {part.version for part in build.info.parts}
        taxonomy = self._new if version == {self._new.version} else self._old
        assert {point.uri for point in build.scan("skills")} == set(taxonomy.skills)
        vector = HashEncoder(0.5).encode(["data scientist"])[0]
        assert len(build.query("skills", vector.tolist(), 10)) == 10


def in_child(work: Callable[[], object]) -> int:
    """The exit code of a child process that does some work."""
    return os.waitstatus_to_exitcode(os.waitpid(start(work), 0)[1])


def start(work: Callable[[], object]) -> int:
    """The id of a child process that does some work."""
    child = os.fork()
    if child:
        return child
    code = 1
    with suppress(BaseException):
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
    sys.stderr.flush()
    os._exit(code)


def versions() -> tuple[Taxonomy, Taxonomy]:
    """A part of the sample, and the same with concepts renamed, added, removed and related otherwise."""
    whole = read_sample().taxonomy
    skills = dict(list(whole.skills.items())[:120])
    occupations = dict(list(whole.occupations.items())[:30])
    relations = tuple(r for r in whole.relations if r.skill in skills and r.occupation in occupations)
    old = replace(whole, skills=_closed(whole, skills), occupations=occupations, relations=relations)
    skills = dict(old.skills)
    uris = list(skills)
    changed = {uri: skills[uri] for uri in uris[10:]}
    for uri in uris[10:60]:
        changed[uri] = replace(changed[uri], label=f"{changed[uri].label} anew")
    for uri in uris[60:80]:
        changed[uri] = replace(changed[uri], description="another description")
    for number in range(40):
        uri = f"https://example.org/new/{number}"
        changed[uri] = Skill(uri, f"new skill {number}", alt_labels=(f"alias {number}",))
    kept = tuple(r for r in relations if r.skill in changed)[5:]
    return old, replace(old, version="1.0.1", skills=_closed(old, changed), relations=kept)


def _closed(taxonomy: Taxonomy, skills: dict[str, Skill]) -> dict[str, Skill]:
    """Without parents that are not there."""
    there = skills.keys() | taxonomy.groups.keys()
    return {
        uri: replace(skill, broader=tuple(parent for parent in skill.broader if parent in there))
        for uri, skill in skills.items()
    }


def content(build: Build) -> Content:
    """Every point of a build: payload and vector, by space and URI."""
    return {
        space: {point.uri: [point.payload, list(point.vector)] for point in build.scan(space, vectors=True)}
        for space in SPACES
    }


def assert_same(found: Content, expected: Content) -> None:
    """Same ids, same payloads, same vectors up to the rounding of half precision."""
    assert found.keys() == expected.keys()
    for space, points in expected.items():
        assert found[space].keys() == points.keys(), f"other {space}"
        for uri, (payload, vector) in points.items():
            assert found[space][uri][0] == payload, f"the payload of {uri} differs"
            np.testing.assert_allclose(found[space][uri][1], vector, atol=1e-3, err_msg=uri)


if __name__ == "__main__":
    indexer.build._BATCH = BATCH
    _, where, count, place = sys.argv
    server = None if where == "embedded" else Server(**json.loads(where))
    sys.stdout.write(json.dumps(Crashes(server, Path(place)).run(int(count))))
