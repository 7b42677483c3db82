"""The embedded store: Qdrant Edge, the Qdrant engine in this process, one folder a build.

```
<home>/index/CURRENT                 the name of the published build, replaced atomically
<home>/index/builds/<name>/          build.json once it is sealed, and a shard for each space
```

A build is written without a write-ahead log, flushed when it is sealed, and never changed after
that, so any number of processes can search it at once.
"""

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import qdrant_edge as edge

from skillsearch.errors import IndexNotFoundError, StoreError
from skillsearch.filters import Match, Where
from skillsearch.models.encoder import DIMENSION
from skillsearch.store.base import EXACT_LIMIT, SPACES, BuildInfo, Payload, Point, ScoredPoint, Space
from skillsearch.store.schema import KEYWORD_FIELDS, VECTOR_NAME, point_id

__all__ = ["EmbeddedBuild", "EmbeddedStore"]

_PAGE = 1000
_ALL = 1_000_000  # more values than any field has


_Params = ParamSpec("_Params")
_Result = TypeVar("_Result")


def _translated(method: Callable[_Params, _Result]) -> Callable[_Params, _Result]:
    """Turn the engine's exceptions, which are plain ones, into ours."""

    @wraps(method)
    def translate(*args: _Params.args, **kwargs: _Params.kwargs) -> _Result:
        try:
            return method(*args, **kwargs)
        except StoreError:
            raise
        except Exception as error:
            raise StoreError(f"the embedded index failed: {error}") from error

    return translate


class EmbeddedBuild:
    """One folder with a shard for each space."""

    def __init__(self, folder: Path, info: BuildInfo, shards: dict[Space, edge.EdgeShard]) -> None:
        self.info = info
        self._folder = folder
        self._shards = shards

    @classmethod
    def create(cls, folder: Path, info: BuildInfo) -> "EmbeddedBuild":
        """Begin an empty build in a folder that is not there yet."""
        shards: dict[Space, edge.EdgeShard] = {}
        for space in SPACES:
            path = folder / space
            path.mkdir(parents=True)
            shards[space] = edge.EdgeShard.create(str(path), _config())
            for field in KEYWORD_FIELDS:
                shards[space].update(
                    edge.UpdateOperation.create_field_index(field, edge.PayloadSchemaType.Keyword)
                )
        return cls(folder, info, shards)

    @classmethod
    def load(cls, folder: Path) -> "EmbeddedBuild":
        """Open a sealed build.

        Raises:
            StoreError: its files are missing or damaged.
        """
        info = _read_info(folder)
        try:
            return cls(folder, info, {space: edge.EdgeShard.load(str(folder / space)) for space in SPACES})
        except Exception as error:  # the engine raises plain exceptions
            raise StoreError(f"{folder} cannot be opened: {error}; build it again with reindex") from error

    @_translated
    def upsert(self, space: Space, points: Sequence[Point]) -> None:
        """Write points."""
        batch = [
            edge.Point(point_id(point.uri), {VECTOR_NAME: list(point.vector)}, point.payload)
            for point in points
        ]
        self._shards[space].update(edge.UpdateOperation.upsert_points(batch))

    @_translated
    def seal(self) -> None:
        """Flush both shards, then write build.json, the sign of completeness."""
        for shard in self._shards.values():
            if shard.info().points_count >= EXACT_LIMIT:
                shard.optimize()
            shard.flush()
        _write_atomically(self._folder / "build.json", json.dumps(self.info.to_dict(), indent=2) + "\n")

    @_translated
    def count(self, space: Space, where: Where | None = None) -> int:
        """Count exactly."""
        return self._shards[space].count(edge.CountRequest(exact=True, filter=_filter(where)))

    @_translated
    def query(
        self,
        space: Space,
        vector: Sequence[float],
        limit: int,
        where: Where | None = None,
        fields: Sequence[str] = ("uri",),
    ) -> list[ScoredPoint]:
        """Search, exactly below `EXACT_LIMIT` points."""
        shard = self._shards[space]
        found = shard.query(
            edge.QueryRequest(
                limit=limit,
                query=edge.Query.Nearest(list(vector), using=VECTOR_NAME),
                filter=_filter(where),
                with_payload=sorted({"uri", *fields}),
                params=edge.SearchParams(exact=shard.info().points_count < EXACT_LIMIT),
            )
        )
        points = [_scored(point.score, point.payload) for point in found]
        return sorted(points, key=lambda point: (-point.score, point.uri))

    @_translated
    def fetch(self, space: Space, uris: Sequence[str]) -> dict[str, Payload]:
        """Payloads by URI."""
        records = self._shards[space].retrieve(
            [point_id(uri) for uri in uris], with_payload=True, with_vector=False
        )
        payloads = (dict(record.payload or {}) for record in records)
        return {str(payload["uri"]): payload for payload in payloads}

    def scan(self, space: Space, *, vectors: bool = False) -> Iterator[Point]:
        """All points, a page at a time."""
        offset: edge.PointId | None = None
        while True:
            records, offset = self._shards[space].scroll(
                edge.ScrollRequest(
                    limit=_PAGE,
                    offset=offset,
                    with_payload=True,
                    with_vector=[VECTOR_NAME] if vectors else False,
                )
            )
            for record in records:
                named = record.vector if isinstance(record.vector, dict) else {}
                vector = named.get(VECTOR_NAME, ())
                yield Point(dict(record.payload or {}), vector)  # type: ignore[arg-type] # a dense vector
            if offset is None:
                return

    @_translated
    def values(self, space: Space, field: str) -> dict[str, int]:
        """Values of a field with their counts."""
        hits = self._shards[space].facet(edge.FacetRequest(field, limit=_ALL, exact=True)).hits
        return {str(_plain(hit.value)): hit.count for hit in hits}

    def size(self) -> int:
        """Bytes of the build's files, as they are allocated."""
        return sum(path.stat().st_blocks * 512 for path in self._folder.rglob("*") if path.is_file())

    def close(self) -> None:
        """Let go of the shards."""
        for shard in self._shards.values():
            shard.close()


