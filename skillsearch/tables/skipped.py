"""The rows of a file in their order, with those that its reader skips between them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from skillsearch.tables.record import Record
from skillsearch.tables.table import Skip

__all__ = ["Skipped", "with_skipped"]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that could not be read: where it stands, and why."""

    place: str
    reason: str


def with_skipped(read: Callable[[Skip], Iterator[Record]]) -> Iterator[Record | Skipped]:
    """All rows of a file.

    Args:
        read: begins to read, and calls what it is given for each row that it skips.
    """
    skipped: list[Skipped] = []
    for record in read(lambda place, reason: skipped.append(Skipped(place, reason))):
        yield from skipped
        skipped.clear()
        yield record
    yield from skipped
