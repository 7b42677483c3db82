"""WorkBench's tasks as data: queries, targets, and which targets are right for each query.

After De Lange, Decorte and Van Haute, "Unified Work Embeddings" (2025), arXiv:2511.07969. A task has
a fixed direction for late interaction, and is keyed by URI wherever it comes from a taxonomy, so that
two concepts with one label stay two targets.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from skillsearch.errors import EvaluationError

__all__ = [
    "KINDS",
    "SPLITS",
    "SPLIT_SEED",
    "Direction",
    "Dropped",
    "Kind",
    "Missing",
    "Places",
    "Split",
    "Task",
    "WorkBench",
    "in_validation",
    "make_task",
]

Kind = Literal["job2skill", "skill2job", "skillnorm", "skillextract", "jobnorm", "skillsim"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""The six types of task; a type may have several sets, which are averaged first."""

Direction = Literal["query-to-target", "target-to-query"]
"""Which side's tokens look for their like in the other's, where a model is read by late interaction."""

Split = Literal["validation", "test", "all"]
SPLITS: Final[tuple[Split, ...]] = get_args(Split)

SPLIT_SEED: Final = 42

Places = NDArray[np.int32]

_VACANCY_TEXTS: Final[tuple[Kind, ...]] = ("skillextract", "jobnorm")  # as queries
_SIDE_SETS = ("techwolf",)  # reported, but not in the paper's average
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Dropped:
    """What of a file was not used: why, how many rows, and the first few."""

    reason: str
    count: int
    examples: tuple[str, ...] = ()

    @classmethod
    def of(cls, reason: str, found: Sequence[str]) -> tuple["Dropped", ...]:
        """One entry, or none where nothing was found."""
        return (cls(reason, len(found), tuple(dict.fromkeys(found))[:_NAMED]),) if found else ()


