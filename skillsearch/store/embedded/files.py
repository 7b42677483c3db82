"""Folders of the engine: copied with their holes, and waited for until they are on disk."""

import errno
import os
import shutil
from pathlib import Path

__all__ = ["copy_folder", "sync_folder"]

_PIECE = 8 * 2**20


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder; what is a hole in a file, which takes no room on disk, stays one.

    The engine's files are mostly holes: it maps them into memory at the size that they may grow to.
    """
    shutil.copytree(source, target, copy_function=_copy_file)


def sync_folder(folder: Path) -> None:
    """Wait until all files of a folder are on disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


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
