"""What every evaluation works on: queries, skills to rank, and judgements."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

__all__ = ["Benchmark", "Document", "Qrels", "Run"]

Qrels = Mapping[str, Mapping[str, int]]
"""Grades by query id and document id; a document that is not named has grade 0."""

Run = Mapping[str, Mapping[str, float]]
"""Scores by query id and document id; the higher the better."""


@dataclass(frozen=True, slots=True)
class Document:
    """A skill to rank: its id in the benchmark, its URI, and its names, the preferred one first."""

    id: str
    uri: str
    names: tuple[str, ...]

    @property
    def label(self) -> str:
        """The name that the models see."""
        return self.names[0]


@dataclass(frozen=True)
class Benchmark:
    """Titles by query id, skills by document id, and how relevant each skill is for each title."""

    name: str
    queries: Mapping[str, str]
    documents: Mapping[str, Document]
    qrels: Qrels

    @cached_property
    def graded(self) -> bool:
        """Whether the judgements know more than relevant and not relevant."""
        return any(grade > 1 for grades in self.qrels.values() for grade in grades.values())
