"""Answers of the client to the queries of a benchmark, and their figures."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skillsearch.client import SkillSearch
from skillsearch.progress import Advance
from skillsearch.results import FailedSearch
from skillsearch.tasks import Task
from trainer.evaluate.benchmark import Qrels
from trainer.evaluate.measures import Row, measure_ranks

__all__ = ["Answers", "ask", "ranked_row"]


@dataclass(frozen=True)
class Answers:
    """What came of the queries.

    Attributes:
        ranked: URIs by id of the query, best first; none for a query that was refused.
        recognised: how many queries were recognised as what the task takes.
        refused: how many queries were refused.
        milliseconds: of one query, on average.
    """

    ranked: Mapping[str, Sequence[str]]
    recognised: int
    refused: int
    milliseconds: float


def ask(
    client: SkillSearch,
    task: Task[..., Any],
    queries: Mapping[str, str],
    advance: Advance,
    **options: Any,  # noqa: ANN401 - those of the task
) -> Answers:
    """Do a task for each query, by id.

    Raises:
        SkillSearchError: an option is wrong, or the store failed.
    """
    ranked: dict[str, list[str]] = {}
    recognised = refused = 0
    start = time.perf_counter()
    for query, found in zip(queries, client.each(task, queries.values(), **options), strict=True):
        advance(1)
        if isinstance(found, FailedSearch):
            refused += 1
            ranked[query] = []
            continue
        recognised += getattr(found, "recognised", True)
        ranked[query] = [hit.uri for hit in found]
    seconds = time.perf_counter() - start
    return Answers(ranked, recognised, refused, 1000 * seconds / max(len(queries), 1))


def ranked_row(label: str, qrels: Qrels, ranked: Mapping[str, Sequence[str]], names: Sequence[str]) -> Row:
    """Figures of lists of URIs; what a list does not have is found nowhere.

    Args:
        label: of the row.
        qrels: grades by query and URI.
        ranked: URIs by query, best first.
        names: of measures; see `trainer.evaluate.measures.measure_ranks`.
    """
    rows, ranks = list[int](), list[float]()
    for row, (query, grades) in enumerate(qrels.items()):
        places = {uri: place for place, uri in enumerate(ranked.get(query, ()), start=1)}
        for uri, grade in grades.items():
            if grade > 0:
                rows.append(row)
                ranks.append(places.get(uri, np.inf))
    values = measure_ranks(names, np.array(rows, dtype=np.int64), np.array(ranks), len(qrels))
    return Row(label, tuple(qrels), values)
