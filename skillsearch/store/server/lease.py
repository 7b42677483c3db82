"""One writer at a time on a server that knows no locks.

The lock is one point in a collection of its own. Its payload says who holds it, until when it counts as
held, and a number, the fencing token, which grows with each holder. It changes by conditional updates
only: the server takes a change where the point is still as it was read, so of several that try one
succeeds. A thread of the holder renews it.

Clocks are compared between hosts with a tolerance of `CLOCKS`: a holder that could not renew for `LEASE`
seconds of its own clock writes no more, and others wait for `LEASE` and `CLOCKS` after the time that it
wrote before they take it for dead. A holder that ran on this host and is gone is not waited for.
"""

import re
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from qdrant_client import models

from skillsearch.errors import SkillSearchError, StoreError, StoreLockedError
from skillsearch.store.locks import Holder
from skillsearch.store.server.calls import Connection, translated

__all__ = ["CLOCKS", "LEASE", "Lease", "lease"]

LEASE: Final = 60.0
"""Seconds after which a holder that could not renew its lock stops."""

CLOCKS: Final = 60.0
"""Seconds by which the clocks of two hosts may differ."""

_RENEWALS: Final = 4  # within a lease
_POINT: Final = 1
_FIELDS: Final = {"owner": models.PayloadSchemaType.KEYWORD, "token": models.PayloadSchemaType.INTEGER}
_EARLIER = re.compile(r"skillsearch-lock-\d+")
"""Collections that were locks of earlier versions, one for each holder."""

_given_up: set[str] = set()
"""Owners of this process that could not give their lock back."""


@contextmanager
def lease(
    connection: Connection, collection: str, purpose: str, copies: int | None = None
) -> "Iterator[Lease]":
    """Hold the lock of an index on a server, and renew it meanwhile.

    Args:
        connection: to the server.
        collection: of the lock; it is made where there is none.
        purpose: what others are told.
        copies: of the lock on a cluster; of three, one can be away.

    Raises:
        StoreLockedError: another process holds it.
        StoreError: the server failed.
    """
    held = Lease(connection, collection, purpose, copies=copies)
    held.take()
    done = threading.Event()
    renewal = threading.Thread(target=held.keep, args=(done,), daemon=True)
    renewal.start()
    try:
        yield held
    finally:
        done.set()
        renewal.join()
        held.give_back()


