"""The embedded store among other processes: builds removed while they are opened, and what the dead leave."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faults import namespaces_work, read_only_folder, small_filesystem
from test_store import built, info, point

from indexer.builds import prune
from skillsearch.errors import StoreError
from skillsearch.store.embedded import EmbeddedStore, files
from skillsearch.store.embedded.build import EmbeddedBuild
from skillsearch.store.info import SCHEMA_VERSION
from skillsearch.store.locks import Holder


def published(folder: Path) -> EmbeddedStore:
    store = EmbeddedStore(folder)
    built(store, [point(1)])
    store.publish("test-one")
    return store


@pytest.mark.parametrize("read", [EmbeddedStore.published, EmbeddedStore.current])
def test_a_build_that_is_removed_while_it_is_opened(
    read: Callable[[EmbeddedStore], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = published(tmp_path)
    built(store, [point(2)], "two")
    name = store._required_name  # what a reader knows before another process publishes and prunes

    def late() -> str:
        found = name()
        if found == "test-one":
            store.publish("test-two")
            store.remove("test-one")
        return found

    monkeypatch.setattr(store, "_required_name", late)
    found = read(store)
    assert getattr(found, "info", found).name == "test-two"
    assert [path.name for path in (tmp_path / "builds").iterdir()] == ["test-two"]


def test_a_build_whose_files_are_gone_leaves_no_new_ones(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        EmbeddedBuild(tmp_path / "gone", info()).count("skills")
    assert list(tmp_path.iterdir()) == []


SEARCH = """
import sys, tempfile
from pathlib import Path
from skillsearch.errors import StoreError
from skillsearch.store.embedded import EmbeddedStore

tempfile.tempdir = sys.argv[2]
try:
    build = EmbeddedStore(Path(sys.argv[1])).published()
    print(build.count("skills"), len(list(Path(sys.argv[2]).iterdir())))
    build.close()
except StoreError as error:
    print(error)
"""


@pytest.mark.skipif(not namespaces_work(), reason="this machine allows no user and mount namespaces")
def test_a_read_only_disk_is_searched_by_a_copy(tmp_path: Path) -> None:
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    scratch.mkdir()
    published(home).close()
    done = read_only_folder(home, SEARCH, home, scratch)
    assert (done.returncode, done.stdout) == (0, "1 1\n"), done.stderr
    assert list(scratch.iterdir()) == []
    done = read_only_folder(tmp_path, SEARCH, home, scratch)
    assert "set TMPDIR to a folder with room" in done.stdout


def test_what_dead_processes_left_is_removed(tmp_path: Path) -> None:
    store = published(tmp_path)
    builds = tmp_path / "builds"
    (builds / "ghost" / "skills" / "segments").mkdir(parents=True)
    (builds / ".removed-old").mkdir()
    (builds / "test-one" / ".build.json.12").touch()
    (tmp_path / ".CURRENT.12").touch()
    (builds / "strange").mkdir()
    (builds / "strange" / "notes.txt").touch()  # nobody knows what this is
    typed = '{"schema_version": 2, "name": 5}'
    drafts = {"broken": "{", "nested": "[" * 100_000, "typed": typed, "number": 7, "bytes": b"\xff"}
    newer = json.dumps(info("newer").to_dict() | {"schema_version": SCHEMA_VERSION + 1})
    for name, description in (drafts | {"newer": newer}).items():
        store.draft(info(name)).close()
        with sqlite3.connect(builds / f"test-{name}" / "draft.sqlite") as database:
            database.execute("update info set description = ?", (description,))
        database.close()
    (builds / "test-torn").mkdir()
    (builds / "test-torn" / "draft.sqlite").write_bytes(b"no database")
    assert [one.name for one in store.builds()] == ["test-one"]
    with pytest.raises(StoreError, match="skillsearch prune"):
        store.draft(info("broken"))
    assert prune(store, 1) == []
    assert sorted(path.name for path in builds.iterdir()) == ["strange", "test-newer", "test-one"]
    assert not (tmp_path / ".CURRENT.12").exists()
    assert not (builds / "test-one" / ".build.json.12").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"parts": "x"},
        {"parts": [{"taxonomy": "t", "version": "1", "language": "en", "skills": "x", "occupations": 0}]},
        {"created": 5},
        {"quality": [1]},
        {"quality": {"recall": "much"}},
        {"state": "odd"},
        {"dimension": None},
        {"view_version": 10**400},
        {"quality": {"recall": float("inf")}},
    ],
)
def test_a_description_of_another_form(wrong: dict[str, object], tmp_path: Path) -> None:
    store = published(tmp_path)
    path = tmp_path / "builds" / "test-one" / "build.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | wrong), encoding="utf-8")
    with pytest.raises(StoreError, match=r"build\.json"):
        store.current()
    assert store.builds() == []


def test_a_size_where_the_system_tells_no_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(bytes(1000))
    monkeypatch.setattr(files, "_files", lambda folder: [SimpleNamespace(st_size=1000)])
    assert files.allocated_bytes(tmp_path) == 1000


def test_only_a_process_that_can_be_seen_is_known_to_be_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    gone = replace(Holder.here("test"), pid=child.pid)
    assert gone.is_gone()
    assert not Holder.here("test").is_gone()

    def refuse(pid: int, signal: int) -> None:
        pytest.fail("a process of another place was asked")

    monkeypatch.setattr(os, "kill", refuse)
    assert not replace(gone, processes="another container").is_gone()
    assert not replace(gone, processes="").is_gone()
    monkeypatch.setattr("skillsearch.store.locks._processes", lambda: "")  # Windows, where 0 is a signal
    assert not Holder.here("test").is_gone()


def test_the_holder_of_an_earlier_version_is_read() -> None:
    earlier = {"purpose": "test", "host": socket.gethostname(), "pid": 1, "since": "then", "renewed": 1.0}
    assert Holder.of(earlier) == Holder("test", socket.gethostname(), 1, "then")
    assert Holder.of({"purpose": "test"}) is None


OPEN = """
import sys
from pathlib import Path
from test_store import built, info, point
from skillsearch.errors import StoreError
from skillsearch.store.embedded import EmbeddedStore

store = EmbeddedStore(Path(sys.argv[1]))
for work in (lambda: store.published().count("skills"), lambda: store.draft(info("two"))):
    try:
        print(work())
    except StoreError as error:
        print(error)
"""


@pytest.mark.skipif(not namespaces_work(), reason="this machine allows no user and mount namespaces")
def test_a_disk_in_memory_that_is_too_small(tmp_path: Path) -> None:
    published(tmp_path / "index").close()
    python = ["env", f"PYTHONPATH={os.pathsep.join((str(Path(__file__).parent), *sys.path))}", sys.executable]
    done = small_filesystem(
        tmp_path / "index",
        "32m",
        [*python, "-W", "ignore", "-c", OPEN, str(tmp_path / "index")],
        fill=tmp_path / "index",
    )
    opened, drafted = done.stdout.splitlines()
    assert "a disk in memory (tmpfs)" in opened
    assert "a disk in memory (tmpfs)" in drafted
    assert "SKILLSEARCH_HOME" in opened
