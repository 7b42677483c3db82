"""Copies of shards on a cluster: how many there are of those wanted, and waiting for them."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from qdrant_client import models

from skillsearch.store.server.calls import Connection, translated

__all__ = ["Copies", "count_copies", "wait_for_copies"]

_PAUSE: Final = 1.0
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Copies:
    """Copies of the shards of some collections that can answer, of those that there are to be."""

    active: int
    wanted: int

    def __str__(self) -> str:
        return f"{self.active} of {self.wanted} active"


def count_copies(connection: Connection, collections: Iterable[str]) -> Copies:
    """The copies of the shards of some collections.

    Raises:
        StoreError: the server failed.
    """
    return _Counter(connection).count(tuple(collections))


def wait_for_copies(connection: Connection, collections: Iterable[str]) -> Copies:
    """Wait until all copies of some collections are active, as long as the connection is patient.

    Returns:
        Those at the end; where some are missing, a warning is logged.
    """
    counter, names = _Counter(connection), tuple(collections)
    end = time.monotonic() + connection.patience
    while (copies := counter.count(names)).active < copies.wanted and time.monotonic() < end:
        time.sleep(_PAUSE)
    if copies.active < copies.wanted:
        _logger.warning(
            "%s: copies of the new build: %s; is a node away? it is published all the same",
            connection,
            copies,
        )
    return copies


class _Counter:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @translated
    def count(self, collections: tuple[str, ...]) -> Copies:
        active = wanted = 0
        if self.connection.is_local:
            return Copies(active, wanted)
        client = self.connection.client
        for name in collections:
            info = client.collection_cluster_info(name)
            local = [shard.state for shard in info.local_shards]
            states = [*local, *(shard.state for shard in info.remote_shards)]
            params = client.get_collection(name).config.params
            active += sum(state == models.ReplicaState.ACTIVE for state in states)
            wanted += max(len(states), info.shard_count * (params.replication_factor or 1))
        return Copies(active, wanted)
