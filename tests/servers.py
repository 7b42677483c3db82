"""Qdrant servers for tests: the real one, or a stand-in, and names on it that are one test's own."""

import base64
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import uuid
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from qdrant_rest import QdrantRest

from skillsearch.errors import StoreError
from skillsearch.store.server import ServerStore

__all__ = ["Server", "new_prefix", "real_server", "stand_in"]

COMPOSE = Path(__file__).parents[1] / "docker-compose.yml"


@dataclass(frozen=True)
class Server:
    """A server, and the prefix of the names that a test has there.

    Attributes:
        url: of its REST interface.
        key: that may do everything, if it wants one.
        grpc_port: of its gRPC interface; 0 for none.
        rest: the stand-in behind it, if it is one.
        prefix: of a test's own names.
    """

    url: str
    key: str | None = None
    grpc_port: int = 0
    rest: QdrantRest | None = None
    prefix: str = "test"

    def connect(
        self,
        *,
        url: str | Sequence[str] | None = None,
        prefix: str | None = None,
        key: str | None = None,
        timeout: int = 30,
        attempts: int | None = None,
        patience: float | None = 20.0,
    ) -> ServerStore:
        """A store on it, through another URL if one is given."""
        return ServerStore.connect(
            url or self.url,
            self.key if key is None else key,
            timeout,
            grpc_port=0 if url else self.grpc_port,
            attempts=attempts,
            patience=patience,
            prefix=prefix or self.prefix,
        )

    def to_json(self) -> str:
        """It as another process of the test makes it again."""
        return json.dumps({name: getattr(self, name) for name in ("url", "key", "grpc_port", "prefix")})

    def reader(self, *names: str) -> str:
        """A key that may read these collections and aliases, or all where none are named; skips without."""
        if self.rest is not None:
            key = f"reads {uuid.uuid4().hex}"
            self.rest.readers[key] = names or None
            return key
        rights = [{"collection": name, "access": "r"} for name in names]
        token = _token({"access": rights or "r"}, self.key or "")
        store = self.connect(key=token, attempts=1)
        try:
            store.builds()
        except StoreError:
            pytest.skip("the server takes no tokens: set service.api_key and service.jwt_rbac")
        finally:
            store.close()
        return token

    def clean(self) -> None:
        """Remove all collections whose names begin with the prefix."""
        store = self.connect()
        client = store.connection.client
        for found in client.get_collections().collections:
            if found.name.startswith(self.prefix):
                client.delete_collection(found.name)
        store.close()


def new_prefix() -> str:
    """A prefix that nothing else has, beside what others have on a server."""
    return f"test-{uuid.uuid4().hex[:12]}"


@contextmanager
def stand_in() -> Iterator[Server]:
    """A stand-in that wants a key."""
    with QdrantRest(api_key="secret") as rest:
        yield Server(rest.url, rest.api_key, rest=rest)


@contextmanager
def real_server(*, is_required: bool) -> Iterator[Server]:
    """The server of SKILLSEARCH_TEST_QDRANT_URL, or one in a container; skips, or fails, without both."""
    if url := os.environ.get("SKILLSEARCH_TEST_QDRANT_URL"):
        key = os.environ.get("SKILLSEARCH_TEST_QDRANT_API_KEY")
        yield Server(url, key, int(os.environ.get("SKILLSEARCH_TEST_QDRANT_GRPC_PORT", "0")))
        return
    without = pytest.fail if is_required else pytest.skip
    if shutil.which("docker") is None or _answers("docker", "info") != 0:
        without("no Qdrant server: set SKILLSEARCH_TEST_QDRANT_URL, or start a Docker engine")
    image = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["qdrant"]["image"]
    if _answers("docker", "image", "inspect", image) != 0 and _answers("docker", "pull", image) != 0:
        without(f"a Docker engine answers, but has no image {image} and cannot pull it")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of other people's imports
        from testcontainers.qdrant import QdrantContainer
    with QdrantContainer(image) as container:
        yield Server(f"http://{container.rest_host_address}")


def _answers(*command: str) -> int:
    with suppress(subprocess.TimeoutExpired):
        return subprocess.run(command, capture_output=True, check=False, timeout=300).returncode
    return 1


def _token(claims: object, key: str) -> str:
    """A JSON Web Token with these claims, signed with HS256."""
    parts = [_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = ".".join(parts)
    return f"{signed}.{_base64(hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest())}"


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
