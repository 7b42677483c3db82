"""Files and folders that are written whole or not at all."""

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from skillsearch.errors import SkillSearchError

__all__ = ["replace_folder", "save", "write_atomically"]


def write_atomically(path: Path, parts: Iterable[bytes] | str) -> None:
    """Write beside, part by part, flush to disk, and rename; missing folders above are made.

    Args:
        path: of the file.
        parts: its bytes, or its text, which is written as UTF-8.

    Raises:
        OSError: it cannot be written; what was there is untouched.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.writelines([parts.encode()] if isinstance(parts, str) else parts)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def save(path: Path, parts: Iterable[bytes] | str, error: type[SkillSearchError]) -> None:
    """Write atomically; what the system refuses is raised as the given error.

    Raises:
        SkillSearchError: of the type `error`, where the file cannot be written.
    """
    try:
        write_atomically(path, parts)
    except OSError as reason:
        raise error(f"{path} cannot be written: {reason.strerror or reason}") from reason


def replace_folder(finished: Path, folder: Path) -> None:
    """Move a finished folder to its place; an older one there goes only once the new one is in place.

    Raises:
        OSError: it cannot be moved; what was there is back in its place.
    """
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    replaced = folder.exists()
    if replaced:
        folder.rename(old)
    try:
        finished.rename(folder)
    except OSError:
        if replaced:
            with suppress(OSError):
                old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
