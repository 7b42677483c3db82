"""Folders of the engine: copied with their holes, and measured without them."""

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from skillsearch.errors import StoreError

__all__ = ["allocated_bytes", "copy_folder", "hole_bytes", "require_room"]

_PIECE = 8 * 2**20


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder; what is a hole in a file, which takes no room on disk, stays one.

    The engine's files are mostly holes: it maps them into memory at the size that they may grow to.
    """
    shutil.copytree(source, target, copy_function=_copy_file)


def allocated_bytes(folder: Path) -> int:
    """Bytes that the files of a folder take on disk; their length where the system does not tell."""
    return sum(_allocated(file) for file in _files(folder))


def require_room(folder: Path, written: int, mapped: int) -> None:
    """Check that a folder is on a disk with enough room: one that fills up would kill the process.

    Args:
        folder: that the engine writes to.
        written: bytes that it may write.
        mapped: bytes of files that it maps, which count on a disk in memory: reading a hole there fills it.

    Raises:
        StoreError: there is too little.
    """
    is_memory = _is_in_memory(folder)
    needed = written + (mapped if is_memory else 0)
    free = shutil.disk_usage(folder).free
    if free < needed:
        kind = (
            "a disk in memory (tmpfs), where mapped files take their whole length," if is_memory else "a disk"
        )
        raise StoreError(
            f"{folder} is on {kind} with {free / 1e6:,.0f} MB of room, and the index may need "
            f"{needed / 1e6:,.0f} MB: free some, for example with `skillsearch prune`, then give the "
            "command again" + (", or set SKILLSEARCH_HOME to a folder on another disk" if is_memory else "")
        )


def hole_bytes(folder: Path) -> int:
    """Bytes of the holes in the files of a folder."""
    return sum(max(0, file.st_size - _allocated(file)) for file in _files(folder))


def _files(folder: Path) -> Iterator[os.stat_result]:
    return (path.stat() for path in folder.rglob("*") if path.is_file())


def _allocated(file: os.stat_result) -> int:
    blocks: int | None = getattr(file, "st_blocks", None)  # Windows has none
    return file.st_size if blocks is None else blocks * 512


def _is_in_memory(folder: Path) -> bool:
    """Whether a folder is on a tmpfs (Linux)."""
    device = folder.stat().st_dev
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
        return any(kind == "tmpfs" and os.stat(point).st_dev == device for _, point, kind, *_ in mounts)
    except OSError:
        return False


def _copy_file(source: str, target: str) -> None:
    with Path(source).open("rb") as old, Path(target).open("wb") as new:
        size = os.fstat(old.fileno()).st_size
        new.truncate(size)
        end = 0
        while (span := _next_data(old.fileno(), end, size)) is not None:
            start, end = span
            old.seek(start)
            new.seek(start)
            while start < end and (piece := old.read(min(_PIECE, end - start))):
                start += new.write(piece)


def _next_data(file: int, position: int, size: int) -> tuple[int, int] | None:
    """Start and end of the next bytes that are not a hole; all that is left where the system can't tell."""
    if position >= size:
        return None
    if not hasattr(os, "SEEK_DATA"):
        return position, size
    try:
        start = os.lseek(file, position, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:  # only a hole is left
            return None
        return position, size
    return start, os.lseek(file, start, os.SEEK_HOLE)