class Lease:
    """The lock as one process sees it: taken, renewed, checked before each write, given back."""

    def __init__(
        self,
        connection: Connection,
        collection: str,
        purpose: str,
        *,
        seconds: float = LEASE,
        copies: int | None = None,
    ) -> None:
        """Take nothing yet; `seconds` are those of `LEASE`."""
        self.connection = connection
        self.owner = uuid.uuid4().hex
        self.token = 0
        self._collection = collection
        self._holder = Holder.here(purpose)
        self._seconds = seconds
        self._copies = copies
        self._renewed = 0.0  # of the monotonic clock
        self._is_lost = False

    def take(self) -> None:
        """Take the lock.

        Raises:
            StoreLockedError: another process holds it.
            StoreError: the server failed.
        """
        self._require_collection()
        self._require_no_earlier_lock()
        begun = time.monotonic()
        known = self._read()
        self._require_free(known)
        self.token = int(known.get("token", 0)) + 1
        self._write(self._state(), known)
        now = self._read()
        if now.get("owner") != self.owner:
            self._require_free(now)
            raise StoreLockedError(f"the index on {self.connection} is being written by another process")
        self._renewed = begun
        _given_up.discard(str(known.get("owner")))

    def keep(self, done: threading.Event) -> None:
        """Renew until done, or until the lock is lost; a server that is away is asked again."""
        while not self._is_lost and not done.wait(self._seconds / _RENEWALS):
            begun = time.monotonic()
            with suppress(SkillSearchError):
                self._write(self._state(), {"owner": self.owner})
                self._is_lost = self._read().get("owner") != self.owner
                self._renewed = begun

    def require(self) -> None:
        """Check that the lock is still held, as far as this process knows; call it before each write.

        Raises:
            StoreLockedError: it is lost: another process took it, or the server was away for too long.
        """
        if self._is_lost or time.monotonic() - self._renewed > self._seconds:
            self._is_lost = True
            raise StoreLockedError(
                f"the lock of the index on {self.connection} was lost: it could not be renewed for "
                f"{self._seconds:.0f} s, or another process took it; what is published is untouched, give "
                "the command again"
            )

    def confirm(self) -> None:
        """Ask the server whether the lock is still held; call it before what cannot be taken back.

        Raises:
            StoreLockedError: another process took it.
            StoreError: the server failed.
        """
        self.require()
        known = self._read()
        if known.get("owner") != self.owner or known.get("token") != self.token:
            self._is_lost = True
            self.require()

    def give_back(self) -> None:
        """Let others take it; where the server is away it runs out, and this process may take it again."""
        _given_up.add(self.owner)
        with suppress(SkillSearchError):
            self._write({"owner": "", "token": self.token}, {"owner": self.owner})
            _given_up.discard(self.owner)

    def _require_free(self, known: dict[str, Any]) -> None:
        holder = Holder.of(known)
        if not known.get("owner") or known["owner"] in _given_up or holder is None or holder.is_gone():
            return
        age = time.time() - float(known.get("renewed", 0))
        if age < self._seconds + CLOCKS:
            raise holder.refuse(f"the index on {self.connection}")

    def _require_no_earlier_lock(self) -> None:
        """Remove locks of earlier versions; one that is held is waited for.

        Raises:
            StoreLockedError: one is held.
        """
        for name in self._earlier():
            known = self._metadata(name) if self._exists(name) else {}
            holder = Holder.of(known)
            if holder and not holder.is_gone() and time.time() - float(known.get("renewed", 0)) < LEASE:
                raise holder.refuse(f"the index on {self.connection}")
            self._delete(name)

    def _state(self) -> dict[str, Any]:
        return {
            **self._holder.to_dict(),
            "owner": self.owner,
            "token": self.token,
            "renewed": time.time(),
        }

    def _require_collection(self) -> None:
        try:
            self._create()
        except StoreError:  # another process may have made it meanwhile
            self._create()

    @translated
    def _exists(self, name: str) -> bool:
        return self.connection.client.collection_exists(name)

    @translated
    def _create(self) -> None:
        """Make what is not there: the collection, and the indexes that strict mode wants for conditions."""
        client = self.connection.client
        if not client.collection_exists(self._collection):
            client.create_collection(
                self._collection, vectors_config={}, shard_number=1, replication_factor=self._copies
            )
        found = client.get_collection(self._collection).payload_schema
        for field, kind in _FIELDS.items():
            if field not in found and not self.connection.is_local:
                client.create_payload_index(self._collection, field, kind, wait=True)

    @translated
    def _read(self) -> dict[str, Any]:
        found = self.connection.client.retrieve(
            self._collection, [_POINT], with_payload=True, consistency=models.ReadConsistencyType.QUORUM
        )
        return dict(found[0].payload or {}) if found else {}

    @translated
    def _write(self, state: dict[str, Any], known: dict[str, Any]) -> None:
        """Write where the point is still what was read of it, or there is none."""
        fields = {name: known[name] for name in ("owner", "token") if name in known}
        unchanged = models.Filter(
            must=[
                models.FieldCondition(key=name, match=models.MatchValue(value=value))
                for name, value in fields.items()
            ]
            or [models.FieldCondition(key="owner", match=models.MatchValue(value="nobody"))]
        )
        self.connection.client.upsert(
            self._collection,
            [models.PointStruct(id=_POINT, vector={}, payload=state)],
            wait=True,
            ordering=models.WriteOrdering.STRONG,
            update_filter=unchanged,
        )

    @translated
    def _earlier(self) -> list[str]:
        names = [found.name for found in self.connection.client.get_collections().collections]
        return [name for name in names if _EARLIER.fullmatch(name)]

    @translated
    def _metadata(self, name: str) -> dict[str, Any]:
        return dict(self.connection.client.get_collection(name).config.metadata or {})

    @translated
    def _delete(self, name: str) -> None:
        self.connection.client.delete_collection(name)
