"""Two workers on one embedded index, as processes of their own, while the index moves beneath them."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from command import SKILLSEARCH, run

TITLES = ("Nurse", "Data Scientist", "Electrician", "Cook")
MOST = 180.0  # seconds until the workers answer


@pytest.fixture
def place(exported_models: Path, tmp_path: Path) -> dict[str, str]:
    return {
        "SKILLSEARCH_MODELS": str(exported_models),
        "SKILLSEARCH_HOME": str(tmp_path),
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def address(place: dict[str, str], tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "serve.log"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            [SKILLSEARCH, "serve", "--sample", "--workers", "2", "--port", str(port)],
            env=os.environ | place,
            stdout=file,
            stderr=file,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url, process, log)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    assert "Traceback" not in log.read_text(encoding="utf-8")


def test_two_workers_answer_while_the_index_moves(
    address: str, place: dict[str, str], tmp_path: Path
) -> None:
    table = tmp_path / "acme.csv"
    table.write_text("uri,label\n" + "".join(f"urn:acme:{n},own skill {n}\n" for n in range(40)), "utf-8")
    stop: list[bool] = []
    builds: set[str] = set()

    def ask(number: int) -> int:
        answered = 0
        with httpx.Client(base_url=address, timeout=60) as client:
            while not stop:
                body = {"title": TITLES[(number + answered) % len(TITLES)], "limit": 5}
                answer = client.post("/v1/skills/search", json=body)
                assert answer.status_code == 200, answer.text
                values = answer.json()
                assert len(values["hits"]) == 5
                builds.add(values["versions"]["build"])
                answered += 1
        return answered

    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(ask, number) for number in range(4)]
        try:
            for arguments in (
                ("reindex", "--taxonomy", str(table), "--set", "version=1.0", "--json"),
                ("rollback", "--json"),
                ("prune", "--keep", "1", "--json"),
            ):
                time.sleep(1)
                done = run(*arguments, home=Path(place["SKILLSEARCH_HOME"]), **place)
                assert done.returncode == 0, done.stderr
                end = time.monotonic() + MOST  # workers take a new index up once they have read it
                while len(builds) < 2 and time.monotonic() < end:
                    time.sleep(0.1)
            time.sleep(1)
        finally:
            stop.append(True)
        counts = [one.result() for one in asked]
    assert all(counts)
    assert len(builds) == 2
    metrics = httpx.get(f"{address}/metrics").text
    counted = [
        line for line in metrics.splitlines() if line.startswith("http_server_request_duration_seconds_count")
    ]
    searches = sum(float(line.rpartition(" ")[2]) for line in counted if "/v1/skills/search" in line)
    assert searches == sum(counts)  # those of both workers
    log = [line for line in (tmp_path / "serve.log").read_text("utf-8").splitlines() if line.startswith("{")]
    assert all({"request_id", "route", "status", "ms"} <= json.loads(line).keys() for line in log)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + MOST
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError(f"the workers did not start: {log.read_text(encoding='utf-8')}")
