"""The build that searches run on, and what has been read of it."""

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from skillsearch.errors import StoreError
from skillsearch.store.base import Build, Space, Store
from skillsearch.store.filter_values import FilterValues
from skillsearch.tasks.names import Names
from skillsearch.tasks.vectors import Vectors

__all__ = ["CurrentBuild", "Kept"]

_Made = TypeVar("_Made")


class Kept:
    """What is read of one build on first use, and kept while it is published; shared between threads."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self._made: dict[tuple[str, Space], object] = {}
        self._lock = threading.RLock()

    def filter_values(self, space: Space) -> FilterValues:
        """The values that filters can name."""
        return self.once("filter values", space, lambda: FilterValues(self.build, space))

    def names(self, space: Space) -> Names:
        """The labels and aliases of a space."""
        return self.once("names", space, lambda: Names.of(self.build, space))

    def vectors(self, space: Space) -> Vectors:
        """The vectors of a space."""
        return self.once("vectors", space, lambda: Vectors.of(self.build, space))

    def once(self, name: str, space: Space, make: Callable[[], _Made]) -> _Made:
        """What `make` gives, which is called once for a name and a space."""
        with self._lock:
            if (name, space) not in self._made:
                with _uncollected():
                    self._made[name, space] = make()
            return self._made[name, space]  # type: ignore[return-value] # of the same name


@contextmanager
def _uncollected() -> Iterator[None]:
    """Leave out garbage collections while many objects are made that all stay: a quarter of the time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class CurrentBuild:
    """The build that searches run on: the published one, or the one before until that is read.

    Without `take_up`, searches follow what is published at once. With it, they follow only when the next
    build has been read, so that none waits for that. A build that is deleted meanwhile is left at once.
    """

    def __init__(self, store: Store) -> None:
        """Begin with what is published."""
        self._store = store
        self._known = WeakValueDictionary[str, Kept]()  # a search that runs may hold the one before
        self._latest: Kept | None = None
        self._taken: Kept | None = None
        self._lock = threading.Lock()

    def kept(self) -> "Kept":
        """What has been read of the current build.

        Raises:
            StoreError: the store failed.
        """
        latest, taken, reading = self._published(), self._taken, _reading.get()
        if reading is not None and reading[0] is self:
            return reading[1]
        return latest if taken is None or taken is latest or not self._has(taken) else taken

    def take_up(self, read: Callable[[], object]) -> bool:
        """Run searches on the published build from now on, once what they need of it has been read.

        Args:
            read: runs searches that read it; they run on the published build already, in this thread.

        Returns:
            Whether it was another build than before.

        Raises:
            SkillSearchError: what `read` raises; searches go on as before.
        """
        latest = self._published()
        if latest is self._taken:
            return False
        token = _reading.set((self, latest))
        try:
            read()
        finally:
            _reading.reset(token)
        self._taken = latest
        return True

    def _published(self) -> "Kept":
        build = self._store.published()
        with self._lock:
            kept = self._known.get(build.info.name)
            if kept is None:
                kept = self._known[build.info.name] = Kept(build)
            self._latest = kept
            return kept

    def _has(self, kept: "Kept") -> bool:
        """Whether a build is still there; not where the store does not tell, as with a key that may not."""
        try:
            return any(info.name == kept.build.info.name for info in self._store.builds())
        except StoreError:
            return False


_reading: Final[ContextVar[tuple[CurrentBuild, Kept] | None]] = ContextVar("reading", default=None)
"""The build that this thread reads before it is taken up."""
