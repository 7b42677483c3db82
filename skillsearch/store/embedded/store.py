"""All builds in a folder.

```
<home>/index/CURRENT                 the name of the published build, replaced atomically
<home>/index/LOCK, HOLDER            held by the process that writes, and who that is
<home>/index/builds/<name>/          build.json and a shard for each space once it is sealed,
                                     draft.sqlite before
```

A build is written without a write-ahead log, flushed when it is sealed, and its points never change
after that, so any number of processes can search it at once.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Final, TypeVar

from skillsearch.errors import IndexNewerError, IndexNotFoundError, StoreError
from skillsearch.files import remove_leftovers, write_atomically
from skillsearch.forks import Lock
from skillsearch.store.base import SPACES, Build
from skillsearch.store.embedded.build import EmbeddedBuild, read_info, write_info
from skillsearch.store.embedded.draft import JOURNAL, EmbeddedDraft
from skillsearch.store.embedded.engine import translated
from skillsearch.store.embedded.files import allocated_bytes
from skillsearch.store.embedded.journal import Journal
from skillsearch.store.info import BuildInfo
from skillsearch.store.locks import file_lock

__all__ = ["EmbeddedStore"]

_REMOVED = ".removed-"
_DRAFTED: Final = {*SPACES, JOURNAL, f"{JOURNAL}-journal"}
"""Names in the folder of a build before it is sealed."""

_UNREADABLE: Final = (StoreError, sqlite3.Error, ValueError)
"""What reading a damaged description raises; sqlite3 gives ValueErrors for names that are not UTF-8."""

_Found = TypeVar("_Found")


class EmbeddedStore:
    """The builds in a folder; safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._builds = folder / "builds"
        self._current = folder / "CURRENT"
        self._mutex = Lock()
        self._open: EmbeddedBuild | None = None

    def draft(self, info: BuildInfo, base: Build | None = None) -> EmbeddedDraft:
        """Begin a build in a folder of its own, or go on with the one that is there."""
        folder = self._builds / _checked(info.name, self._builds)
        if (folder / "build.json").exists():
            raise StoreError(f"there is a build {info.name} in {self._builds} already")
        if base is not None and not isinstance(base, EmbeddedBuild):
            raise StoreError(f"build {base.info.name} is not in {self._builds}, and cannot be copied from")
        return EmbeddedDraft(folder, info, base)

    def open(self, name: str) -> EmbeddedBuild:
        """Open a sealed build."""
        return EmbeddedBuild.load(self._builds / _checked(name, self._builds))

    @translated
    def record(self, info: BuildInfo) -> None:
        """Replace build.json atomically."""
        folder = self._builds / _checked(info.name, self._builds)
        read_info(folder)
        write_info(folder, info)
        (folder / JOURNAL).unlink(missing_ok=True)  # left by a process that died just after sealing

    @translated
    def publish(self, name: str) -> None:
        """Put the name of a sealed build into CURRENT, atomically."""
        read_info(self._builds / _checked(name, self._builds))
        write_atomically(self._current, [name.encode(), b"\n"])

    def published(self) -> EmbeddedBuild:
        """The build that CURRENT names; opened once, and again when CURRENT names another.

        While one thread opens the new build, the others go on with the one before. A build that is
        replaced stays open for the searches that hold it.
        """
        name = self._required_name()
        known = self._open
        if known is not None and known.info.name == name:
            return known
        if not self._mutex.acquire(blocking=known is None):
            return known  # type: ignore[return-value] # not None, or the lock would have been waited for
        try:
            if self._open is None or self._open.info.name != name:
                self._open = self._of_current(EmbeddedBuild.load)
            return self._open
        finally:
            self._mutex.release()

    def current(self) -> BuildInfo:
        """The build.json of the build that CURRENT names."""
        return self._of_current(read_info)

    def builds(self) -> list[BuildInfo]:
        """All builds, oldest first; folders that cannot be read are left out."""
        found = (info for folder in self._folders() if (info := _description(folder)) is not None)
        return sorted(found, key=lambda info: info.created)

    @translated
    def size(self, name: str) -> int:
        """Bytes of a build's files, as they are allocated."""
        folder = self._builds / _checked(name, self._builds)
        return allocated_bytes(folder)

    def remove(self, name: str) -> None:
        """Delete a build's folder, after it was put out of sight in one step."""
        folder = self._builds / _checked(name, self._builds)
        if not folder.is_dir():
            raise StoreError(f"there is no build {name} in {self._builds}")
        if self._published_name() == name:
            raise StoreError(f"build {name} is published and stays; publish another one first")
        self._delete(folder)

    @translated
    def facts(self) -> dict[str, str]:
        """Nothing: a folder has no more to tell."""
        return {}

    def sweep(self) -> None:
        """Delete temporary files, builds that are out of sight, and drafts that nobody can go on with."""
        remove_leftovers(self._current)
        for removed in self._builds.glob(f"{_REMOVED}*"):
            shutil.rmtree(removed)
        for folder in list(self._folders()):
            remove_leftovers(folder / "build.json")
            if _is_left_over(folder):
                self._delete(folder)

    def lock(self, purpose: str) -> AbstractContextManager[None]:
        """Hold the lock file."""
        return file_lock(self._folder, purpose)

    def close(self) -> None:
        """Close the open build."""
        with self._mutex:
            if self._open is not None:
                self._open.close()
                self._open = None

    def _required_name(self) -> str:
        name = self._published_name()
        if name is None:
            raise IndexNotFoundError(
                f"no index is published in {self._folder}: build one with `skillsearch reindex`"
            )
        return name

    def _of_current(self, read: Callable[[Path], _Found]) -> _Found:
        """Read the build that CURRENT names; once more where it was replaced and removed meanwhile."""
        while True:
            name = self._required_name()
            try:
                return read(self._builds / _checked(name, self._current))
            except StoreError:
                if self._published_name() == name:
                    raise

    def _published_name(self) -> str | None:
        try:
            return self._current.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StoreError(f"{self._current} cannot be read: {error}") from error

    def _folders(self) -> Iterator[Path]:
        for path in self._builds.glob("*/"):
            if not path.name.startswith("."):
                yield path

    @translated
    def _delete(self, folder: Path) -> None:
        removed = folder.with_name(_REMOVED + folder.name)
        shutil.rmtree(removed, ignore_errors=True)  # of a process that died while it deleted this name
        folder.rename(removed)
        shutil.rmtree(removed)


def _description(folder: Path) -> BuildInfo | None:
    """The description of a build, sealed or not; None where it cannot be read."""
    try:
        if (folder / "build.json").exists():
            return read_info(folder)
        if (folder / JOURNAL).exists():
            with closing(Journal.reading(folder / JOURNAL)) as journal:
                return journal.description()
    except _UNREADABLE:
        return None
    return None


def _is_left_over(folder: Path) -> bool:
    """Whether a folder is no build, or a draft that cannot be read; never so for those of a newer program."""
    if not {path.name for path in folder.iterdir() if not path.name.startswith(".")} <= _DRAFTED:
        return False
    try:
        with closing(Journal.reading(folder / JOURNAL)) as journal:
            return journal.description() is None
    except IndexNewerError:
        return False
    except _UNREADABLE:
        return True


def _checked(name: str, source: Path) -> str:
    if not name or name in (".", "..") or Path(name).name != name:
        raise StoreError(f"{source} names {name!r}, which is not a build")
    return name
