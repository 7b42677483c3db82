"""The write lock: one process writes at a time, and the others are told which."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from skillsearch.errors import StoreError, StoreLockedError
from skillsearch.values import check_values, read_values

__all__ = ["Holder", "file_lock"]


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that writes: what for, where, and since when (ISO 8601).

    Attributes:
        processes: names the processes among which `pid` is unique: those of a container, or of a host;
            empty where the system does not tell.
    """

    purpose: str
    host: str
    pid: int
    since: str
    processes: str = ""

    @classmethod
    def here(cls, purpose: str) -> Self:
        """This process, now."""
        since = _now().isoformat(timespec="seconds")
        return cls(purpose, socket.gethostname(), os.getpid(), since, _processes())

    @classmethod
    def of(cls, values: object) -> Self | None:
        """Read what `to_dict` gave; None where it is something else."""
        try:
            return check_values(values, cls, StoreError, source="holder")
        except StoreError:
            return None

    def to_dict(self) -> dict[str, Any]:
        """Values ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.purpose}, process {self.pid} on {self.host}, since {self.since}"

    def is_gone(self) -> bool:
        """Whether it is known to run no more: only where its process could be seen from here."""
        if not self.processes or self.processes != _processes():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:  # it is somebody else's
            return False
        return False

    def refuse(self, where: object) -> StoreLockedError:
        """The error that another process gets."""
        return StoreLockedError(f"{where} is being written by {self}: wait for it, or stop it")


@contextmanager
def file_lock(folder: Path, purpose: str) -> Iterator[None]:
    """Hold the lock of a folder; the system releases it when the process dies.

    Raises:
        StoreLockedError: another process holds it.
        StoreError: the folder cannot be written.
    """
    holder = folder / "HOLDER"
    lock = FileLock(folder / "LOCK", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        holder.write_text(json.dumps(Holder.here(purpose).to_dict()), encoding="utf-8")
    except Timeout as error:
        known = _read_holder(holder)
        if known is None:
            raise StoreLockedError(f"{folder} is being written by another process") from error
        raise known.refuse(folder) from error
    except OSError as error:
        lock.release()
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        with suppress(OSError):
            holder.unlink()
        lock.release()


def _read_holder(path: Path) -> Holder | None:
    try:
        return read_values(path, Holder, StoreError)
    except (FileNotFoundError, StoreError):
        return None


def _processes() -> str:
    """The boot of this host's kernel, and the namespace of process numbers (Linux)."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _now() -> datetime:
    return datetime.now(UTC)
