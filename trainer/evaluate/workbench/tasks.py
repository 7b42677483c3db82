"""WorkBench's tasks as data: a benchmark each, its type, its part, and where it comes from.

After De Lange, Decorte and Van Haute, "Unified Work Embeddings" (2025), arXiv:2511.07969. A task has
a fixed direction for late interaction, and is keyed by URI wherever it comes from a taxonomy, so that
two concepts with one label stay two targets.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, get_args

import numpy as np

from skillsearch.errors import EvaluationError
from trainer.evaluate.benchmark import Benchmark, Document
from trainer.evaluate.scorers import Direction

__all__ = [
    "KINDS",
    "Dropped",
    "Kind",
    "MissingTaskError",
    "Split",
    "Task",
    "WorkBench",
    "in_validation",
    "make_task",
]

Kind = Literal["job2skill", "skill2job", "skillnorm", "skillextract", "jobnorm", "skillsim"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""The six types of task; a type may have several sets, which are averaged first."""

Split = Literal["validation", "test", "all"]

_VACANCY_TEXTS: Final[tuple[Kind, ...]] = ("skillextract", "jobnorm")  # as queries
_SIDE_SETS: Final = ("techwolf",)  # reported, but not in the paper's average
_NAMED: Final = 3  # examples of dropped rows
_SPLIT_SEED: Final = 42
_NOTHING: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})


class MissingTaskError(EvaluationError):
    """A task cannot be built: its file is absent, or no query is left."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Rows of a file that were not used: why, how many, and what the first few have in a column."""

    reason: str
    count: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Task:
    """A ranking task: every query ranks all targets.

    Attributes:
        benchmark: queries with at least one right target, and the targets as documents; equal scores
            are ranked in the order of the documents.
        kind: the type it belongs to, such as ``skillextract``.
        split: the part it holds.
        taxonomy: name and version of the release that the labels are of; empty for none.
        files: that it was read from.
        left_out: number of queries without a right target.
        dropped: rows of the files that were not used.
    """

    benchmark: Benchmark
    kind: Kind
    split: Split
    taxonomy: str = ""
    files: tuple[str, ...] = ()
    left_out: int = 0
    dropped: tuple[Dropped, ...] = ()

    @property
    def name(self) -> str:
        """The name of the set, such as ``house``."""
        return self.benchmark.name

    @cached_property
    def queries(self) -> tuple[str, ...]:
        """The texts of the queries."""
        return tuple(self.benchmark.queries.values())

    @property
    def targets(self) -> tuple[str, ...]:
        """The texts of the targets."""
        return self.benchmark.labels

    @property
    def direction(self) -> Direction:
        """Direction of late interaction.

        From the label to the text of a vacancy, which says much besides; else from query to target.
        """
        return "target-to-query" if self.kind in _VACANCY_TEXTS else "query-to-target"

    @property
    def ranks_itself(self) -> bool:
        """Whether a query is a target too, of the same id, which its own ranking leaves out."""
        return self.kind == "skillsim"

    @property
    def averaged(self) -> bool:
        """Whether it counts in the average, as in the paper."""
        return self.name not in _SIDE_SETS


@dataclass(frozen=True)
class WorkBench:
    """The tasks that could be built; and by name, why others could not."""

    tasks: tuple[Task, ...]
    missing: Mapping[str, str] = field(default_factory=dict)

    def sample(self, *, queries: int, targets: int | None = None, seed: int = 0) -> "WorkBench":
        """A smaller version, the same for the same seed, such as for validation during training.

        Args:
            queries: kept of each task.
            targets: kept of each target space: the right ones of the kept queries always, others
                drawn up to this number; tasks that share a space share the drawn one. None keeps all.
                Figures on fewer targets are higher, and compare only with figures on the same sample.
            seed: of the draws.

        Raises:
            EvaluationError: a number is not positive.
        """
        if queries < 1 or (targets is not None and targets < 1):
            raise EvaluationError(f"a sample of {queries} queries and {targets} targets; expected 1 or more")
        tasks = tuple(_fewer_queries(task, queries, seed) for task in self.tasks)
        return replace(self, tasks=tasks if targets is None else _fewer_targets(tasks, targets, seed))


def make_task(
    name: str,
    kind: Kind,
    split: Split,
    right: Mapping[str, Sequence[str]],
    documents: Mapping[str, Document],
    *,
    texts: Mapping[str, str] | None = None,
    taxonomy: str = "",
    files: Sequence[Path] = (),
    dropped: Mapping[str, Sequence[str]] = _NOTHING,
) -> Task:
    """A task without the queries that have no right target.

    Args:
        name: of the set.
        kind: its type.
        split: its part.
        right: ids of the right targets by the id of the query.
        documents: the targets by id.
        texts: of the queries by id; by default an id is the text.
        taxonomy: name and version of the release.
        files: that it was read from.
        dropped: for each reason, what the dropped rows have in a column.

    Raises:
        MissingTaskError: no query is left.
    """
    kept = [query for query, targets in right.items() if targets]
    if not kept:
        reasons = "".join(f"; {len(found):,} rows dropped: {reason}" for reason, found in dropped.items())
        source = ", ".join(path.name for path in files) or taxonomy
        raise MissingTaskError(f"{source}: no query with a right target in the {split} part{reasons}")
    benchmark = Benchmark(
        name,
        {query: texts[query] if texts else query for query in kept},
        documents,
        {query: dict.fromkeys(right[query], 1) for query in kept},
    )
    return Task(
        benchmark,
        kind,
        split,
        taxonomy,
        tuple(path.name for path in files),
        len(right) - len(kept),
        tuple(
            Dropped(reason, len(found), tuple(dict.fromkeys(found))[:_NAMED])
            for reason, found in dropped.items()
        ),
    )


def in_validation(key: str, share: float) -> bool:
    """Whether a query belongs to the validation part: a fixed draw by its key alone.

    It hashes a fixed seed and the key, so an occupation stays in its part in every release.
    """
    digest = hashlib.sha256(f"{_SPLIT_SEED}\n{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def _fewer_queries(task: Task, count: int, seed: int) -> Task:
    keys = list(task.benchmark.queries)
    if len(keys) <= count:
        return task
    rows = np.sort(_generator(seed, task.name).choice(len(keys), size=count, replace=False))
    kept = [keys[row] for row in rows]
    queries = {key: task.benchmark.queries[key] for key in kept}
    qrels = {key: task.benchmark.qrels[key] for key in kept}
    return replace(task, benchmark=replace(task.benchmark, queries=queries, qrels=qrels))


def _fewer_targets(tasks: Sequence[Task], count: int, seed: int) -> tuple[Task, ...]:
    needed: dict[tuple[str, ...], set[str]] = {}
    for task in tasks:
        right = needed.setdefault(tuple(task.benchmark.documents), set())
        right.update(*task.benchmark.qrels.values(), task.benchmark.queries if task.ranks_itself else ())
    kept: dict[tuple[str, ...], set[str]] = {}
    for space, right in needed.items():
        others = [name for name in space if name not in right]
        more = min(max(count - len(right), 0), len(others))
        rows = _generator(seed, "targets").choice(len(others), size=more, replace=False)
        kept[space] = right.union(others[row] for row in rows)
    smaller = []
    for task in tasks:
        documents = task.benchmark.documents
        names = kept[tuple(documents)]
        fewer = {name: document for name, document in documents.items() if name in names}
        smaller.append(replace(task, benchmark=replace(task.benchmark, documents=fewer)))
    return tuple(smaller)


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, *name.encode()])
