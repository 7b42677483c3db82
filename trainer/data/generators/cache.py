"""Generated texts kept in one SQLite file, so that a second run costs nothing."""

import hashlib
import json
import sqlite3
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from skillsearch.errors import TrainingError
from skillsearch.taxonomy.records import Skill
from trainer.data.generators.base import Kind

__all__ = ["CachedTexts", "TextCache"]

_APPLICATION = 0x534B4755  # SQLite's application_id of this kind of file
_LAYOUT = 1
_BATCH = 500  # answers
_SECONDS = 1.0
_BUSY_SECONDS = 30.0

CachedTexts = tuple[int, list[str]]
"""How many texts were asked for, and those that came."""


class TextCache:
    """What a generator answered, by generator, skill and kind.

    Answers are written in batches of at most a second, so that a killed run loses no more. Several
    runs may use one file. Use it as a context manager, from one thread.

    Args:
        path: the file; it is made where it does not exist. None keeps everything in memory.

    Raises:
        TrainingError: the file is corrupt, of another kind, or cannot be opened.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._waiting = 0
        self._written = time.monotonic()
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path or ":memory:", timeout=_BUSY_SECONDS)
        except (OSError, sqlite3.Error) as error:
            raise self._error(error) from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._connection.close()
            raise self._error(error) from error
        except TrainingError:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get(self, generator: str, skill: Skill, kind: Kind) -> CachedTexts | None:
        """The answer that is kept for a skill, or None.

        Raises:
            TrainingError: the file is corrupt.
        """
        try:
            row = self._connection.execute(
                "SELECT asked, texts FROM texts WHERE generator = ? AND skill = ? AND kind = ?",
                (generator, skill_key(skill), kind),
            ).fetchone()
            if row is None:
                return None
            asked, texts = int(row[0]), json.loads(row[1])
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise self._error(error) from error
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise self._error(f"the row of {skill.uri} does not hold texts")
        return asked, texts

    def put(self, generator: str, skill: Skill, kind: Kind, asked: int, texts: list[str]) -> None:
        """Keep an answer; one that was kept before is replaced.

        Raises:
            TrainingError: the file cannot be written.
        """
        try:
            self._connection.execute(
                "INSERT OR REPLACE INTO texts VALUES (?, ?, ?, ?, ?)",
                (generator, skill_key(skill), kind, asked, json.dumps(texts, ensure_ascii=False)),
            )
            self._waiting += 1
            if self._waiting >= _BATCH or time.monotonic() - self._written > _SECONDS:
                self._commit()
        except sqlite3.Error as error:
            raise self._error(error) from error

    def close(self) -> None:
        """Write what waits, and close the file."""
        try:
            self._commit()
        except sqlite3.Error as error:
            raise self._error(error) from error
        finally:
            self._connection.close()

    def _commit(self) -> None:
        self._connection.commit()
        self._waiting, self._written = 0, time.monotonic()

    def _prepare(self) -> None:
        """Make the table in a new file; refuse a file that something else made."""
        found = self._pragma("application_id"), self._pragma("user_version")
        tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and found != (_APPLICATION, _LAYOUT):
            raise self._error("it is a database of another kind or version")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        if not tables:
            self._connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._connection.execute(f"PRAGMA user_version = {_LAYOUT}")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS texts (generator TEXT, skill TEXT, kind TEXT, asked INTEGER, "
            "texts TEXT, PRIMARY KEY (generator, skill, kind)) WITHOUT ROWID"
        )
        self._connection.commit()

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    def _error(self, reason: object) -> TrainingError:
        return TrainingError(
            f"{self._path} cannot be used as a cache of generated texts: {reason}; "
            "delete it, or name another file"
        )


def skill_key(skill: Skill) -> str:
    """A fingerprint of what a generator reads of a skill: a changed text is generated again."""
    text = "\0".join((skill.uri, skill.label, skill.description, skill.skill_type))
    return hashlib.sha256(text.encode()).hexdigest()
