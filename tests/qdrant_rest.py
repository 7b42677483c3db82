"""A stand-in for a Qdrant server: the part of its REST API that this project calls, over HTTP.

The points are in a ``QdrantClient(":memory:")``. What the client's local mode does in another way
than a server is done here: the answers to errors, the descriptions of collections, the indexes a
facet needs, and vectors that are stored as unit vectors, rounded to the datatype of the collection.
"""

import contextlib
import json
import re
import socket
import sys
import threading
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from typing import Any, Final, Self
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json
from qdrant_client import QdrantClient, models

__all__ = ["QdrantRest"]


class QdrantRest:
    """An HTTP server on loopback that answers as Qdrant does.

    It keeps its port and its data from one `start` to the next. Data are gone with the object.
    `client` sees the same points without HTTP; there a collection has the distance DOT, because its
    vectors have been made unit vectors already, as cosine wants them. `readers` has keys that may only read,
    with the names that each may read; None for all.

    Args:
        api_key: to be asked for, if any.
    """

    def __init__(self, *, api_key: str | None = None) -> None:
        self.client = QdrantClient(":memory:")
        self.api_key = api_key
        self.readers: dict[str, Container[str] | None] = {}
        self.lock = threading.RLock()
        self._collections: dict[str, _Collection] = {}
        self._operations = 0
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where it listens, once it has been started."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen, on a free port the first time and on the same one after that."""
        self._server = _Server(("127.0.0.1", self._port), self)
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        """Close all connections, as a server that goes away; the data stay."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.close_connections()
        self._server.server_close()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def handle(self, method: str, target: str, body: bytes, key: str | None = None) -> tuple[int, bytes]:
        """Answer one request: the status, and the body."""
        split = urlsplit(target)
        if (refused := self._refusal(method, split.path, key)) is not None:
            return refused
        readable = self.readers.get(key or "")
        query = {name: values[-1] for name, values in parse_qs(split.query).items()}
        for route_method, pattern, answer in _ROUTES:
            found = re.fullmatch(pattern, split.path) if route_method == method else None
            if found:
                names = {name: unquote(value) for name, value in found.groupdict().items()}
                with self.lock:  # to the end: results hold what the next request may change
                    return self._answer(answer, _Request(query, body, readable=readable, **names))
        return 404, b""

    def _answer(
        self, answer: "Callable[[QdrantRest, _Request], object]", request: "_Request"
    ) -> tuple[int, bytes]:
        try:
            result = answer(self, request)
        except Exception as error:
            status, message = _told(error)
            return status, to_json({"status": {"error": message}, "time": 0.0})
        if isinstance(result, bytes):
            return 200, result
        return 200, to_json({"result": result, "status": "ok", "time": 0.0})

    def _refusal(self, method: str, path: str, key: str | None) -> tuple[int, bytes] | None:
        """What a key is told that may not do this, or None."""
        if path == "/" or key == self.api_key or self.api_key is None:
            return None
        if key not in self.readers:
            return 401, b"Invalid API key or JWT" if key else b"Must provide an API key"
        readable, named = self.readers[key], re.match(_NAME, path)
        problem = ""
        if method not in ("GET", "POST") or path == "/collections/aliases":
            problem = "Global manage access" if readable is None else "Global access"
        elif named and readable is not None and (name := unquote(named["name"])) not in readable:
            problem = f"Access to collection {name}"
        error = {"status": {"error": f"Forbidden: {problem} is required"}, "time": 0.0}
        return (403, to_json(error)) if problem else None

    # the service

    def version(self, request: "_Request") -> object:
        """GET /"""
        return to_json({"title": "qdrant - vector search engine", "version": version("qdrant-client")})

    # collections

    def list_collections(self, request: "_Request") -> object:
        """GET /collections"""
        found = self.client.get_collections().collections
        return {"collections": [one for one in found if request.may_read(one.name)]}

    def collection_exists(self, request: "_Request") -> object:
        """GET /collections/{name}/exists"""
        return {"exists": self.client.collection_exists(request.name)}

    def create_collection(self, request: "_Request") -> object:
        """PUT /collections/{name}"""
        wanted = request.parse(models.CreateCollection)
        if request.name in self._collections:
            raise _ApiError(409, f"Wrong input: Collection `{request.name}` already exists!")
        if request.name in self._aliases():
            raise _ApiError(
                400,
                f"Wrong input: Can't create collection with name {request.name}. "
                "Alias with the same name already exists",
            )
        collection = _Collection.create(wanted)
        self.client.create_collection(request.name, vectors_config=collection.local_vectors())
        self._collections[request.name] = collection
        return True

    def get_collection(self, request: "_Request") -> object:
        """GET /collections/{name}"""
        name = self._resolved(request.name)
        info = self.client.get_collection(name)
        collection = self._collections[name]
        points = info.points_count or 0
        schema = {
            key: {"data_type": kind, "points": points, "params": params}
            for key, (kind, params) in collection.indexes.items()
        }
        return info.model_copy(
            update={"config": collection.config, "payload_schema": schema, "indexed_vectors_count": points}
        )

    def cluster(self, request: "_Request") -> object:
        """GET /collections/{name}/cluster: one node, on which every shard is active"""
        collection = self._collection(request.name)
        shards = collection.config.params.shard_number or 1
        local = [{"shard_id": shard, "points_count": 0, "state": "Active"} for shard in range(shards)]
        return {
            "peer_id": 1,
            "shard_count": shards,
            "local_shards": local,
            "remote_shards": [],
            "shard_transfers": [],
        }

    def update_collection(self, request: "_Request") -> object:
        """PATCH /collections/{name}"""
        self._collections[self._resolved(request.name)].update(request.parse(models.UpdateCollection))
        return True

    def delete_collection(self, request: "_Request") -> object:
        """DELETE /collections/{name}"""
        self._collections.pop(request.name, None)
        return self.client.delete_collection(request.name)

    def create_index(self, request: "_Request") -> object:
        """PUT /collections/{name}/index"""
        wanted = request.parse(models.CreateFieldIndex)
        schema = wanted.field_schema
        if schema is None:
            raise _ApiError(400, "Wrong input: automatic detection of the schema is not part of the stand-in")
        kind, params = (schema, None) if isinstance(schema, str) else (schema.type, schema)
        self._collection(request.name).indexes[wanted.field_name] = (
            models.PayloadSchemaType(kind).value,
            params,
        )
        return self._updated(request)

    # aliases

    def list_aliases(self, request: "_Request") -> object:
        """GET /aliases"""
        found = self.client.get_aliases().aliases
        return {"aliases": [a for a in found if request.may_read(a.alias_name, a.collection_name)]}

    def update_aliases(self, request: "_Request") -> object:
        """POST /collections/aliases: all of the operations, or none"""
        actions = request.parse(models.ChangeAliasesOperation).actions
        try:
            return self.client.update_collection_aliases(actions)
        except ValueError as error:
            kind, name, problem = str(error).split(" ", 2)
            if problem == "already exists":
                raise _ApiError(409, f"Wrong input: {kind} `{name}` already exists!") from error
            if kind == "Alias":
                raise _ApiError(404, f"Not found: Alias {name} does not exists!") from error
            raise _not_found(name) from error

    # points

    def upsert(self, request: "_Request") -> object:
        """PUT /collections/{name}/points"""
        name, collection = self._resolved(request.name), self._collection(request.name)
        wanted = request.parse(models.PointInsertOperations)
        collection.require("upsert limit", len(wanted.points), "upsert_max_batchsize")
        points = [
            models.PointStruct(id=p.id, vector=collection.stored(p.vector), payload=p.payload)
            for p in wanted.points
        ]
        self.client.upsert(name, points, update_filter=wanted.update_filter, update_mode=wanted.update_mode)
        return self._updated(request)

    def retrieve(self, request: "_Request") -> object:
        """POST /collections/{name}/points"""
        name, wanted = self._resolved(request.name), request.parse(models.PointRequest)
        return self.client.retrieve(
            name, wanted.ids, _or(wanted.with_payload, True), _or(wanted.with_vector, False)
        )

    def scroll(self, request: "_Request") -> object:
        """POST /collections/{name}/points/scroll"""
        name, wanted = self._resolved(request.name), request.parse(models.ScrollRequest)
        self._collections[name].require("limit", _or(wanted.limit, 10), "max_query_limit")
        points, offset = self.client.scroll(
            name,
            scroll_filter=wanted.filter,
            limit=_or(wanted.limit, 10),
            offset=wanted.offset,
            with_payload=_or(wanted.with_payload, True),
            with_vectors=_or(wanted.with_vector, False),
        )
        return {"points": points, "next_page_offset": offset}

    def count(self, request: "_Request") -> object:
        """POST /collections/{name}/points/count"""
        name, wanted = self._resolved(request.name), request.parse(models.CountRequest)
        self._collections[name].require_exact(_or(wanted.exact, True))
        return self.client.count(name, wanted.filter)

    def facet(self, request: "_Request") -> object:
        """POST /collections/{name}/facet"""
        name, wanted = self._resolved(request.name), request.parse(models.FacetRequest)
        self._collections[name].require_exact(_or(wanted.exact, False))
        self._collections[name].require("limit", _or(wanted.limit, 10), "max_query_limit")
        if wanted.key not in self._collections[name].indexes:
            raise _ApiError(
                400,
                f"Wrong input: No appropriate index for faceting: `{wanted.key}`. "
                "Please create one to facet on this field.",
            )
        return self.client.facet(name, wanted.key, wanted.filter, _or(wanted.limit, 10))

    def query_points(self, request: "_Request") -> object:
        """POST /collections/{name}/points/query"""
        wanted = request.parse(models.QueryRequest)
        collection = self._collection(request.name)
        collection.require("limit", _or(wanted.limit, 10), "max_query_limit")
        collection.require_search(wanted.params)
        query, rounded = wanted.query, collection.rounded
        if isinstance(query, models.NearestQuery):
            query = query.model_copy(update={"nearest": rounded(wanted.using or "", query.nearest)})
        else:
            query = rounded(wanted.using or "", query)
        return self.client.query_points(
            self._resolved(request.name),
            query=query,
            using=wanted.using,
            query_filter=wanted.filter,
            limit=_or(wanted.limit, 10),
            with_payload=_or(wanted.with_payload, False),
        )

    def _aliases(self) -> dict[str, str]:
        return {alias.alias_name: alias.collection_name for alias in self.client.get_aliases().aliases}

    def _resolved(self, name: str) -> str:
        found = name if name in self._collections else self._aliases().get(name)
        if found is None:
            raise _not_found(name)
        return found

    def _collection(self, name: str) -> "_Collection":
        return self._collections[self._resolved(name)]

    def _updated(self, request: "_Request") -> object:
        self._operations += 1
        done = request.query.get("wait") == "true"
        return {"operation_id": self._operations, "status": "completed" if done else "acknowledged"}


@dataclass
class _Collection:
    """What local mode does not keep of a collection."""

    config: models.CollectionConfig
    indexes: dict[str, tuple[str, Any]] = field(default_factory=dict)

    @classmethod
    def create(cls, wanted: models.CreateCollection) -> Self:
        """As a server with its own settings untouched."""
        params = {"replication_factor": 1, "write_consistency_factor": 1, "shard_number": 1}
        given = {
            name: getattr(wanted, name)
            for name in models.CollectionParams.model_fields
            if hasattr(wanted, name)
        }
        hnsw = models.HnswConfig(m=16, ef_construct=100, full_scan_threshold=10_000, on_disk=False)
        optimizers = models.OptimizersConfig(default_segment_number=0, flush_interval_sec=5)
        wal = models.WalConfig(wal_capacity_mb=32, wal_segments_ahead=0)
        return cls(
            models.CollectionConfig(
                params=models.CollectionParams(**params | _given(given)),
                hnsw_config=_changed(hnsw, wanted.hnsw_config),
                optimizer_config=optimizers,
                wal_config=wal,
                quantization_config=wanted.quantization_config,
                metadata=wanted.metadata,
                strict_mode_config=_changed(models.StrictModeConfigOutput(), wanted.strict_mode_config),
            )
        )

    def update(self, wanted: models.UpdateCollection) -> None:
        """Change what is given; metadata are merged, and a null removes its key."""
        config = self.config
        config.hnsw_config = _changed(config.hnsw_config, wanted.hnsw_config)
        config.strict_mode_config = _changed(config.strict_mode_config, wanted.strict_mode_config)
        if wanted.metadata is not None:
            merged = (config.metadata or {}) | wanted.metadata
            config.metadata = {k: v for k, v in merged.items() if k not in wanted.metadata or v is not None}

    def require(self, what: str, value: int, limit: str) -> None:
        """Check a number against a limit of strict mode."""
        allowed = getattr(self._strict, limit)
        if allowed is not None and value > allowed:
            help_ = f'Help: Reduce the "{what}" parameter to or below {allowed}.'
            raise _ApiError(400, f'Bad request: Limit exceeded {value} > {allowed} for "{what}". {help_}')

    def require_exact(self, is_exact: bool) -> None:
        """Check that strict mode allows what is exact."""
        if is_exact and self._strict.search_allow_exact is False:
            raise _ApiError(400, "Bad request: Exact search disabled!. Help: Set exact=false.")

    def require_search(self, params: models.SearchParams | None) -> None:
        """Check that strict mode allows a search."""
        if self._strict.search_allow_exact is False and not self.config.hnsw_config.m:
            raise _ApiError(400, "Bad request: Request is forbidden: (hnsw_config.m = 0).")
        params = params or models.SearchParams()
        self.require_exact(params.exact or False)
        self.require("hnsw_ef", params.hnsw_ef or 0, "search_max_hnsw_ef")

    @property
    def _strict(self) -> models.StrictModeConfigOutput:
        mode = self.config.strict_mode_config
        return mode if mode and mode.enabled else models.StrictModeConfigOutput()

    def local_vectors(self) -> dict[str, models.VectorParams]:
        """For local mode, which would make unit vectors of rounded ones once more."""
        return {
            name: params.model_copy(update={"distance": models.Distance.DOT})
            for name, params in self._vectors().items()
        }

    def stored(self, vector: Any) -> Any:  # noqa: ANN401 - any form of vectors
        """A point's vectors as they are stored."""
        if not isinstance(vector, dict):
            return self.rounded("", vector)
        return {name: self.rounded(name, values) for name, values in vector.items()}

    def rounded(self, name: str, vector: Any) -> Any:  # noqa: ANN401 - or an id, or no vector
        """A dense vector as it is stored or compared; anything else as it is."""
        params = self._vectors().get(name)
        if params is None or not _is_dense(vector):
            return vector
        values = np.asarray(vector, dtype=np.float32)
        length = float(np.linalg.norm(values))
        if length > 0 and abs(length - 1) > 1e-6:
            values = values / np.float32(length)
        if params.datatype == models.Datatype.FLOAT16:
            values = values.astype(np.float16).astype(np.float32)
        return values.tolist()

    def _vectors(self) -> dict[str, models.VectorParams]:
        vectors = self.config.params.vectors or {}
        return {"": vectors} if isinstance(vectors, models.VectorParams) else vectors


