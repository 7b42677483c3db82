"""A sealed build of the embedded store: a folder with its description and a shard for each space."""

import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import qdrant_edge as edge

from skillsearch.errors import StoreError
from skillsearch.files import write_atomically
from skillsearch.forks import Lock, renew_in_children
from skillsearch.store.base import SPACES, Payload, Point, ScoredPoint, Space
from skillsearch.store.embedded.engine import records, to_filter, translated
from skillsearch.store.embedded.files import allocated_bytes, copy_folder, hole_bytes, require_room
from skillsearch.store.filters import Where
from skillsearch.store.info import BuildInfo
from skillsearch.store.schema import VECTOR_NAME, point_id
from skillsearch.store.search import EXACT_LIMIT, Search
from skillsearch.values import read_values

__all__ = ["EmbeddedBuild", "read_info", "write_info"]

_ALL = 1_000_000  # more values than any field has
_FILTERS = 256  # whose counts are kept
_NAMES = frozenset({"uri", "label"})
_INHERITED: list[dict[Space, edge.EdgeShard]] = []
"""Those of a forked child's parent: never destroyed, since that may wait for threads that are not there."""


class EmbeddedBuild:
    """Searched through memory-mapped files, which never change.

    The engine opens them for writing all the same. Where that is not allowed, as on a disk that is mounted
    read-only, it gets a copy in the system's temporary folder, which goes with the build.
    """

    def __init__(self, folder: Path, info: BuildInfo) -> None:
        self.info = info
        self.folder = folder
        self._copy = None if os.access(folder, os.W_OK) else _Copy(folder)
        self._shards = {space: _load(self._place / space) for space in SPACES}
        self._names: dict[Space, dict[edge.PointId, Payload]] = {space: {} for space in SPACES}
        self._counts: dict[tuple[Space, Where | None], int] = {}
        self._opening = Lock()
        renew_in_children(self)

    @classmethod
    def load(cls, folder: Path) -> "EmbeddedBuild":
        """Open a sealed build.

        Raises:
            StoreError: its files are missing or damaged.
        """
        return cls(folder, read_info(folder))

    def renew(self) -> None:
        """Have a forked child open the files anew, since the engine's threads are not there."""
        _INHERITED.append(self._shards)
        self._shards = {}
        if self._copy:
            self._copy.remove.detach()  # it is the parent's

    @translated
    def count(self, space: Space, where: Where | None = None) -> int:
        """Count exactly."""
        return self._shard(space).count(edge.CountRequest(exact=True, filter=to_filter(where)))

    @translated
    def query(
        self,
        space: Space,
        vector: Sequence[float],
        limit: int,
        where: Where | None = None,
        fields: Sequence[str] = ("uri",),
        *,
        search: Search | None = None,
    ) -> list[ScoredPoint]:
        """Search; see `Build.query`. Of up to `EXACT_LIMIT` points, URIs and labels are read only once."""
        shard = self._shard(space)
        is_small = shard.info().points_count <= EXACT_LIMIT
        search = search or self.info.search(0 if is_small else self._matching(space, where))
        wanted = sorted({"uri", *fields})
        named = is_small and _NAMES.issuperset(wanted)
        found = shard.query(
            edge.QueryRequest(
                limit=limit,
                query=edge.Query.Nearest(list(vector), using=VECTOR_NAME),
                filter=to_filter(where),
                with_payload=False if named else wanted,
                params=_params(search, where),
            )
        )
        if named:
            payloads = self._names_of(space, [point.id for point in found], wanted)
        else:
            payloads = [dict(point.payload or {}) for point in found]
        points = [
            ScoredPoint(str(payload["uri"]), float(point.score), payload)
            for point, payload in zip(found, payloads, strict=True)
        ]
        return sorted(points, key=lambda point: (-point.score, point.uri))

    @translated
    def fetch(self, space: Space, uris: Sequence[str]) -> dict[str, Payload]:
        """Payloads by URI."""
        found = self._shard(space).retrieve(
            [point_id(uri) for uri in uris], with_payload=True, with_vector=False
        )
        payloads = (dict(record.payload or {}) for record in found)
        return {str(payload["uri"]): payload for payload in payloads}

    def scan(
        self, space: Space, *, vectors: bool = False, fields: Sequence[str] | None = None
    ) -> Iterator[Point]:
        """All points, a page at a time; `fields` names those of the payload that are wanted."""
        wanted = True if fields is None else list(fields)
        for record in records(self._shard(space), payload=wanted, vectors=vectors):
            named = record.vector if isinstance(record.vector, dict) else {}
            vector = named.get(VECTOR_NAME, ())
            yield Point(dict(record.payload or {}), vector)  # type: ignore[arg-type] # a dense vector

    @translated
    def values(self, space: Space, field: str) -> dict[str, int]:
        """Values of a field with their counts."""
        hits = self._shard(space).facet(edge.FacetRequest(field, limit=_ALL, exact=True)).hits
        return {str(_plain(hit.value)): hit.count for hit in hits}

    def close(self) -> None:
        """Close the files."""
        for shard in self._shards.values():
            shard.close()
        if self._copy:
            self._copy.remove()

    @property
    def _place(self) -> Path:
        """Where the engine's files are."""
        return self._copy.folder if self._copy else self.folder

    def _shard(self, space: Space) -> edge.EdgeShard:
        if space not in self._shards:  # after a fork
            with self._opening:
                if space not in self._shards:
                    self._shards[space] = _load(self._place / space)
        return self._shards[space]

    def _matching(self, space: Space, where: Where | None) -> int:
        """The number of points that fulfil the conditions, kept once counted: a build never changes."""
        key = (space, where)
        if key not in self._counts:
            if len(self._counts) >= _FILTERS:
                self._counts.clear()
            self._counts[key] = self.count(space, where)
        return self._counts[key]

    def _names_of(self, space: Space, ids: "list[edge.PointId]", wanted: Sequence[str]) -> list[Payload]:
        """The wanted ones of the fields `_NAMES` of some points.

        A build never changes and the engine reads payloads slowly, so they are kept once read.
        """
        known = self._names[space]
        names = [known.get(one) for one in ids]
        if None in names:
            unknown = [one for one, name in zip(ids, names, strict=True) if name is None]
            read = self._shard(space).retrieve(unknown, with_payload=sorted(_NAMES), with_vector=False)
            known.update((record.id, dict(record.payload or {})) for record in read)
        return [{field: known[one][field] for field in wanted if field in known[one]} for one in ids]


