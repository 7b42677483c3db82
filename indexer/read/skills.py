"""Skills and occupations as plain files describe them, in CSV, JSON Lines and TOML alike."""

from collections.abc import Iterator, Sequence
from typing import Final

from skillsearch.tables import Record, Table
from skillsearch.taxonomy.records import REUSE_LEVELS, SKILL_TYPES, Skill

__all__ = ["SKILL_FIELDS", "filled_rows", "other_names", "read_skill"]

SKILL_FIELDS: Final = (
    "uri",
    "label",
    "aliases",
    "hidden_labels",
    "description",
    "type",
    "reuse_level",
    "collections",
    "broader",
    "essential_for",
    "optional_for",
)
"""Names of the columns or keys of a skill."""


def filled_rows(table: Table, required: Sequence[str], known: Sequence[str]) -> Iterator[Record]:
    """The rows of a CSV file that are not blank, without their empty cells.

    Raises:
        TaxonomyError: the file cannot be read, or its columns are not those known.
    """
    for row in table.rows(*required, known=known):
        values = {name: value for name in row.values if (value := row[name])}
        if values:
            yield Record(row.file, row.place, row.unit, values)


def other_names(record: Record, name: str, label: str) -> tuple[str, ...]:
    """The names in a list that are not the preferred label."""
    return tuple(other for other in record.lines(name) if other != label)


def read_skill(record: Record) -> Skill:
    """The skill that an entry describes; the concepts in its `broader` need not exist.

    Raises:
        TaxonomyError: a value is missing or wrong.
    """
    label = record.line("label")
    return Skill(
        uri=record.line("uri"),
        label=label,
        alt_labels=other_names(record, "aliases", label),
        hidden_labels=record.lines("hidden_labels"),
        description=record.text("description"),
        skill_type=record.one_of("type", (*SKILL_TYPES, "")),
        reuse_level=record.one_of("reuse_level", (*REUSE_LEVELS, "")),
        collections=tuple(sorted(record.lines("collections"))),
        broader=record.lines("broader"),
    )
