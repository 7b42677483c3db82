"""A service in this process, at a port of its own, and a headless Chromium to use it with."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from skillsearch.client import SkillSearch
from skillsearch.http.app import create_app
from skillsearch.http.keys import Keys
from skillsearch.http.settings import ServiceSettings

__all__ = ["chromium", "running"]


@contextmanager
def running(client: SkillSearch, keys: Keys | None = None) -> Iterator[str]:
    """Serve over a client; the address is given."""
    app = create_app(client, ServiceSettings(), keys or Keys({}))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 120
    while not server.started:
        assert time.monotonic() < deadline, "the service did not start"
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=60)
    assert not thread.is_alive()


def chromium() -> str:
    """The browser of the system; a test is skipped where there is none."""
    pytest.importorskip("playwright")
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    return found
