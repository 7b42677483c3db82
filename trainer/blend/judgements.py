"""Judgements of titles and skills, from whichever file has them, to a `Benchmark`.

Four kinds are read: a home in which people judged; a folder or zip of TalentCLEF's task B; a table with
the columns ``title``,
``skill`` and ``grade``, where ``skill`` is a URI or a preferred label; and judgements in TREC's format
with a table of ``query`` and ``title`` beside them, the documents being URIs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from skillsearch.errors import EvaluationError, StoreError
from skillsearch.judgements import GRADES, Judgements
from skillsearch.tables import Record, Table
from skillsearch.tasks import TITLE_TO_SKILLS
from trainer.evaluate.benchmark import Benchmark, Document

__all__ = ["MIN_TITLES", "check_judgements", "read_judgements", "with_uris"]

_GRADES: Final[Mapping[str, int]] = {
    "core": 2,
    "essential": 2,
    "contextual": 1,
    "optional": 1,
    "irrelevant": 0,
    "not relevant": 0,
}
"""Words for grades."""

_EXPORTED: Final = ("label", "who", "at")
"""Columns of an export of a service's judgements that nothing is learned from."""

_BETWEEN_WORDS: Final = re.compile(r"[\s_]+|(?<=\w)-(?=\w)")
_WHOLE: Final = re.compile(r"(\d{1,9})(?:[.,]0+)?")  # a spreadsheet may have added decimals

_NAMED: Final = 5  # labels in a message

MIN_TITLES: Final = 5
"""Titles with a relevant skill that learning and measuring need."""


def read_judgements(path: Path, *, titles: Path | None = None) -> Benchmark:
    """Read judgements; pairs that are not listed count as not relevant.

    Args:
        path: a home with judgements, a folder or zip of TalentCLEF, a CSV, or with `titles` a TREC file.
        titles: the titles of the TREC file's queries.

    Returns:
        Documents have names in TalentCLEF's data only: the index knows what skills are called.

    Raises:
        EvaluationError: names the file and row of what is wrong, and what was expected.
    """
    if titles is not None:
        benchmark = _read_trec(path, titles)
    elif Judgements.are_in(path):
        benchmark = _read_home(path)
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
            f"{source}: nothing is judged relevant, every grade is 0: a blend is learned from relevant "
            "skills, give some a grade of 1 or more"
        )
    if relevant < MIN_TITLES:
        raise EvaluationError(
            f"{source}: found {relevant} titles with a relevant skill, expected at least {MIN_TITLES}: "
            "judge more titles"
        )
    positives = sum(grade > 0 for row in grades for grade in row.values())
    if positives == len(benchmark.qrels) * len(benchmark.documents):
        raise EvaluationError(
            f"{source}: every judged skill is relevant for every title, so nothing tells relevant from "
            "irrelevant: add skills with grade 0, or skills that are relevant for some titles only"
        )


def with_uris(benchmark: Benchmark, uris: Sequence[str], labels: Sequence[str]) -> Benchmark:
    """Judgements whose skills are named by their URIs, where some are by their preferred labels.

    Args:
        benchmark: names each skill by a URI, or by a label, whose case does not count.
        uris: of all skills of the index.
        labels: of these, in the same order.

    Raises:
        EvaluationError: several skills have one of the labels, or one skill is judged by its label and
            otherwise by its URI.
    """
    known = set(uris)
    by_label: dict[str, list[str]] = {}
    for uri, label in zip(uris, labels, strict=True):
        by_label.setdefault(_folded(label), []).append(uri)
    found = {
        name: by_label[_folded(name)]
        for name, document in benchmark.documents.items()
        if not document.names and name not in known and _folded(name) in by_label
    }
    shared = [name for name, several in found.items() if len(several) > 1]
    if shared:
        shown = "; ".join(f"{name} ({', '.join(found[name])})" for name in shared[:_NAMED])
        raise EvaluationError(
            f"{benchmark.name}: {len(shared):,} labels belong to several skills, write URIs instead: {shown}"
        )
    uri_of = {name: found[name][0] if name in found else name for name in benchmark.documents}
    qrels: dict[str, dict[str, int]] = {}
    for query, grades in benchmark.qrels.items():
        row = qrels.setdefault(query, {})
        for name, grade in grades.items():
            if row.setdefault(uri_of[name], grade) != grade:
                two = f"{benchmark.queries[query]!r} has two grades for {name}, which is {uri_of[name]}"
                raise EvaluationError(f"{benchmark.name}: {two}; keep one")
    documents = benchmark.documents if not found else _documents(qrels)
    return replace(benchmark, documents=documents, qrels=qrels)


