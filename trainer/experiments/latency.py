"""Milliseconds and FLOPs of a query with cached targets, as Table 3 of the paper."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from trainer.evaluate.workbench.models import make_scorer
from trainer.evaluate.workbench.tasks import Task
from trainer.experiments.designs import Reading

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["MEASURED", "WARM_UP", "Latency", "measure_latency"]

WARM_UP: Final = 30
MEASURED: Final = 100


@dataclass(frozen=True, slots=True)
class Latency:
    """What ranking all targets of a task for one query takes, with encoding the query.

    Attributes:
        task: the task.
        reading: how the model is read.
        targets: how many.
        p50: milliseconds, median.
        p95: milliseconds, 95th percentile.
        flops: floating-point operations of a query in matrix products, mean.
    """

    task: str
    reading: str
    targets: int
    p50: float
    p95: float
    flops: float


def measure_latency(
    model: "SentenceTransformer",
    tasks: Sequence[Task],
    readings: Sequence[Reading],
    *,
    warm_up: int = WARM_UP,
    measured: int = MEASURED,
) -> list[Latency]:
    """Time single queries of each task against targets that were embedded before.

    Args:
        model: the encoder.
        tasks: their first queries are taken, again from the start where there are too few.
        readings: ways to read the model.
        warm_up: queries that are not counted.
        measured: queries that are.
    """
    return [_measure(model, task, reading, warm_up, measured) for reading in readings for task in tasks]


def _measure(
    model: "SentenceTransformer", task: Task, reading: Reading, warm_up: int, measured: int
) -> Latency:
    from torch.utils.flop_counter import FlopCounterMode

    # a scorer for each task, since it remembers the texts that it has embedded
    scorer = make_scorer(model, "model", interaction=reading.interaction, temperature=reading.temperature)
    score = scorer.fit(task.targets, direction=task.direction)
    queries = [task.queries[place % len(task.queries)] for place in range(warm_up + measured)]
    times = []
    for query in queries:
        start = time.perf_counter()
        score([query])
        times.append((time.perf_counter() - start) * 1000)
    counter = FlopCounterMode(display=False)
    with counter:
        for query in queries[warm_up:]:
            score([query])
    p50, p95 = np.percentile(times[warm_up:], [50, 95])
    return Latency(
        task.name,
        str(reading),
        len(task.targets),
        round(float(p50), 3),
        round(float(p95), 3),
        counter.get_total_flops() / measured,
    )
