"""What a reader leaves out, and why."""

from dataclasses import dataclass, field

from skillsearch.tables import Record

__all__ = ["Skipped", "SkippedRows"]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Rows of one file that were left out for one reason; up to three examples."""

    file: str
    reason: str
    count: int
    examples: tuple[str, ...]


@dataclass
class SkippedRows:
    """Collects rows that are left out, by file and reason."""

    rows: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, row: Record, reason: str, example: str) -> None:
        """Leave out a row; the example says what stood in it."""
        self.rows.setdefault((row.source, reason), []).append(f"{row.place}: {example}")

    def report(self) -> tuple[Skipped, ...]:
        """What was left out, in the order it was met."""
        return tuple(
            Skipped(file, reason, len(examples), tuple(examples[:3]))
            for (file, reason), examples in self.rows.items()
        )
