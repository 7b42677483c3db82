"""A release as it was read: the taxonomy, and the rows of its files that were skipped."""

from dataclasses import dataclass, field

from skillsearch.tables import Record
from skillsearch.taxonomy.records import Taxonomy

__all__ = ["Release", "Skipped", "SkippedRows"]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Rows of one file that were skipped for one reason, with up to three examples."""

    file: str
    reason: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Release:
    """A taxonomy, and the rows of its files that were skipped."""

    taxonomy: Taxonomy
    skipped: tuple[Skipped, ...]


@dataclass
class SkippedRows:
    """Collects skipped rows by file and reason."""

    rows: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, row: Record, reason: str, example: str) -> None:
        """Skip a row; the example says what it held."""
        self.rows.setdefault((row.source, reason), []).append(f"{row.place}: {example}")

    def report(self) -> tuple[Skipped, ...]:
        """All skipped rows, in the order in which each reason was first met."""
        return tuple(
            Skipped(file, reason, len(examples), tuple(examples[:3]))
            for (file, reason), examples in self.rows.items()
        )