@dataclass(frozen=True, slots=True)
class Missing:
    """A task that was not built, and why, with the file that was looked for."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Task:
    """A ranking task: every query ranks all targets.

    Attributes:
        name: of the set, such as ``house``.
        kind: the type it belongs to, such as ``skillextract``.
        split: the part it holds.
        queries: n texts.
        targets: m texts; equal scores are ranked in this order.
        positives: for each query the places of its right targets, rising, at least one.
        own: shape (n,), the place of the query itself among the targets, -1 for none; None where
            queries are never targets. It is left out of that query's ranking.
        taxonomy: name and version of the release that the labels are of; empty for none.
        files: that it was read from.
        left_out: queries without a right target, which are not among `queries`.
        dropped: what of the files was not used.
    """

    name: str
    kind: Kind
    split: Split
    queries: tuple[str, ...]
    targets: tuple[str, ...]
    positives: tuple[Places, ...]
    own: Places | None = None
    taxonomy: str = ""
    files: tuple[str, ...] = ()
    left_out: int = 0
    dropped: tuple[Dropped, ...] = ()

    def __post_init__(self) -> None:
        """Check that the parts fit together.

        Raises:
            EvaluationError: they do not.
        """
        lengths = {len(self.queries), len(self.positives)}
        if self.own is not None:
            lengths.add(len(self.own))
        if len(lengths) > 1:
            raise EvaluationError(f"task {self.name}: {sorted(lengths)} queries, expected one number of them")
        counts = np.array([len(places) for places in self.positives], dtype=np.int64)
        if (counts == 0).any():
            query = self.queries[int(np.argmin(counts))]
            raise EvaluationError(
                f"task {self.name}: {query[:60]!r} has no right target; leave it out, as make_task does"
            )
        places = np.concatenate([*self.positives, np.empty(0, dtype=np.int32)])
        steps = np.diff(places, prepend=-1)
        steps[np.cumsum(counts)[:-1]] = 1  # where the next query begins
        wrong = (places < 0) | (places >= len(self.targets)) | (steps <= 0)
        if wrong.any():
            row = int(np.searchsorted(np.cumsum(counts), int(np.argmax(wrong)), side="right"))
            raise EvaluationError(
                f"task {self.name}: the right targets of {self.queries[row][:60]!r} are "
                f"{self.positives[row].tolist()[:10]}, expected rising places below {len(self.targets):,}"
            )

    @property
    def direction(self) -> Direction:
        """From the label to the text of a vacancy, which says much besides; else from query to target."""
        return "target-to-query" if self.kind in _VACANCY_TEXTS else "query-to-target"

    @property
    def averaged(self) -> bool:
        """Whether it counts in the average, as in the paper."""
        return self.name not in _SIDE_SETS

    @property
    def relevant(self) -> int:
        """Pairs of a query and a right target."""
        return sum(map(len, self.positives))


@dataclass(frozen=True)
class WorkBench:
    """The tasks that could be built, and those that could not."""

    tasks: tuple[Task, ...]
    missing: tuple[Missing, ...] = ()

    def sample(self, *, queries: int, targets: int | None = None, seed: int = 0) -> "WorkBench":
        """A small version, the same for the same seed, such as for validation during training.

        Args:
            queries: kept of each task.
            targets: kept of each target space: the right ones of the kept queries always, others
                drawn up to this number. Tasks that share a space share the drawn one, so that its
                texts are embedded once. None keeps all. Figures on fewer targets are higher, and
                compare only with figures on the same sample.
            seed: of the draws.

        Raises:
            EvaluationError: a number is not positive.
        """
        if queries < 1 or (targets is not None and targets < 1):
            raise EvaluationError(f"a sample of {queries} queries and {targets} targets; expected 1 or more")
        tasks = tuple(_fewer_queries(task, queries, _generator(seed, task.name)) for task in self.tasks)
        if targets is not None:
            tasks = _fewer_targets(tasks, targets, seed)
        return replace(self, tasks=tasks)


def make_task(
    name: str,
    kind: Kind,
    split: Split,
    entries: Iterable[tuple[str, Iterable[int]]],
    targets: tuple[str, ...],
    *,
    taxonomy: str = "",
    files: Sequence[str] = (),
    dropped: tuple[Dropped, ...] = (),
) -> Task | Missing:
    """A task of queries and the places of their right targets; queries without any are left out.

    Returns:
        The task, or why there is none: no query is left.
    """
    queries: list[str] = []
    positives: list[Places] = []
    left_out = 0
    for query, places in entries:
        right = np.array(sorted(set(places)), dtype=np.int32)
        if len(right):
            queries.append(query)
            positives.append(right)
        else:
            left_out += 1
    if not queries:
        reasons = "".join(f"; {drop.count:,} rows dropped: {drop.reason}" for drop in dropped)
        source = ", ".join(files) or taxonomy
        return Missing(name, f"{source}: no query with a right target in the {split} part{reasons}")
    return Task(
        name,
        kind,
        split,
        tuple(queries),
        targets,
        tuple(positives),
        taxonomy=taxonomy,
        files=tuple(files),
        left_out=left_out,
        dropped=dropped,
    )


def in_validation(key: str, share: float) -> bool:
    """Whether a query belongs to the validation part: a fixed draw by its key alone.

    It hashes `SPLIT_SEED` and the key, so an occupation stays in its part in every release.
    """
    digest = hashlib.sha256(f"{SPLIT_SEED}\n{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, *name.encode()])


def _fewer_queries(task: Task, count: int, generator: np.random.Generator) -> Task:
    if len(task.queries) <= count:
        return task
    rows = np.sort(generator.choice(len(task.queries), size=count, replace=False))
    return replace(
        task,
        queries=tuple(task.queries[row] for row in rows),
        positives=tuple(task.positives[row] for row in rows),
        own=None if task.own is None else task.own[rows],
    )


def _fewer_targets(tasks: tuple[Task, ...], count: int, seed: int) -> tuple[Task, ...]:
    spaces: dict[tuple[str, ...], list[Task]] = {}
    for task in tasks:
        spaces.setdefault(task.targets, []).append(task)
    smaller: dict[str, Task] = {}
    for targets, sharing in spaces.items():
        needed = np.unique(np.concatenate([places for task in sharing for places in task.positives]))
        others = np.setdiff1d(np.arange(len(targets), dtype=np.int32), needed)
        more = min(max(count - len(needed), 0), len(others))
        drawn = _generator(seed, "targets").choice(others, size=more, replace=False)
        kept = np.sort(np.concatenate([needed, drawn]))
        texts = tuple(targets[place] for place in kept)
        places = np.full(len(targets), -1, dtype=np.int32)
        places[kept] = np.arange(len(kept), dtype=np.int32)
        for task in sharing:
            smaller[task.name] = replace(
                task,
                targets=texts,
                positives=tuple(places[some] for some in task.positives),
                own=None if task.own is None else np.where(task.own < 0, -1, places[task.own]),
            )
    return tuple(smaller[task.name] for task in tasks)
