"""Judgements of people: whether a skill is relevant for a title, kept in an SQLite file of the home.

Nothing is ever changed but the time at which a judgement was undone. Of several judgements of one title
and skill that are not undone, the latest counts.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, TextIO

from skillsearch.characters import fault_of, fold, quoted
from skillsearch.errors import QueryError, StoreError
from skillsearch.files import make_folder
from skillsearch.results import Versions
from skillsearch.tables.csv_output import write_rows

__all__ = ["FILE", "GRADES", "Grade", "Judgement", "Judgements", "write_csv", "write_qrels", "write_titles"]

FILE: Final = "judgements.sqlite"

Grade = Literal["relevant", "contextual", "not"]

GRADES: Final[Mapping[Grade, int]] = {"relevant": 2, "contextual": 1, "not": 0}
"""Grades and their numbers in exports."""

_LONGEST: Final = 2000  # characters of a text
_PATIENCE: Final = 10.0  # seconds that another writer is waited for

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS judgements (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    folded TEXT NOT NULL,
    uri TEXT NOT NULL,
    label TEXT NOT NULL,
    grade TEXT NOT NULL CHECK (grade IN ('relevant', 'contextual', 'not')),
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    versions TEXT NOT NULL,
    undone TEXT
);
CREATE INDEX IF NOT EXISTS by_title ON judgements (folded, uri, id);
"""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What somebody said of a title and a skill.

    Attributes:
        id: of the judgement.
        title: that was judged.
        uri: of the skill.
        label: of the skill, as it was shown.
        grade: ``relevant``, ``contextual`` or ``not``.
        who: judged.
        at: when, ISO 8601 in UTC.
        versions: of the index and the models that had answered.
        undone: when it was taken back, if it was.
    """

    id: int
    title: str
    uri: str
    label: str
    grade: Grade
    who: str
    at: str
    versions: Mapping[str, Any]
    undone: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Values ready for JSON."""
        return asdict(self)


class Judgements:
    """The judgements of a home; safe to share between threads and processes."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE

    @classmethod
    def are_in(cls, home: Path) -> bool:
        """Whether a home has a file of judgements."""
        return (home / FILE).is_file()

    def add(self, title: str, uri: str, label: str, grade: str, who: str, versions: Versions) -> Judgement:
        """Keep a judgement.

        Raises:
            QueryError: the grade is none, or a text cannot be used.
            StoreError: the file cannot be written.
        """
        if grade not in GRADES:
            raise QueryError(f"grade is one of {', '.join(GRADES)}, found {quoted(grade)}")
        title = " ".join(title.split())
        for name, text in (("title", title), ("uri", uri), ("label", label), ("who", who)):
            if fault := fault_of(text):
                raise QueryError(f"{name} {quoted(text)} has {fault}: remove it")
            if not text.strip() or len(text) > _LONGEST:
                raise QueryError(f"{name} has 1 to {_LONGEST:,} characters, found {len(text.strip()):,}")
        values = (title, fold(title), uri, label, grade, who, _now(), json.dumps(asdict(versions)))
        with self._open() as file:
            added = file.execute(
                "INSERT INTO judgements (title, folded, uri, label, grade, who, at, versions) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
                values,
            ).fetchone()
            return _judgement(added)

    def undo(self, number: int, who: str) -> Judgement | None:
        """Take a judgement back; None where there is none of that number by this person.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._open() as file:
            row = file.execute(
                "UPDATE judgements SET undone = coalesce(undone, ?) WHERE id = ? AND who = ? RETURNING *",
                (_now(), number, who),
            ).fetchone()
            return _judgement(row) if row else None

    def of_title(self, title: str) -> dict[str, Judgement]:
        """What counts for a title, by URI.

        Raises:
            StoreError: the file cannot be read.
        """
        return {one.uri: one for one in self._read(fold(title))}

    def all(self) -> list[Judgement]:
        """All that count, in the order in which they were made.

        Raises:
            StoreError: the file cannot be read.
        """
        return list(self._read())

    def _read(self, title: str | None = None) -> Iterator[Judgement]:
        if not self._path.is_file():
            return
        with self._open() as file:
            rows = file.execute(
                "SELECT * FROM judgements WHERE id IN (SELECT max(id) FROM judgements "
                "WHERE undone IS NULL AND folded = coalesce(?, folded) GROUP BY folded, uri) ORDER BY id",
                (title,),
            ).fetchall()
        yield from map(_judgement, rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own for each use, in a transaction.

        Raises:
            StoreError: the file cannot be opened, read or written.
        """
        try:
            if not self._path.exists():
                make_folder(self._path.parent)
            with closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as file, file:
                file.executescript(_SCHEMA)
                yield file
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"the judgements in {self._path} cannot be used: {error}") from error


def write_csv(file: TextIO, judgements: Iterable[Judgement]) -> None:
    """Write ``title,skill,grade,label,who,at``, which `skillsearch fit` reads."""
    rows = ((one.title, one.uri, GRADES[one.grade], one.label, one.who, one.at) for one in judgements)
    write_rows(file, ("title", "skill", "grade", "label", "who", "at"), rows)


def write_qrels(file: TextIO, judgements: Iterable[Judgement]) -> None:
    """Write judgements in TREC's format: query, 0, URI, grade; `write_titles` tells the queries' titles."""
    numbers: dict[str, int] = {}
    for one in judgements:
        query = numbers.setdefault(fold(one.title), len(numbers) + 1)
        file.write(f"title-{query} 0 {one.uri} {GRADES[one.grade]}\n")


def write_titles(file: TextIO, judgements: Iterable[Judgement]) -> None:
    """Write ``query,title`` for the queries of `write_qrels`."""
    titles: dict[str, str] = {}
    for one in judgements:
        titles.setdefault(fold(one.title), one.title)
    rows = ((f"title-{number}", title) for number, title in enumerate(titles.values(), start=1))
    write_rows(file, ("query", "title"), rows)


def _judgement(row: tuple[Any, ...]) -> Judgement:
    number, title, _, uri, label, grade, who, at, versions, undone = row
    return Judgement(number, title, uri, label, grade, who, at, json.loads(versions), undone)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
