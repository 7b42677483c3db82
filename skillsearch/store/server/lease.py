"""One writer at a time on a server that knows no locks.

The lock is an empty collection, since the server creates a name only once. Its metadata say who holds
it, and a thread renews the time in them; a holder that stopped doing so for `LEASE` seconds is taken for
dead, and at once if its process could be seen from here and is gone. Who takes over creates the next
number: of several that try, one succeeds.
"""

import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from skillsearch.errors import SkillSearchError, StoreError
from skillsearch.store.locks import Holder
from skillsearch.store.server.calls import Connection, translated

__all__ = ["LEASE", "lease"]

LEASE: Final = 60.0
"""Seconds after which a holder that is not heard of is taken for dead."""

_PREFIX = "skillsearch-lock-"
_NUMBERED = re.compile(rf"{_PREFIX}(\d+)")


@contextmanager
def lease(connection: Connection, purpose: str, *, seconds: float = LEASE) -> Iterator[None]:
    """Hold the lock of a server, and renew it meanwhile.

    Args:
        connection: to the server.
        purpose: what others are told.
        seconds: see `LEASE`; clocks of the hosts may differ by less than that.

    Raises:
        StoreLockedError: another process holds it.
        StoreError: the server failed.
    """
    locks = _Locks(connection, purpose)
    number = locks.take(seconds)
    done = threading.Event()
    renewal = threading.Thread(target=locks.keep, args=(number, seconds / 4, done), daemon=True)
    renewal.start()
    try:
        yield
    finally:
        done.set()
        renewal.join()
        with suppress(SkillSearchError):  # the server may be gone; the lock then runs out
            locks.delete(number)


class _Locks:
    def __init__(self, connection: Connection, purpose: str) -> None:
        self.connection = connection
        self._holder = Holder.here(purpose)
        self._token = secrets.token_hex(8)  # tells this holder from another with the same host and number

    def take(self, seconds: float) -> int:
        """Create the next lock, unless the last one is held; its number."""
        numbers = self._numbers()
        if numbers:
            self._require_free(numbers[-1], seconds)
        number = numbers[-1] + 1 if numbers else 1
        try:
            self._create(number)
        except StoreError:
            known = self._read(number)
            if known is None:
                raise
            if known.get("token") != self._token:
                self._require_free(number, seconds)
                raise
        for old in numbers:
            self.delete(old)
        return number

    def keep(self, number: int, pause: float, done: threading.Event) -> None:
        """Renew the time until done; a server that is away is asked again after the next pause."""
        while not done.wait(pause):
            with suppress(SkillSearchError):
                self._renew(number)

    @translated
    def delete(self, number: int) -> None:
        self.connection.client.delete_collection(f"{_PREFIX}{number}")

    def _require_free(self, number: int, seconds: float) -> None:
        known = self._read(number)
        holder = Holder.of(known)
        if known is None or holder is None or holder.is_gone():
            return
        renewed = known.get("renewed")
        if isinstance(renewed, int | float) and time.time() - renewed < seconds:
            raise holder.refuse(f"the index on {self.connection}")

    @translated
    def _numbers(self) -> list[int]:
        names = [found.name for found in self.connection.client.get_collections().collections]
        return sorted(int(match[1]) for name in names if (match := _NUMBERED.fullmatch(name)))

    @translated
    def _read(self, number: int) -> dict[str, Any] | None:
        name = f"{_PREFIX}{number}"
        if not self.connection.client.collection_exists(name):
            return None
        return dict(self.connection.client.get_collection(name).config.metadata or {})

    @translated
    def _create(self, number: int) -> None:
        self.connection.client.create_collection(
            f"{_PREFIX}{number}", vectors_config={}, metadata=self._metadata()
        )

    @translated
    def _renew(self, number: int) -> None:
        self.connection.client.update_collection(f"{_PREFIX}{number}", metadata=self._metadata())

    def _metadata(self) -> dict[str, Any]:
        return self._holder.to_dict() | {"renewed": time.time(), "token": self._token}
