"""A forked child searches as its parent does: locks are free, and the engine's files are opened anew."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from skillsearch.store.server.address import Address
from skillsearch.store.server.calls import Connection

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

CODE = """
import os, sys, threading
from pathlib import Path
from skillsearch.forks import Lock
from skillsearch.store.embedded import EmbeddedStore
from test_store import built, point

store = EmbeddedStore(Path(sys.argv[1]))
built(store, [point(number) for number in range(3)])
store.publish("test-one")
build = store.published()
search = lambda: [hit.uri for hit in build.query("skills", point(1).vector, 1)]
print(search(), flush=True)
held = [Lock(), store._mutex]
holds, done = threading.Event(), threading.Event()

def hold():
    with held[0], held[1]:
        holds.set()
        done.wait()

threading.Thread(target=hold).start()
holds.wait()
child = os.fork()
if child == 0:
    with held[0]:
        print(search(), build.count("skills"), store.published().info.name, flush=True)
    os._exit(0)
done.set()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), search())
"""


def test_a_forked_child_searches(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE, tmp_path / "index"],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), *sys.path))},
    )
    assert done.stdout.splitlines() == ["['urn:0001']", "['urn:0001'] 3 test-one", "0 ['urn:0001']"], (
        done.stderr
    )


MODELS = """
import os, sys
from skillsearch.models.pair import locate_models

pair = locate_models(sys.argv[1])
encoder = pair.load_encoder(runtime="onnx", threads=2)
reranker = pair.load_reranker(runtime="onnx", threads=2)
work = lambda: (encoder.encode(["welder"]).sum(), reranker.logits([("welder", "weld metal")] * 40).sum())
expected = work()
child = os.fork()
if child == 0:
    os._exit(work() != expected)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_has_threads_for_its_models(exported_models: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", MODELS, str(exported_models)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "0\n", done.stderr


def test_a_forked_child_has_a_connection_of_its_own() -> None:
    """A socket that two processes write to mixes their requests."""
    connection = Connection([Address("http://127.0.0.1:1")])
    client = connection.client
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, str(connection.client is client).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 10) == b"False"
    assert connection.client is client
    for end in (reader, writer):
        os.close(end)
