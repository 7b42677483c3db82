"""A release as it was read: the taxonomy, and the rows of its files that were skipped."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from skillsearch.tables import Record, with_lists
from skillsearch.tables.cells import clean
from skillsearch.taxonomy.records import Taxonomy

__all__ = ["Release", "Skipped", "SkippedRows", "concepts", "names_in", "split_lists"]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Rows of one file, or values in them, that were skipped for one reason, with up to three examples."""

    file: str
    reason: str
    count: int
    examples: tuple[str, ...]
    unit: Literal["row", "value"] = "row"

    def __str__(self) -> str:
        """Such as ``2 rows of skills_de.csv: the status is 'obsolete', not released (row 3: …)``."""
        units = f"1 {self.unit}" if self.count == 1 else f"{self.count:,} {self.unit}s"
        return f"{units} of {self.file}: {self.reason} ({self.examples[0]})"


@dataclass(frozen=True)
class Release:
    """A taxonomy, the rows and values of its files that were skipped, and how others were understood."""

    taxonomy: Taxonomy
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...] = ()


@dataclass
class SkippedRows:
    """Collects skipped rows and values by file and reason, and notes on whole files."""

    rows: dict[tuple[str, str, Literal["row", "value"]], list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, row: Record, reason: str, example: str) -> None:
        """Skip a row; the example says what it held."""
        self.rows.setdefault((row.source, reason, "row"), []).append(f"{row.place}: {example}")

    def add_value(self, row: Record, reason: str, example: str) -> None:
        """Skip, or correct, a value of a row."""
        self.rows.setdefault((row.source, reason, "value"), []).append(f"{row.place}: {example}")

    def note(self, row: Record, text: str) -> None:
        """Tell how the file of a row was understood."""
        self.notes.append(f"{row.source}: {text}")

    def report(self) -> tuple[Skipped, ...]:
        """All that was skipped, in the order in which each reason was first met."""
        return tuple(
            Skipped(file, reason, len(examples), tuple(examples[:3]), unit)
            for (file, reason, unit), examples in self.rows.items()
        )

    def release(self, taxonomy: Taxonomy) -> Release:
        """The taxonomy with all that was skipped and noted."""
        return Release(taxonomy, self.report(), tuple(self.notes))


def concepts(
    rows: Iterable[Record],
    uri: str,
    label: str,
    skipped: SkippedRows,
    *,
    modified: str = "",
    any_case: bool = False,
) -> Iterator[Record]:
    """The entries of a file that are concepts: with a URI and a label, each URI once.

    Entries that say the same of one URI are one concept, of which the newest is kept.

    Args:
        rows: all entries.
        uri: the name of the column or key that identifies them.
        label: that of their preferred label.
        skipped: takes those that are left out.
        modified: that of the time of the last change, in which entries may differ.
        any_case: entries may differ in case and in the number of blanks, too.

    Raises:
        TaxonomyError: two entries contradict each other.
    """
    by_uri: dict[str, list[Record]] = {}
    for row in rows:
        lacking = next((name for name in (label, uri) if not row.identifier(name)), None)
        if lacking is None:
            by_uri.setdefault(row.identifier(uri), []).append(row)
        else:
            found = str(row.values.get(lacking) or "").strip()
            problem = f"it has no {'URI' if lacking == uri else 'label'}"
            example = repr(found[:40]) if found else row.identifier(uri) or row.identifier(label)
            skipped.add(row, problem + (" but an error value or a dash" if found else ""), example)
    reason = (
        f"a duplicate that differs in {modified} alone; the newest was kept" if modified else "a duplicate"
    )
    for same in by_uri.values():
        newest = max(same, key=lambda row: row.text(modified)) if modified else same[0]
        for row in same:
            if row is not newest:
                _require_equal(newest, row, uri, modified, _folded if any_case else _comparable)
                skipped.add(row, reason, row.identifier(uri))
        yield newest


def split_lists(rows: Iterable[Record], names: Collection[str], skipped: SkippedRows) -> list[Record]:
    """All entries, their lists split by the sign that separates them; see `skillsearch.tables.with_lists`."""
    records, signs, commas = with_lists(list(rows), names)
    for name, sign in signs.items():
        skipped.note(records[0], f"{name} were separated at {sign.strip()!r}, since no cell has a line break")
    for name, count in commas.items():
        problem = f"{count:,} cells of {name} have commas, and were taken as one value each"
        skipped.note(records[0], f"{problem}; if they are lists, separate them by semicolons")
    return records


def names_in(record: Record, name: str, label: str, skipped: SkippedRows) -> tuple[str, ...]:
    """The names in a list that are not the preferred label; what is no name is skipped and told."""
    for found in record.unusable(name):
        skipped.add_value(record, f"an error value or a dash in {name}, left out", repr(found[:40]))
    return tuple(other for other in record.lines(name) if other != label)


def _require_equal(
    one: Record, other: Record, uri: str, modified: str, comparable: Callable[[object], object]
) -> None:
    for name in {**one.values, **other.values}:
        here, there = other.values.get(name), one.values.get(name)
        if name != modified and comparable(here) != comparable(there):
            raise other.error(
                uri,
                f"duplicate URI {other.identifier(uri)!r}, and it contradicts {one.place}: {name} is "
                f"{_shown(here)} here and {_shown(there)} there",
            )


def _comparable(value: object) -> object:
    return clean(value) if isinstance(value, str) else value or ""


def _folded(value: object) -> object:
    return " ".join(clean(value).casefold().split()) if isinstance(value, str) else value or ""


def _shown(value: object) -> str:
    return repr(value)[:60]
