"""Latency budgets: how many candidates a search can rerank in the time that it is given."""

import threading
import time
from dataclasses import dataclass, replace
from typing import Final

from skillsearch.results import Timings

__all__ = ["Pace", "Step"]

_WEIGHT: Final = 0.2  # of the newest search
_FEWEST: Final = 10  # candidates that are worth reranking
_SPARE: Final = 0.8  # share of the budget that is planned for


@dataclass(frozen=True, slots=True)
class Step:
    """What a search does to keep its budget: candidates that it reranks, and what to tell of it.

    Attributes:
        depth: None for as many as it would anyway, 0 for none.
        degraded: what is left out, in words; None where nothing is.
    """

    depth: int | None = None
    degraded: str | None = None


@dataclass(frozen=True, slots=True)
class _Cost:
    """Milliseconds of a search without reranking, and of each candidate that is reranked."""

    base: float
    each: float


class Pace:
    """How long searches take here, learned from those that were answered; shared between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cost: _Cost | None = None

    def learn(self, timings: Timings, depth: int | None) -> None:
        """Learn from a search that reranked so many candidates at most."""
        base = timings.total - timings.rerank
        with self._lock:
            known = self._cost or _Cost(base, 0.0)
            cost = replace(known, base=_mean(known.base, base))
            if depth and timings.rerank:
                each = timings.rerank / depth
                cost = replace(cost, each=_mean(known.each, each) if known.each else each)
            self._cost = cost

    def step(self, budget_ms: float | None, wanted: int | None, since: float) -> Step:
        """What a search can do in its budget, of which the time since it arrived is gone.

        Args:
            budget_ms: milliseconds from arrival to answer; None for no bound.
            wanted: candidates that it would rerank; None where nothing reranks.
            since: when the request arrived, in seconds of `time.perf_counter`.
        """
        cost = self._cost
        if budget_ms is None or not wanted or cost is None or not cost.each:
            return Step()
        left = _SPARE * budget_ms - (time.perf_counter() - since) * 1000 - cost.base
        depth = int(left / cost.each)
        if depth >= wanted:
            return Step()
        if depth < _FEWEST:
            return Step(0, f"not reranked: {wanted} candidates would not have been in {budget_ms:g} ms")
        return Step(depth, f"{depth} of {wanted} candidates reranked to answer in {budget_ms:g} ms")


def _mean(old: float, new: float) -> float:
    return (1 - _WEIGHT) * old + _WEIGHT * new
