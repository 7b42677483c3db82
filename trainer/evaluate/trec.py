"""Judgements and runs in the formats of TREC, as evaluation tools read and write them.

Judgements are lines of ``query 0 document grade``; runs are lines of ``query Q0 document rank
score tag``. Columns are separated by tabs or spaces.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from skillsearch.errors import EvaluationError
from skillsearch.files import save
from skillsearch.tables import WHOLE_NUMBER, TextFile
from trainer.evaluate.benchmark import Qrels, Run
from trainer.evaluate.ranking import Ranking

__all__ = ["parse_qrels", "read_qrels", "read_run", "write_run"]

_STEPS: Final = 1_000_000  # in a unit of a written score; float32 still tells neighbouring steps apart


def read_qrels(path: Path) -> Qrels:
    """Read judgements; see `parse_qrels`."""
    return parse_qrels(TextFile.at(path, error_type=EvaluationError))


def parse_qrels(file: TextFile) -> Qrels:
    """Judgements from a file of lines ``query 0 document grade``.

    Raises:
        EvaluationError: the file cannot be read, a line does not have four columns, a grade is not a
            whole number from 0 up, a pair is judged twice, or nothing is judged relevant.
    """
    qrels: dict[str, dict[str, int]] = {}
    for number, (query, _, document, grade) in _columns(file, "query 0 document grade"):
        if not WHOLE_NUMBER.fullmatch(grade):
            raise file.error(
                f", line {number}: grade {grade[:80]!r}, expected a whole number from 0 (not relevant) up"
            )
        if document in qrels.setdefault(query, {}):
            raise file.error(
                f", line {number}: {document} is judged twice for {query}; keep one of the lines"
            )
        qrels[query][document] = int(grade)
    if not any(grade for grades in qrels.values() for grade in grades.values()):
        raise file.error(": nothing is judged relevant, there is nothing to measure against")
    return qrels


def read_run(path: Path) -> Run:
    """Read a run; its scores make the order, the column with the rank is ignored.

    Raises:
        EvaluationError: the file cannot be read, a line does not have six columns, a score is not a
            finite number, a document appears twice for a query, or the run is empty.
    """
    run: dict[str, dict[str, float]] = {}
    file, expected = TextFile.at(path, error_type=EvaluationError), "query Q0 document rank score tag"
    for number, (query, _, document, _, text, _) in _columns(file, expected):
        try:
            score = float(text)
        except ValueError as error:
            raise file.error(f", line {number}: score {text!r}, expected a number") from error
        if not math.isfinite(score):
            raise file.error(f", line {number}: score {text!r}, expected a finite number")
        if document in run.setdefault(query, {}):
            raise file.error(f", line {number}: {document} appears twice for {query}; keep one of the lines")
        run[query][document] = score
    if not run:
        raise file.error(f": empty, expected lines of {expected}")
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
    lines = _run_lines(ranking, "-".join(tag.split()))
    save(path, (line.encode() for line in lines), EvaluationError)


def _run_lines(ranking: Ranking, tag: str) -> Iterator[str]:
    for query, order, scores in zip(ranking.queries, ranking.order, ranking.scores, strict=True):
        before = math.inf
        for rank, (column, score) in enumerate(zip(order, scores, strict=True), start=1):
            before = min(round(float(score) * _STEPS), before - 1)
            yield f"{query}\tQ0\t{ranking.documents[column]}\t{rank}\t{before / _STEPS:.6f}\t{tag}\n"


def _columns(file: TextFile, expected: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers from 1 and the columns of each line that is not blank."""
    width = len(expected.split())
    for number, line in enumerate(file.text().split("\n"), start=1):
        columns = line.split()
        if columns and len(columns) != width:
            raise file.error(
                f", line {number}: {len(columns)} columns, expected {width}: {expected}; "
                f"found {line.strip()[:80]!r}"
            )
        if columns:
            yield number, columns
