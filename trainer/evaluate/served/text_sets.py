"""Sets of texts with their skills: sentences with labelled spans, sentences with labels, whole adverts."""

import ast
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from skillsearch.errors import EvaluationError
from skillsearch.tables import Record, Table, TextFile, json_lines

__all__ = [
    "Advert",
    "AdvertSkill",
    "Place",
    "Sentence",
    "SentenceSet",
    "is_adverts",
    "read_adverts",
    "read_sentences",
]

_EXPECTED: Final = "expected.jsonl"
_NO_SKILL: Final = frozenset({"UNK", "LABEL NOT PRESENT", "UNDERSPECIFIED"})
_ADVICE: Final = "give a table with sentence and skills, or with sentence, span and label"

Place = tuple[int, int]
"""Start and end, in characters."""


@dataclass(frozen=True)
class Sentence:
    """A sentence, the labels of its skills that the index has, and the places of its spans, if known."""

    text: str
    labels: frozenset[str]
    spans: tuple[Place, ...]


@dataclass(frozen=True)
class SentenceSet:
    """Sentences with their skills.

    Attributes:
        name: of the file.
        sentences: equal ones are one.
        has_spans: whether places are known.
        dropped: labels that the index does not have, by sentence.
    """

    name: str
    sentences: tuple[Sentence, ...]
    has_spans: bool
    dropped: int


@dataclass(frozen=True)
class AdvertSkill:
    """A skill that an advert asks for: its place, its label or None, and whether it is required."""

    start: int
    end: int
    label: str | None
    required: bool


@dataclass(frozen=True)
class Advert:
    """An advert: its text, its skills, and texts in it that give none."""

    text: str
    skills: tuple[AdvertSkill, ...]
    never: tuple[Place, ...]


def is_adverts(path: Path) -> bool:
    """Whether a path is a folder of adverts."""
    return path.is_dir()


def read_sentences(path: Path, labels: Collection[str], every: int = 1) -> SentenceSet:
    """Read sentences.

    Args:
        path: a table with the columns sentence and skills, a list of labels as Python writes it, or with
            sentence, span and label, a row for each span.
        labels: that the index has.
        every: take each n-th sentence.

    Raises:
        EvaluationError: it cannot be read.
    """
    table = Table.at(path, error_type=EvaluationError, advice=_ADVICE)
    try:
        next(table.rows("sentence", "skills"), None)
        rows, has_spans = table.rows("sentence", "skills"), False
    except EvaluationError:
        rows, has_spans = table.rows("sentence", "span", "label"), True
    found: dict[str, tuple[set[str], list[Place]]] = {}
    for row in rows:
        text = row["sentence"]
        own, spans = found.setdefault(text, (set(), []))
        own.update({row["label"]} if has_spans else _listed(row))
        if has_spans and (span := row["span"]):
            start = text.find(span, max((end for _, end in spans), default=0))
            start = text.find(span) if start < 0 else start
            if start >= 0:
                spans.append((start, start + len(span)))
    chosen = list(found.items())[::every]
    wanted = [(text, {label.strip() for label in own - _NO_SKILL}, spans) for text, (own, spans) in chosen]
    sentences = tuple(
        Sentence(text, frozenset(own.intersection(labels)), tuple(spans)) for text, own, spans in wanted
    )
    dropped = sum(len(own.difference(labels)) for _, own, _ in wanted)
    if not sentences:
        raise EvaluationError(f"{path}: no sentences; {_ADVICE}")
    return SentenceSet(path.name, sentences, has_spans, dropped)


def read_adverts(folder: Path) -> Iterator[Advert]:
    """Read a folder of adverts.

    `expected.jsonl` in it names, for each, the file, its skills (span, start, label, required) and the
    texts that give none.

    Raises:
        EvaluationError: a file cannot be read, or a span does not stand where it should.
    """
    file = TextFile.at(folder / _EXPECTED, error_type=EvaluationError)
    for record in json_lines(file, ("file", "languages", "traps", "skills", "never")):
        path = folder / record.filled("file")
        try:
            text = path.read_bytes().decode()
        except (OSError, ValueError) as error:
            raise file.error(f", {record.place}: {path} cannot be read: {error}") from error
        never = [(text.find(one), len(one)) for one in record.lines("never")]
        yield Advert(
            text,
            tuple(_skill(record, text, one) for one in _objects(record)),
            tuple((start, start + length) for start, length in never if start >= 0),
        )


def _listed(row: Record) -> set[str]:
    try:
        labels = ast.literal_eval(row["skills"])
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise row.error("skills", "expected a list of labels such as ['use SQL']") from error
    if not isinstance(labels, list) or not all(isinstance(one, str) for one in labels):
        raise row.error("skills", "expected a list of labels such as ['use SQL']")
    return set(labels)


def _objects(record: Record) -> list[dict[str, Any]]:
    skills = record.values.get("skills")
    if not isinstance(skills, list) or not all(isinstance(one, dict) for one in skills):
        raise record.error("skills", "expected a list of objects")
    return skills


def _skill(record: Record, text: str, values: dict[str, Any]) -> AdvertSkill:
    span, start = values.get("span"), values.get("start")
    if not isinstance(span, str) or not isinstance(start, int) or text[start : start + len(span)] != span:
        raise record.error("skills", f"{json.dumps(span)} does not stand at {start}")
    return AdvertSkill(start, start + len(span), values.get("label"), bool(values.get("required")))
