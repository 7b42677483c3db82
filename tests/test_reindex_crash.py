"""A reindex that is killed at any moment leaves an answering index, and is finished by the next one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash_runner import BATCH, STAGES
from qdrant_rest import QdrantRest

KILLS = 30


@pytest.fixture(params=["embedded", "stand-in", "server"])
def where(request: pytest.FixtureRequest) -> Iterator[str]:
    """The embedded store, or the URL of a stand-in for a server, or of a real one."""
    if request.param == "embedded":
        yield "embedded"
    elif request.param == "stand-in":
        with QdrantRest() as server:
            yield server.url
    elif url := os.environ.get("SKILLSEARCH_TEST_QDRANT_URL"):
        yield url
    else:
        pytest.skip("no Qdrant server: set SKILLSEARCH_TEST_QDRANT_URL")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_reindex_may_be_killed_at_any_moment(where: str, tmp_path: Path) -> None:
    """Kills in every stage, and spread over the whole run; after each the result equals a clean build."""
    runner = Path(__file__).with_name("crash_runner.py")
    done = subprocess.run(
        [sys.executable, runner, where, str(KILLS - len(STAGES)), tmp_path],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["stages"][: len(STAGES)] == list(STAGES)
    assert len(report["stages"]) == KILLS
    assert max(report["embedded_twice"]) <= BATCH  # the batch that was on its way when the process died
