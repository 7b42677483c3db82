"""Progress of long work: one protocol for every use case, so that any face can show it."""

from collections.abc import Callable
from typing import Protocol

__all__ = ["Advance", "Progress", "advance_only", "silent"]


class Advance(Protocol):
    """Hears that some more items of a stage are done, with an optional note such as ``loss 0.31``."""

    def __call__(self, done: int, note: str = "", /) -> object:
        """Add some finished items."""


class Progress(Protocol):
    """Hears that a stage begins, and returns what to call as it advances.

    A stage ends when the next one begins or the work returns. Its total may be unknown (None).
    """

    def __call__(self, stage: str, total: int | None = None, /) -> Advance:
        """Begin a stage."""


def silent(_stage: str, _total: int | None = None, /) -> Advance:
    """Progress that shows nothing."""
    return _ignore


def advance_only(advance: Callable[[int], object] | None) -> Advance:
    """Make an `Advance` of a function that takes counts alone, or of None."""
    if advance is None:
        return _ignore

    def call(done: int, _note: str = "", /) -> object:
        return advance(done)

    return call


def _ignore(_done: int, _note: str = "", /) -> None:
    """Hear nothing."""