def read_info(folder: Path) -> BuildInfo:
    """The description of a sealed build.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    path = folder / "build.json"
    try:
        return BuildInfo.from_dict(read_values(path, dict[str, Any], StoreError), str(path))
    except FileNotFoundError as error:
        raise StoreError(f"{folder} is not a complete build: build it again with reindex") from error


@translated
def write_info(folder: Path, info: BuildInfo) -> None:
    """Write the description; its being there is the sign that the build is complete."""
    write_atomically(folder / "build.json", [json.dumps(info.to_dict(), indent=2).encode(), b"\n"])


class _Copy:
    """A copy of a build in the system's temporary folder, until it is removed or the process ends.

    Raises:
        StoreError: there is no room for it.
    """

    def __init__(self, build: Path) -> None:
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="skillsearch-"))
            self.remove = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
            require_room(self.folder, allocated_bytes(build), hole_bytes(build))
            for space in SPACES:
                copy_folder(build / space, self.folder / space)
        except (OSError, shutil.Error) as error:
            raise StoreError(
                f"{build} may not be written to, and cannot be copied to where the engine may: {error}; set "
                "TMPDIR to a folder with room"
            ) from error


def _load(folder: Path) -> edge.EdgeShard:
    try:
        require_room(folder, 0, hole_bytes(folder))
        return edge.EdgeShard.load(str(folder))
    except StoreError:
        raise
    except Exception as error:  # the engine raises plain exceptions
        raise StoreError(
            f"{folder} cannot be opened: {error}; the engine has to be able to write there; if files are "
            "missing or damaged, build again with `skillsearch reindex --full`"
        ) from error


def _params(search: Search, where: Where | None) -> edge.SearchParams:
    if search.is_exact:
        return edge.SearchParams(exact=True)
    acorn = edge.AcornSearchParams(enable=True, max_selectivity=1.0) if to_filter(where) else None
    return edge.SearchParams(hnsw_ef=search.ef, acorn=acorn)


def _plain(value: object) -> object:
    """A facet's value without the engine's wrapper."""
    return getattr(value, "value", value)