@dataclass
class _Request:
    """A request whose path was recognised."""

    query: dict[str, str]
    body: bytes
    name: str = ""
    readable: Container[str] | None = None

    def may_read(self, *names: str) -> bool:
        """Whether its key may read all of these."""
        return self.readable is None or all(name in self.readable for name in names)

    def parse(self, model: Any) -> Any:  # noqa: ANN401 - one of the client's models, or a union of them
        """The body as one of the client's own models."""
        return _adapter(model).validate_json(self.body or b"null")


@lru_cache
def _adapter(model: Any) -> TypeAdapter[Any]:  # noqa: ANN401
    return TypeAdapter(model)


class _ApiError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _told(error: Exception) -> tuple[int, str]:
    """The status and the message a server gives for what went wrong here."""
    if isinstance(error, _ApiError):
        return error.status, str(error)
    if isinstance(error, ValidationError | json.JSONDecodeError):
        return 400, f"Format error in JSON body: {error}"
    if isinstance(error, ValueError):
        limit = re.fullmatch(r"(\w+) value (\S+) is invalid\. Must be 1 or larger\.", str(error))
        if limit:
            found = f"{limit[1]}: value {limit[2]} invalid, must be 1.0 or larger"
            return 422, f"Validation error in JSON body: [{found}]"
        return 400, f"Wrong input: {str(error).removeprefix('Wrong input: ')}"
    return 500, f"Service internal error: {error!r}"