def _folded(label: str) -> str:
    return " ".join(label.casefold().split())


def _read_home(home: Path) -> Benchmark:
    """What people judged of each title and skill at last, whoever did."""
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    try:
        judged = Judgements(home).all()
    except StoreError as error:
        raise EvaluationError(str(error)) from error
    for one in judged:
        title = TITLE_TO_SKILLS.view(one.title)
        query = f"title-{title.casefold()}"
        queries.setdefault(query, title)
        qrels.setdefault(query, {})[one.uri] = GRADES[one.grade]
    return Benchmark(home.name or "home", queries, _documents(qrels), qrels)


def _read_csv(path: Path) -> Benchmark:
    columns = ("title", "skill", "grade")
    queries: dict[str, str] = {}
    ids: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    known = (*columns, *_EXPORTED)
    for row in Table.at(path, error_type=EvaluationError).rows(*columns, known=known):
        title, skill, grade = _title(row), row.filled("skill"), _grade(row)
        query = ids.setdefault(title.casefold(), f"title-{len(ids) + 1}")
        queries.setdefault(query, title)
        before = qrels.setdefault(query, {}).setdefault(skill, grade)
        if before != grade:
            raise row.error("grade", f"{grade} for {title!r} and {skill}, which had {before} above; keep one")
    return Benchmark(path.name, queries, _documents(qrels), qrels)


def _read_trec(path: Path, titles: Path) -> Benchmark:
    from trainer.evaluate.trec import read_qrels

    qrels = read_qrels(path)
    columns = ("query", "title")
    queries: dict[str, str] = {}
    for row in Table.at(titles, error_type=EvaluationError).rows(*columns, known=columns):
        query = row["query"]
        if query in queries:
            raise row.error("query", f"{query} has a title in an earlier row; keep one of them")
        queries[query] = _title(row)
    missing = [query for query in qrels if query not in queries]
    if missing:
        raise EvaluationError(
            f"{titles}: no title for {len(missing):,} of the queries in {path} ({missing[0]}): add them"
        )
    return Benchmark(path.name, {query: queries[query] for query in qrels}, _documents(qrels), qrels)


def _grade(row: Record) -> int:
    """A grade, as a whole number or as a word."""
    text = " ".join(_BETWEEN_WORDS.split(row["grade"].casefold()))
    number = _WHOLE.fullmatch(text)
    if not number and text not in _GRADES:
        words = ", ".join(f"{word} = {grade}" for word, grade in _GRADES.items())
        expected = f"expected a whole number from 0 (not relevant) up, or a word: {words}"
        raise row.error("grade", f"{row['grade'][:40]!r}, {expected}")
    return int(number[1]) if number else _GRADES[text]


def _title(row: Record) -> str:
    """The title as the models see it."""
    title = TITLE_TO_SKILLS.view(row["title"])
    if not title:
        raise row.error("title", "empty, expected a job title")
    return title


def _documents(qrels: Mapping[str, Mapping[str, int]]) -> dict[str, Document]:
    uris = dict.fromkeys(uri for row in qrels.values() for uri in row)
    return {uri: Document(uri, uri, ()) for uri in uris}
