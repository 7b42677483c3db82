"""The searches that run in a client: closing waits for them, and a cancelled one stops between its stages."""

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from contextvars import ContextVar

from skillsearch.errors import StoreError

__all__ = ["Searches", "cancellable", "stop_if_cancelled"]

_cancelled: ContextVar[threading.Event | None] = ContextVar("cancelled", default=None)


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


def stop_if_cancelled() -> None:
    """Stop a search that was cancelled; called between its stages.

    Raises:
        CancelledError: it was.
    """
    cancelled = _cancelled.get()
    if cancelled is not None and cancelled.is_set():
        raise CancelledError("the search was cancelled")
