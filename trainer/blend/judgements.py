"""Judgements of titles and skills, from whichever file has them, to a `Benchmark`.

Three kinds are read: a folder or zip of TalentCLEF's task B; a CSV with the header ``title,skill,grade``,
where ``skill`` is a URI; and judgements in TREC's format with a CSV ``query,title`` beside them, the
documents being URIs.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from skillsearch.errors import EvaluationError
from skillsearch.taxonomy.texts import query_text
from trainer.evaluate.benchmark import Benchmark, Document

__all__ = ["MIN_TITLES", "check_judgements", "read_judgements"]

MIN_TITLES: Final = 5
"""Fewer titles with a relevant skill cannot be learned from and measured on."""

_HEADER = ("title", "skill", "grade")
_TITLES_HEADER = ("query", "title")


def read_judgements(path: Path, *, titles: Path | None = None) -> Benchmark:
    """Read judgements; pairs that are not listed count as not relevant.

    Args:
        path: a folder or zip of TalentCLEF, a CSV, or with `titles` a TREC file.
        titles: the titles of the TREC file's queries.

    Returns:
        With `Document.names` empty but in TalentCLEF's data: the index knows how skills are called.

    Raises:
        EvaluationError: names the file and line of what is wrong, and what was expected.
    """
    if titles is not None:
        benchmark = _read_trec(path, titles)
    elif path.is_dir() or path.suffix.lower() == ".zip":
        from trainer.evaluate.talentclef import read_talentclef

        benchmark = read_talentclef(path)
    else:
        benchmark = _read_csv(path)
    check_judgements(benchmark, str(path))
    return benchmark


def check_judgements(benchmark: Benchmark, source: str) -> None:
    """Check that there is something to learn: titles with relevant skills, and skills that are not.

    Raises:
        EvaluationError: there is not.
    """
    grades = benchmark.qrels.values()
    relevant = sum(any(grade > 0 for grade in row.values()) for row in grades)
    if not relevant:
        raise EvaluationError(
            f"{source}: nothing is judged relevant, every grade is 0: "
            "a blend needs relevant skills, of grade 1 or more"
        )
    if relevant < MIN_TITLES:
        raise EvaluationError(
            f"{source}: {relevant} titles with a relevant skill, at least {MIN_TITLES} are needed to learn a "
            "blend and to measure it"
        )
    positives = sum(grade > 0 for row in grades for grade in row.values())
    if positives == len(benchmark.qrels) * len(benchmark.documents):
        raise EvaluationError(
            f"{source}: every judged skill is relevant for every title, so nothing tells relevant from "
            "irrelevant: add skills with grade 0, or skills that are relevant for some titles only"
        )


def _read_csv(path: Path) -> Benchmark:
    queries: dict[str, str] = {}
    ids: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    for line, (cell, skill, grade) in _rows(path, _HEADER):
        title, place = query_text(cell), f"{path}:{line}"
        if not title:
            raise EvaluationError(f"{place}: the title is empty, expected a job title")
        if not skill or skill.split() != [skill]:
            raise EvaluationError(f"{place}: skill {skill!r}, expected the URI of a skill")
        if not (grade.isascii() and grade.isdigit()):
            raise EvaluationError(
                f"{place}: grade {grade!r}, expected a whole number from 0 (not relevant) up"
            )
        query = ids.setdefault(title.casefold(), f"title-{len(ids) + 1}")
        queries.setdefault(query, title)
        before = qrels.setdefault(query, {}).setdefault(skill, int(grade))
        if before != int(grade):
            raise EvaluationError(
                f"{place}: {skill} has grade {grade} for {title!r} and {before} in an earlier line; keep one"
            )
    return Benchmark(path.name, queries, _documents(qrels), qrels)


def _read_trec(path: Path, titles: Path) -> Benchmark:
    from trainer.evaluate.trec import read_qrels

    qrels = read_qrels(path)
    queries: dict[str, str] = {}
    for line, (query, cell) in _rows(titles, _TITLES_HEADER):
        if not query_text(cell):
            raise EvaluationError(f"{titles}:{line}: the title is empty, expected a job title")
        if query in queries:
            raise EvaluationError(f"{titles}:{line}: query {query} stands twice; keep one of the lines")
        queries[query] = query_text(cell)
    missing = [query for query in qrels if query not in queries]
    if missing:
        raise EvaluationError(
            f"{titles}: has no title for {len(missing):,} of the queries in {path} ({missing[0]})"
        )
    return Benchmark(path.name, {query: queries[query] for query in qrels}, _documents(qrels), qrels)


def _documents(qrels: Mapping[str, Mapping[str, int]]) -> dict[str, Document]:
    uris = dict.fromkeys(uri for row in qrels.values() for uri in row)
    return {uri: Document(uri, uri, ()) for uri in uris}


def _rows(path: Path, header: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """The line number and the stripped cells of each row below the header."""
    from trainer.evaluate.trec import read_text

    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        found = [cell.strip() for cell in next(reader, [])]
        if tuple(found) != header:
            raise EvaluationError(
                f"{path}:1: header {','.join(found)[:80]!r}, expected {','.join(header)!r}, comma separated"
            )
        line = reader.line_num + 1
        for row in reader:
            if row and len(row) != len(header):
                raise EvaluationError(
                    f"{path}:{line}: {len(row)} columns, expected {len(header)} ({', '.join(header)})"
                )
            if row:
                yield line, [cell.strip() for cell in row]
            line = reader.line_num + 1
    except csv.Error as error:
        raise EvaluationError(f"{path}:{reader.line_num}: {error}; is a quote not closed?") from error
