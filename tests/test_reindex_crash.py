"""A reindex that is killed at any moment leaves an answering index, and is finished by the next one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash_runner import BATCH, STAGES
from servers import Server, stand_in

KILLS = 30

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@pytest.fixture(params=["embedded", "stand-in", "server"])
def where(request: pytest.FixtureRequest) -> Iterator[str]:
    """The embedded store, or a stand-in for a server, or a real one, as the runner takes it."""
    if request.param == "embedded":
        yield "embedded"
    else:
        yield request.getfixturevalue("place").to_json()


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A stand-in, or a real server, as the name of the test says."""
    if "stand-in" in request.node.name:
        with stand_in() as found:
            yield found
    else:
        yield request.getfixturevalue("server")


def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a script beside this one, in a process without threads."""
    return subprocess.run(
        [sys.executable, Path(__file__).with_name(name), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def test_a_reindex_may_be_killed_at_any_moment(where: str, tmp_path: Path) -> None:
    """Kills in every stage, and spread over the whole run; after each the result equals a clean build."""
    done = run("crash_runner.py", where, KILLS - len(STAGES), tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["stages"][: len(STAGES)] == list(STAGES)
    assert len(report["stages"]) == KILLS
    assert max(report["embedded_twice"]) <= BATCH  # the batch that was on its way when the process died


@pytest.mark.parametrize("kind", ["stand-in", "server"])
@pytest.mark.parametrize("operation", ["reindex", "rollback", "prune"])
def test_a_process_may_die_at_any_request(operation: str, kind: str, place: Server) -> None:
    """Before a request reaches the server, and after it did, before the answer is there."""
    done = run("crash_points.py", place.to_json(), operation)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["died"] == 2 * len(report["points"]) >= 6
