"""A build of the embedded store while it is written."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import qdrant_edge as edge

from skillsearch.errors import StoreError
from skillsearch.files import make_folder, sync_folder
from skillsearch.store.base import SPACES, Hashes, Payload, Point, Space
from skillsearch.store.embedded.build import EmbeddedBuild, write_info
from skillsearch.store.embedded.engine import new_shard, records, translated
from skillsearch.store.embedded.files import copy_folder, require_room
from skillsearch.store.embedded.journal import Journal
from skillsearch.store.info import BuildInfo
from skillsearch.store.schema import VECTOR_NAME, point_id
from skillsearch.store.search import EXACT_LIMIT

__all__ = ["JOURNAL", "EmbeddedDraft"]

JOURNAL: Final = "draft.sqlite"
_BATCH = 1000
_POINT_BYTES = 16_000  # on disk: in the journal, and in the shard with its payload indexes
_SHARD_BYTES = 16 * 2**20  # what two shards take before their first point
_MAPPED_BYTES = 300 * 2**20  # the length of their files then


class EmbeddedDraft:
    """New points go to the journal; sealing makes the shards.

    A shard begins as a copy of the base's, where points of the base are wanted, and the difference is
    applied to it. What is to be copied is not kept in the journal: after a crash it is asked for again.
    """

    def __init__(self, folder: Path, info: BuildInfo, base: EmbeddedBuild | None) -> None:
        """Begin a draft in its folder, or go on with the one that is there.

        Raises:
            StoreError: the folder cannot be written, or there is too little room on the disk.
        """
        self._folder = folder
        self._base = base
        self._copied: dict[Space, tuple[Mapping[str, Payload], Callable[[int], object]]] = {}
        _require_room(folder, info)
        self._journal = _open_journal(folder / JOURNAL)
        self.info = translated(self._journal.description)() or info
        self._journal.describe(self.info)

    @translated
    def written(self, space: Space) -> dict[str, Hashes]:
        """Hashes of the points in the journal."""
        return self._journal.hashes(space)

    def copy(
        self,
        space: Space,
        changes: Mapping[str, Payload],
        advance: Callable[[int], object] = lambda _: None,
    ) -> None:
        """Have points of the base copied when the draft is sealed.

        Raises:
            StoreError: there is no base.
        """
        if self._base is None:
            raise StoreError(f"build {self.info.name} has no base to copy from")
        self._copied[space] = changes, advance

    @translated
    def upsert(self, space: Space, points: Sequence[Point]) -> None:
        """Put points into the journal."""
        self._journal.add(space, points)

    @translated
    def seal(self) -> EmbeddedBuild:
        """Make both shards, wait until they are on disk, write build.json, and drop the journal."""
        _require_room(self._folder, self.info)
        for space in SPACES:
            self._make_shard(space)
        sync_folder(self._folder)
        self.info = replace(self.info, state="sealed")
        write_info(self._folder, self.info)
        self._journal.close()
        (self._folder / JOURNAL).unlink()
        return EmbeddedBuild.load(self._folder)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    def _make_shard(self, space: Space) -> None:
        folder = self._folder / space
        shutil.rmtree(folder, ignore_errors=True)
        copied = self._copied.get(space)
        if self._base is None or copied is None:
            shard = new_shard(folder, self.info.dimension)
        else:
            copy_folder(self._base.folder / space, folder)
            shard = edge.EdgeShard.load(str(folder))
            self._apply_difference(shard, space, *copied)
        for batch in self._journal.batches(space, _BATCH):
            shard.update(edge.UpdateOperation.upsert_points([_to_point(point) for point in batch]))
        if shard.info().points_count > EXACT_LIMIT:
            shard.optimize()
        shard.flush()
        shard.close()

    def _apply_difference(
        self,
        shard: edge.EdgeShard,
        space: Space,
        copied: Mapping[str, Payload],
        advance: Callable[[int], object],
    ) -> None:
        wanted = {point_id(uri) for uri in (*copied, *self._journal.hashes(space))}
        leave = (record.id for record in records(shard, payload=False) if str(record.id) not in wanted)
        removed = list(leave)
        while some := removed[:_BATCH]:
            shard.update(edge.UpdateOperation.delete_points(some))
            del removed[:_BATCH]
        for uri, changes in copied.items():
            if changes:  # fields that are not named stay, with their entries in the payload indexes
                shard.update(edge.UpdateOperation.set_payload([point_id(uri)], changes))
            advance(1)


def _to_point(point: Point) -> edge.Point:
    return edge.Point(point_id(point.uri), {VECTOR_NAME: list(point.vector)}, point.payload)


@translated
def _open_journal(path: Path) -> Journal:
    return Journal(path)


@translated
def _require_room(folder: Path, info: BuildInfo) -> None:
    """Fail early, before anything is embedded."""
    make_folder(folder)
    points = _POINT_BYTES * (info.skills + info.occupations)
    require_room(folder, _SHARD_BYTES + points, _MAPPED_BYTES)
