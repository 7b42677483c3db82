"""Files and folders that are written whole or not at all, and are on disk once they are in place."""

import os
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from glob import escape
from pathlib import Path

from skillsearch.errors import SkillSearchError

__all__ = [
    "make_folder",
    "recover_folder",
    "remove_leftovers",
    "replace_folder",
    "save",
    "sync_folder",
    "write_atomically",
]


def write_atomically(path: Path, parts: Iterable[bytes] | str) -> None:
    """Write beside, part by part, flush to disk, and rename; missing folders above are made.

    Args:
        path: of the file.
        parts: its bytes, or its text, which is written as UTF-8.

    Raises:
        OSError: it cannot be written; what was there is untouched.
    """
    make_folder(path.parent)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with beside.open("xb") as file:
            file.writelines([parts.encode()] if isinstance(parts, str) else parts)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:  # Ctrl-C too
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    _sync_names(path.parent)


def save(path: Path, parts: Iterable[bytes] | str, error: type[SkillSearchError]) -> None:
    """Write atomically; what the system refuses is raised as the given error.

    Raises:
        SkillSearchError: of the type `error`, where the file cannot be written.
    """
    try:
        write_atomically(path, parts)
    except OSError as reason:
        raise error(f"{path} cannot be written: {reason.strerror or reason}") from reason


def remove_leftovers(path: Path) -> None:
    """Delete what processes that died while they wrote a file left beside it; nobody may be writing it now.

    Raises:
        OSError: it cannot be deleted.
    """
    for left in path.parent.glob(f".{escape(path.name)}.*"):
        left.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        OSError: it cannot be made.
    """
    missing = [one for one in (folder, *folder.parents) if not one.is_dir()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in missing:
        _sync_names(one.parent)


def replace_folder(finished: Path, folder: Path) -> None:
    """Move a finished folder to its place; an older one there goes only once the new one is in place.

    A process that dies in between leaves the older one aside, for `recover_folder`.

    Raises:
        OSError: it cannot be moved; what was there is back in its place.
    """
    sync_folder(finished)
    recover_folder(folder)
    aside = _aside(folder)
    shutil.rmtree(aside, ignore_errors=True)
    try:
        if folder.exists():
            folder.rename(aside)
        finished.rename(folder)
    except BaseException:  # Ctrl-C too
        recover_folder(folder)
        raise
    _sync_names(folder.parent)
    shutil.rmtree(aside, ignore_errors=True)


def recover_folder(folder: Path) -> None:
    """Put a folder back that a process set aside to replace it, and died before it could.

    Without effect where there is nothing to do, or it cannot be done.
    """
    with suppress(OSError):
        if not folder.exists() and (aside := _aside(folder)).exists():
            aside.rename(folder)
            _sync_names(folder.parent)


def sync_folder(folder: Path) -> None:
    """Wait until a folder is on disk, with all that is in it.

    Raises:
        OSError: a file cannot be read or written.
    """
    for path in folder.rglob("*"):
        if path.is_dir():
            _sync_names(path)
        elif path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    _sync_names(folder)


def _sync_names(folder: Path) -> None:
    """Wait until the names in a folder are on disk, where the system can tell."""
    with suppress(OSError):  # Windows opens no folders, and some file systems cannot wait for one
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.replaced")
