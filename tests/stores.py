"""Empty stores of both kinds that need no server."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from skillsearch.store.base import Store
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.store.server import ServerStore

__all__ = ["KINDS", "Kind", "empty_store"]

Kind = Literal["embedded", "memory"]
KINDS: Final[tuple[Kind, ...]] = ("embedded", "memory")

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a disk waits for each build's files, and tests make many


@contextmanager
def empty_store(kind: Kind) -> Iterator[Store]:
    """A store of the embedded engine, on a disk in memory where there is one, or of the client in memory."""
    if kind == "memory":
        memory = ServerStore.in_memory()
        yield memory
        memory.close()
        return
    with tempfile.TemporaryDirectory(dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None) as folder:
        embedded = EmbeddedStore(Path(folder) / "index")
        yield embedded
        embedded.close()
