"""The compose files: what can be checked of them without a Docker engine."""

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from skillsearch.store.server.calls import OLDEST

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"
CLUSTER = ROOT / "docker-compose.cluster.yml"
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["qdrant"])


@pytest.fixture(scope="module")
def cluster() -> dict[str, Any]:
    return dict(yaml.safe_load(CLUSTER.read_text(encoding="utf-8")))


def test_the_server_is_tested_in_this_version_and_in_the_oldest(service: dict[str, Any]) -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    tested = workflow["jobs"]["server"]["strategy"]["matrix"]["qdrant"]
    assert tested == [service["image"].partition(":")[2], f"v{OLDEST}"]


def test_the_workflow_starts_the_compose_files_and_runs_tests_that_are_there() -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
    files = {row["file"] for row in jobs["compose"]["strategy"]["matrix"]["include"]}
    assert files == {COMPOSE.name, CLUSTER.name}
    runs = " ".join(step.get("run", "") for step in jobs["server"]["steps"])
    named = re.findall(r"tests/\S+\.py", runs)
    assert named
    assert all((ROOT / name).is_file() for name in named)


def test_it_listens_on_loopback_and_wants_a_key(service: dict[str, Any]) -> None:
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["environment"]["QDRANT__SERVICE__API_KEY"].startswith("${SKILLSEARCH_QDRANT_API_KEY:?")
    assert service["volumes"] == ["qdrant:/qdrant/storage"]


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_reads_the_status(service: dict[str, Any], status: int, healthy: bool) -> None:
    with answering(status) as port:
        assert (_health_check(service, port) == 0) == healthy


def test_the_health_check_fails_where_nothing_listens(service: dict[str, Any]) -> None:
    with answering(200) as port:
        pass
    assert _health_check(service, port) != 0


def test_the_nodes_of_the_cluster_are_the_server_of_the_other_file(
    cluster: dict[str, Any], service: dict[str, Any]
) -> None:
    assert list(cluster["services"]) == ["qdrant-1", "qdrant-2", "qdrant-3"]
    for node in cluster["services"].values():
        for key in ("image", "restart", "healthcheck"):
            assert node[key] == service[key]
        assert service["environment"].items() <= node["environment"].items()
        assert node["environment"]["QDRANT__CLUSTER__ENABLED"] == "true"


def test_the_nodes_publish_other_ports_each_and_only_on_loopback(cluster: dict[str, Any]) -> None:
    ports = [port.split(":") for node in cluster["services"].values() for port in node["ports"]]
    assert {address for address, _, _ in ports} == {"127.0.0.1"}
    assert [inner for _, _, inner in ports] == ["6333", "6334"] * 3
    assert len({outer for _, outer, _ in ports}) == len(ports)


def test_peers_meet_on_a_network_of_their_own(cluster: dict[str, Any]) -> None:
    assert cluster["networks"]["peers"]["internal"] is True
    names = [node["networks"]["peers"]["aliases"] for node in cluster["services"].values()]
    assert names == [["peer-1"], ["peer-2"], ["peer-3"]]
    first, *others = cluster["services"].values()
    port = first["environment"]["QDRANT__CLUSTER__P2P__PORT"]
    assert first["command"] == ["./qdrant", "--uri", f"http://peer-1:{port}"]
    for number, node in enumerate(others, 2):
        uri = ["./qdrant", "--uri", f"http://peer-{number}:{port}"]
        assert node["command"] == [*uri, "--bootstrap", f"http://peer-1:{port}"]
        assert node["depends_on"] == {"qdrant-1": {"condition": "service_healthy"}}


def test_each_node_keeps_its_data_in_a_volume_of_its_own(cluster: dict[str, Any]) -> None:
    for name, node in cluster["services"].items():
        assert node["volumes"] == [f"{name}:/qdrant/storage"]
        assert name in cluster["volumes"]


def _health_check(service: dict[str, Any], port: int) -> int:
    kind, *command = service["healthcheck"]["test"]
    assert kind == "CMD"
    command = [part.replace("/6333", f"/{port}") for part in command]
    return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server on loopback that answers everything with one status; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"])


def test_the_server_alone_is_what_starts_without_a_profile(services: dict[str, Any]) -> None:
    assert [name for name, one in services.items() if "profiles" not in one] == ["qdrant"]


def test_the_service_starts_once_the_index_is_built(services: dict[str, Any]) -> None:
    service = services["serve"]
    assert service["depends_on"]["index"]["condition"] == "service_completed_successfully"
    assert services["index"]["depends_on"]["qdrant"]["condition"] == "service_healthy"
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


def test_the_image_runs_as_nobody_special_and_is_checked() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    last = lines[len(lines) - lines[::-1].index("FROM python:3.11-slim") - 1 :]
    assert "USER 10001" in last
    assert not any("apt-get" in line or "pip install" in line for line in last)
    assert any(line.startswith("HEALTHCHECK") for line in last)
    assert any("/readyz" in line for line in last)


def test_the_image_gets_what_the_package_is_built_from() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert names <= kept
    assert all((ROOT / name).exists() for name in names)
