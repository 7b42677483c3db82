"""Benchmarks: queries, documents to rank, and judgements."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from skillsearch.arrays import Int64Array
from skillsearch.errors import EvaluationError

__all__ = ["Benchmark", "Document", "Qrels", "Run", "check_ids", "relevant_pairs"]

Qrels = Mapping[str, Mapping[str, int]]
"""Grades by query id and document id; a document that is not named has grade 0."""

Run = Mapping[str, Mapping[str, float]]
"""Scores by query id and document id; the higher the better."""

_NAMED: Final = 3  # examples in a message


@dataclass(frozen=True, slots=True)
class Document:
    """A concept to rank: its id in the benchmark, its URI, and its names, the preferred one first."""

    id: str
    uri: str
    names: tuple[str, ...]

    @property
    def label(self) -> str:
        """The name that the models see."""
        return self.names[0]


@dataclass(frozen=True)
class Benchmark:
    """Texts of queries by id, documents by id, and how relevant each document is for each query."""

    name: str
    queries: Mapping[str, str]
    documents: Mapping[str, Document]
    qrels: Qrels

    @cached_property
    def graded(self) -> bool:
        """Whether the judgements know more than relevant and not relevant."""
        return any(grade > 1 for grades in self.qrels.values() for grade in grades.values())

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The label of each document."""
        return tuple(document.label for document in self.documents.values())


def relevant_pairs(qrels: Qrels, documents: Collection[str]) -> tuple[Int64Array, Int64Array, Int64Array]:
    """The p pairs of a query and a document of grade 1 or more, as arrays of shape (p,).

    Returns:
        The index of the query among `qrels`, which never falls; the index of the document among
        `documents`, -1 where it is none of them; and the grade.
    """
    index = {document: column for column, document in enumerate(documents)}
    pairs = [
        (row, index.get(document, -1), grade)
        for row, grades in enumerate(qrels.values())
        for document, grade in grades.items()
        if grade > 0
    ]
    rows, columns, grades = np.array(pairs, dtype=np.int64).reshape(-1, 3).T
    return rows, columns, grades


def check_ids(
    named: Mapping[str, Mapping[str, object]],
    queries: Collection[str],
    documents: Collection[str],
    source: str,
) -> None:
    """Check that judgements or a run name only queries and documents that there are.

    Raises:
        EvaluationError: names the first unknown ids, and how many there are.
    """
    named_documents = dict.fromkeys(document for row in named.values() for document in row)
    for kind, ids, known in (("queries", named, queries), ("documents", named_documents, documents)):
        unknown = [name for name in ids if name not in known]
        if unknown:
            examples = ", ".join(unknown[:_NAMED]) + (", …" if len(unknown) > _NAMED else "")
            raise EvaluationError(
                f"{source}: names {len(unknown):,} {kind} that the data does not have ({examples}); "
                "give the files of one set"
            )