class EmbeddedStore:
    """The builds below one folder; safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._builds = folder / "builds"
        self._current = folder / "CURRENT"
        self._lock = threading.Lock()
        self._open: EmbeddedBuild | None = None

    def create(self, info: BuildInfo) -> EmbeddedBuild:
        """Begin a build in a new folder."""
        folder = self._builds / info.name
        try:
            self._builds.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            return EmbeddedBuild.create(folder, info)
        except FileExistsError as error:
            raise StoreError(f"there is a build {info.name} in {self._builds} already") from error
        except OSError as error:
            raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from error

    def publish(self, name: str) -> None:
        """Put the name of a sealed build into CURRENT, atomically."""
        _read_info(self._builds / _checked(name, self._builds))
        _write_atomically(self._current, name + "\n")

    def published(self) -> EmbeddedBuild:
        """The build that CURRENT names; opened once, and again when CURRENT names another.

        A build that is replaced stays open for the searches that hold it.
        """
        try:
            name = self._current.read_text(encoding="utf-8").strip()
        except FileNotFoundError as error:
            raise IndexNotFoundError(
                f"no index is published in {self._folder}: build one with `skillsearch reindex`"
            ) from error
        except OSError as error:
            raise StoreError(f"{self._current} cannot be read: {error.strerror or error}") from error
        with self._lock:
            if self._open is None or self._open.info.name != name:
                self._open = EmbeddedBuild.load(self._builds / _checked(name, self._current))
            return self._open

    def builds(self) -> list[BuildInfo]:
        """All sealed builds, oldest first."""
        infos = [_read_info(path.parent) for path in self._builds.glob("*/build.json")]
        return sorted(infos, key=lambda info: info.created)

    def remove(self, name: str) -> None:
        """Delete a build's folder."""
        folder = self._builds / _checked(name, self._builds)
        if not folder.is_dir():
            raise StoreError(f"there is no build {name} in {self._builds}")
        if self._current.is_file() and self._current.read_text(encoding="utf-8").strip() == name:
            raise StoreError(f"build {name} is published and stays; publish another one first")
        shutil.rmtree(folder)

    def close(self) -> None:
        """Let go of the open build."""
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None


def _config() -> edge.EdgeConfig:
    return edge.EdgeConfig(
        vectors={
            VECTOR_NAME: edge.EdgeVectorParams(
                DIMENSION, edge.Distance.Cosine, datatype=edge.VectorStorageDatatype.Float16
            )
        },
        wal_enabled=False,
    )


def _filter(where: Where | None) -> edge.Filter | None:
    if where is None or not (where.must or where.must_not):
        return None
    return edge.Filter(
        must=[_condition(match) for match in where.must],
        must_not=[_condition(match) for match in where.must_not],
    )


def _condition(match: Match) -> edge.Filter:
    return edge.Filter(
        should=[
            edge.FieldCondition(key=field, match=edge.MatchAny(list(match.values))) for field in match.fields
        ]
    )


def _scored(score: float, payload: Payload | None) -> ScoredPoint:
    payload = dict(payload or {})
    return ScoredPoint(str(payload["uri"]), float(score), payload)


def _plain(value: object) -> object:
    """A facet's value without the engine's wrapper."""
    return getattr(value, "value", value)


def _read_info(folder: Path) -> BuildInfo:
    path = folder / "build.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StoreError(f"{folder} is not a complete build: build it again with reindex") from error
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error
    return BuildInfo.from_dict(values if isinstance(values, dict) else {}, str(path))


def _checked(name: str, source: Path) -> str:
    if not name or name in (".", "..") or Path(name).name != name:
        raise StoreError(f"{source} names {name!r}, which is not a build")
    return name


def _write_atomically(path: Path, text: str) -> None:
    """Write beside, flush to disk, and rename."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error
