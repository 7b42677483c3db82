"""The searches that run in a client.

Closing waits for them, a cancelled one stops between its stages, and what is read beside them gives way.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TypeVar

from skillsearch.errors import StoreError

__all__ = ["Searches", "cancellable", "giving_way", "stop_if_cancelled", "unhurried"]

_Item = TypeVar("_Item")

_AT_A_TIME: Final = 64  # items between two pauses
_PAUSE: Final = 10.0  # as long as the work before it

_cancelled: ContextVar[threading.Event | None] = ContextVar("cancelled", default=None)
_giving_way: ContextVar[Callable[[], bool] | None] = ContextVar("giving way", default=None)


class Searches:
    """Counts the searches of all threads; none begins once it is closed."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._running = 0
        self._is_closed = False

    @contextmanager
    def one(self) -> Iterator[None]:
        """Run one search.

        Raises:
            StoreError: the client is closed.
        """
        with self._condition:
            if self._is_closed:
                raise StoreError("the client is closed: open another one with SkillSearch.open")
            self._running += 1
        try:
            yield
        finally:
            with self._condition:
                self._running -= 1
                self._condition.notify_all()

    @property
    def running(self) -> int:
        """How many run now."""
        return self._running

    def close(self) -> None:
        """Let no further search begin, and wait for those that run."""
        with self._condition:
            self._is_closed = True
            self._condition.wait_for(lambda: not self._running)


@contextmanager
def cancellable(cancelled: threading.Event) -> Iterator[None]:
    """Let searches of this thread stop once the event is set."""
    token = _cancelled.set(cancelled)
    try:
        yield
    finally:
        _cancelled.reset(token)


@contextmanager
def giving_way(is_busy: Callable[[], bool]) -> Iterator[None]:
    """Let loops of this thread over `unhurried` items leave the cores to others while it is busy."""
    token = _giving_way.set(is_busy)
    try:
        yield
    finally:
        _giving_way.reset(token)


def unhurried(items: Iterable[_Item]) -> Iterable[_Item]:
    """The items; with pauses in between, ten times as long as the work, where this thread gives way."""
    is_busy = _giving_way.get()
    return _with_pauses(items, is_busy) if is_busy else items


def _with_pauses(items: Iterable[_Item], is_busy: Callable[[], bool]) -> Iterator[_Item]:
    begun = time.thread_time()
    for count, item in enumerate(items, 1):
        yield item
        if count % _AT_A_TIME == 0:
            if is_busy():
                time.sleep(_PAUSE * (time.thread_time() - begun))
            begun = time.thread_time()


def stop_if_cancelled() -> None:
    """Stop a search that was cancelled; called between its stages.

    Raises:
        CancelledError: it was.
    """
    cancelled = _cancelled.get()
    if cancelled is not None and cancelled.is_set():
        raise CancelledError("the search was cancelled")
