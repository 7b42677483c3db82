"""Lanes: the threads that forward passes run on, one pass on each at a time.

Two cores on one pass wait for each other at every layer; two passes side by side do not. So a request is cut
into passes, which go to as many lanes as there are cores. A lone request has all of them; requests of many
threads take turns, and never more passes run at once than there are cores.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from typing import Final, TypeVar

from skillsearch.forks import renew_in_children

__all__ = ["Lanes", "in_order", "lanes"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_AHEAD: Final = 2  # passes of one request that wait for each lane: what is huge leaves room for others


class Lanes:
    """Threads for forward passes; safe to share between threads, and made anew in a forked child."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Replace the threads, none of which is there in a forked child."""
        self._threads = ThreadPoolExecutor(self.count, thread_name_prefix="skillsearch-lane")

    def map(self, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
        """What `work` gives for each item, in order; see `in_order`."""
        return in_order(self._threads, work, items, ahead=_AHEAD * self.count)


@cache
def lanes(count: int) -> Lanes:
    """The lanes that all models with so many threads share in this process."""
    return Lanes(count)


def in_order(
    threads: ThreadPoolExecutor, work: Callable[[_Item], _Result], items: Iterable[_Item], *, ahead: int
) -> Iterator[_Result]:
    """What `work` gives for each item, in order, while later ones are worked on.

    Args:
        threads: that work, in the context of the caller.
        work: for one item. Where it raises, so does the iterator, and what has not begun is dropped.
        items: taken as there is room for them.
        ahead: items that are worked on, or wait, at a time.
    """
    waiting = deque[Future[_Result]]()
    try:
        for item in items:
            waiting.append(threads.submit(copy_context().run, work, item))
            if len(waiting) == ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for one in waiting:
            one.cancel()
