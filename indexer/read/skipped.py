"""What a reader leaves out, and why."""

from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["Drop", "Drops", "Placed"]


class Placed(Protocol):
    """A part of a file that knows where it stands."""

    @property
    def source(self) -> str:
        """Names the file in messages."""
        ...

    @property
    def place(self) -> str:
        """Where in the file, such as ``row 3``."""
        ...


@dataclass(frozen=True, slots=True)
class Drop:
    """Rows of one file that were left out for one reason; up to three examples."""

    file: str
    reason: str
    count: int
    examples: tuple[str, ...]


@dataclass
class Drops:
    """Collects rows that are left out, by file and reason."""

    rows: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, row: Placed, reason: str, example: str) -> None:
        """Leave out a row; the example says what stood in it."""
        self.rows.setdefault((row.source, reason), []).append(f"{row.place}: {example}")

    def report(self) -> tuple[Drop, ...]:
        """What was left out, in the order it was met."""
        return tuple(
            Drop(file, reason, len(examples), tuple(examples[:3]))
            for (file, reason), examples in self.rows.items()
        )