def _not_found(name: str) -> _ApiError:
    return _ApiError(404, f"Not found: Collection `{name}` doesn't exist!")


def _is_dense(vector: Any) -> bool:  # noqa: ANN401
    return isinstance(vector, list) and all(isinstance(value, int | float) for value in vector)


def _changed(config: Any, diff: Any) -> Any:  # noqa: ANN401 - any of the client's models
    if diff is None:
        return config
    return type(config)(**config.model_dump() | diff.model_dump(exclude_none=True))


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _or(value: Any, default: Any) -> Any:  # noqa: ANN401
    return default if value is None else value


_NAME = r"/collections/(?P<name>[^/]+)"
_ROUTES: Final[list[tuple[str, str, Callable[[QdrantRest, _Request], object]]]] = [
    ("GET", "/", QdrantRest.version),
    ("GET", "/collections", QdrantRest.list_collections),
    ("GET", "/aliases", QdrantRest.list_aliases),
    ("POST", "/collections/aliases", QdrantRest.update_aliases),
    ("GET", _NAME + "/exists", QdrantRest.collection_exists),
    ("PUT", _NAME, QdrantRest.create_collection),
    ("GET", _NAME, QdrantRest.get_collection),
    ("PATCH", _NAME, QdrantRest.update_collection),
    ("DELETE", _NAME, QdrantRest.delete_collection),
    ("GET", _NAME + "/cluster", QdrantRest.cluster),
    ("PUT", _NAME + "/index", QdrantRest.create_index),
    ("PUT", _NAME + "/points", QdrantRest.upsert),
    ("POST", _NAME + "/points", QdrantRest.retrieve),
    ("POST", _NAME + "/points/scroll", QdrantRest.scroll),
    ("POST", _NAME + "/points/count", QdrantRest.count),
    ("POST", _NAME + "/points/query", QdrantRest.query_points),
    ("POST", _NAME + "/facet", QdrantRest.facet),
]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave together
    disable_nagle_algorithm = True
    server: "_Server"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # the client died while it was sending
            self.close_connection = True
            return
        self._send(*self.server.rest.handle(self.command, self.path, body, self._key()))

    do_PUT = do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names http.server looks for

    def _key(self) -> str | None:
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.headers.get("api-key") or bearer or None

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if body[:1] == b"{" else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    """Knows its connections, so that it can cut them, and minds no client that is gone."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], rest: QdrantRest) -> None:
        super().__init__(address, _Handler)
        self.rest = rest
        self._open: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        request, address = super().get_request()
        self._open.add(request)
        return request, address

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as the base class says
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        for request in list(self._open):
            with contextlib.suppress(OSError):  # the client was faster
                request.shutdown(socket.SHUT_RDWR)
