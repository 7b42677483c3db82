"""What a forked child makes anew instead of sharing it with its parent: locks, and engines with threads.

Only the thread that forks goes on in the child, so a lock that another one held is never released
there, and an engine whose threads are gone answers nothing.
"""

import os
import threading
from types import TracebackType
from typing import Protocol
from weakref import WeakSet

__all__ = ["Lock", "Renewable", "renew_in_children"]


class Renewable(Protocol):
    """An object that a forked child cannot use as it is."""

    def renew(self) -> None:
        """Make new what the child cannot use."""


_KNOWN: "WeakSet[Renewable]" = WeakSet()


def renew_in_children(owner: Renewable) -> None:
    """Call the object's `renew` in every process that is forked from this one, as long as it lives."""
    _KNOWN.add(owner)


class Lock:
    """A lock for threads, which is free in a forked child whoever held it."""

    def __init__(self) -> None:
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Replace the lock by a free one."""
        self._lock = threading.Lock()

    def acquire(self, *, blocking: bool = True) -> bool:
        """Take it, and tell whether that succeeded."""
        return self._lock.acquire(blocking=blocking)

    def release(self) -> None:
        """Give it back."""
        self._lock.release()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()


def _renew_all() -> None:
    for owner in list(_KNOWN):
        owner.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_renew_all)
