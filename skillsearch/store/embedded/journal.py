"""The journal of a draft in the embedded store: the points it has taken so far, in one SQLite file.

The engine's own files are written without a write-ahead log and can be read only after they were
flushed. So points that were costly to make are kept here, each batch in one transaction, until the
draft is sealed: a process that dies loses at most the batch it was writing, and the next.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from skillsearch.errors import StoreError
from skillsearch.store.base import Hashes, Point, Space
from skillsearch.store.info import BuildInfo
from skillsearch.values import parse_json

__all__ = ["Journal"]

_REMEDY: Final = "remove the draft with `skillsearch prune`"

_TABLES = """
create table if not exists info (description text not null);
create table if not exists points (
    space text not null, uri text not null, embedded text not null, hashed text not null,
    payload text not null, vector blob not null, primary key (space, uri)
);
"""


class Journal:
    """Points by space and URI; any failure is an `sqlite3.Error`."""

    def __init__(self, path: Path) -> None:
        """Open it, or make it."""
        self._path = path
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.executescript(_TABLES)

    @classmethod
    def reading(cls, path: Path) -> "Journal":
        """Open one that is there, and leave it as it is."""
        journal = cls.__new__(cls)
        journal._path = path
        journal._database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)
        return journal

    def describe(self, info: BuildInfo) -> None:
        """Keep the description of the draft."""
        with self._database as database:
            database.execute("delete from info")
            database.execute("insert into info values (?)", (json.dumps(info.to_dict()),))

    def description(self) -> BuildInfo | None:
        """The description, if it was written before the process died.

        Raises:
            StoreError: it is damaged, or another version of this program wrote it.
        """
        row = self._database.execute("select coalesce(cast(description as blob), x'') from info").fetchone()
        source = str(self._path)
        return row and BuildInfo.from_dict(
            parse_json(row[0], dict[str, Any], StoreError, source=source, remedy=_REMEDY), source
        )

    def add(self, space: Space, points: Sequence[Point]) -> None:
        """Keep a batch of points."""
        rows = [
            (
                space,
                point.uri,
                *Hashes.of(point.payload),
                json.dumps(point.payload, ensure_ascii=False),
                np.asarray(point.vector, dtype="<f4").tobytes(),
            )
            for point in points
        ]
        with self._database as database:
            database.executemany("insert or replace into points values (?, ?, ?, ?, ?, ?)", rows)

    def hashes(self, space: Space) -> dict[str, Hashes]:
        """Hashes of the points, by URI."""
        rows = self._database.execute("select uri, embedded, hashed from points where space = ?", (space,))
        return {uri: Hashes(embedded, hashed) for uri, embedded, hashed in rows}

    def batches(self, space: Space, size: int) -> Iterator[list[Point]]:
        """All points of a space, `size` at a time."""
        rows = self._database.execute("select payload, vector from points where space = ?", (space,))
        while some := rows.fetchmany(size):
            yield [
                Point(json.loads(payload), np.frombuffer(vector, dtype="<f4").tolist())
                for payload, vector in some
            ]

    def close(self) -> None:
        """Close the file."""
        self._database.close()
