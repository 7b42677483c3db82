"""Judgements and runs in the formats of TREC, as evaluation tools read and write them.

Judgements are lines of ``query 0 document grade``; runs are lines of ``query Q0 document rank
score tag``. Columns are separated by tabs or spaces.
"""

import math
from collections.abc import Iterator
from pathlib import Path

from skillsearch.errors import EvaluationError
from trainer.evaluate.benchmark import Qrels, Run
from trainer.evaluate.output import write_text
from trainer.evaluate.ranking import Ranking

__all__ = ["decode", "parse_qrels", "read_qrels", "read_run", "read_text", "write_qrels", "write_run"]

_STEPS = 1_000_000  # in a unit of a written score; float32 still tells neighbouring steps apart


def read_qrels(path: Path) -> Qrels:
    """Read judgements; see `parse_qrels`."""
    return parse_qrels(read_text(path), str(path))


def parse_qrels(text: str, source: str) -> Qrels:
    """Judgements from the text of a file.

    Args:
        text: lines of ``query 0 document grade``.
        source: names the file in messages.

    Raises:
        EvaluationError: a line has not four columns, a grade is no whole number from 0, a pair is
            judged twice, or nothing is judged relevant.
    """
    qrels: dict[str, dict[str, int]] = {}
    for number, (query, _, document, grade) in _columns(text, source, "query 0 document grade"):
        if not (grade.isascii() and grade.isdigit()):
            raise EvaluationError(
                f"{source}:{number}: grade {grade!r}, expected a whole number from 0 (not relevant) up"
            )
        if document in qrels.setdefault(query, {}):
            raise EvaluationError(
                f"{source}:{number}: {document} is judged twice for {query}; keep one of the lines"
            )
        qrels[query][document] = int(grade)
    if not any(grade for grades in qrels.values() for grade in grades.values()):
        raise EvaluationError(f"{source}: nothing is judged relevant, there is nothing to measure against")
    return qrels


def write_qrels(path: Path, qrels: Qrels) -> None:
    """Write judgements, tab separated."""
    lines = (
        f"{query}\t0\t{document}\t{grade}\n"
        for query, grades in qrels.items()
        for document, grade in grades.items()
    )
    write_text(path, lines)


def read_run(path: Path) -> Run:
    """Read a run; the scores make the order, the rank column is not looked at.

    Raises:
        EvaluationError: a line has not six columns, a score is no finite number, a document stands
            twice for a query, or the run is empty.
    """
    run: dict[str, dict[str, float]] = {}
    columns = _columns(read_text(path), str(path), "query Q0 document rank score tag")
    for number, (query, _, document, _, text, _) in columns:
        try:
            score = float(text)
        except ValueError as error:
            raise EvaluationError(f"{path}:{number}: score {text!r}, expected a number") from error
        if not math.isfinite(score):
            raise EvaluationError(f"{path}:{number}: score {text!r}, expected a finite number")
        if document in run.setdefault(query, {}):
            raise EvaluationError(
                f"{path}:{number}: {document} stands twice for {query}; keep one of the lines"
            )
        run[query][document] = score
    if not run:
        raise EvaluationError(f"{path}: empty, expected lines of query Q0 document rank score tag")
    return run


def write_run(path: Path, ranking: Ranking, tag: str) -> None:
    """Write a ranking as a run, tab separated, ranks from 1.

    Scores are written to six decimals. One that does not lie a millionth below the score before it
    is lowered until it does, so that every reader, with whatever rule for ties, sees this order.

    Raises:
        EvaluationError: an id has white space in it, or the file cannot be written.
    """
    spaced = [name for name in (*ranking.queries, *ranking.documents) if len(name.split()) != 1]
    if spaced:
        raise EvaluationError(f"{path}: the id {spaced[0]!r} has white space, which the format cannot hold")
    write_text(path, _run_lines(ranking, "-".join(tag.split())))


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        EvaluationError: it cannot be read, or is not UTF-8.
    """
    try:
        return decode(path.read_bytes(), str(path))
    except OSError as error:
        raise EvaluationError(f"{path}: cannot be read: {error.strerror or error}; check the path") from error


def decode(data: bytes, source: str) -> str:
    """Bytes to text.

    Raises:
        EvaluationError: they are not UTF-8; names the line.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        wrong = error.object[error.start]
        raise EvaluationError(
            f"{source}:{line}: byte 0x{wrong:02x} is not UTF-8; save the file as UTF-8"
        ) from error


def _run_lines(ranking: Ranking, tag: str) -> Iterator[str]:
    for query, order, scores in zip(ranking.queries, ranking.order, ranking.scores, strict=True):
        before = math.inf
        for rank, (place, score) in enumerate(zip(order, scores, strict=True), start=1):
            before = min(round(float(score) * _STEPS), before - 1)
            yield f"{query}\tQ0\t{ranking.documents[place]}\t{rank}\t{before / _STEPS:.6f}\t{tag}\n"


def _columns(text: str, source: str, expected: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers from 1 and the columns of each line that is not blank."""
    width = len(expected.split())
    for number, line in enumerate(text.split("\n"), start=1):
        columns = line.split()
        if columns and len(columns) != width:
            raise EvaluationError(
                f"{source}:{number}: {len(columns)} columns, expected {width}: {expected}; "
                f"found {line.strip()[:80]!r}"
            )
        if columns:
            yield number, columns
