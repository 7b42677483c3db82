"""Skills as plain files describe them, in tables, JSON and TOML alike."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from indexer.read.release import SkippedRows, names_in
from skillsearch.errors import TaxonomyError
from skillsearch.tables import Record, Table
from skillsearch.taxonomy.records import REUSE_LEVELS, SKILL_TYPES, Skill

__all__ = ["LIST_FIELDS", "SKILL_FIELDS", "filled_rows", "read_skill"]

LIST_FIELDS: Final = (
    "aliases",
    "hidden_labels",
    "collections",
    "broader",
    "essential_for",
    "optional_for",
)
"""Names of the columns or keys that hold lists."""

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


def filled_rows(
    table: Table, required: Sequence[str], known: Sequence[str], *, foreign: Collection[str] = ()
) -> Iterator[Record]:
    """The rows of a table that are not blank, without their empty cells.

    Args:
        table: to read.
        required: columns that must be there.
        known: all columns that may be there.
        foreign: columns of ESCO's own files, which are read another way.

    Raises:
        TaxonomyError: the file cannot be read, or its columns are not those known.
    """
    if foreign and not table.columns:
        _require_own(table, foreign)
    for row in table.rows(*required, known=known):
        values = {name: value for name, value in row.values.items() if value and name in known}
        if values:
            yield Record(row.file, row.place, row.unit, values)


def read_skill(record: Record, skipped: SkippedRows | None = None) -> Skill:
    """The skill that an entry describes; the concepts in its `broader` need not exist.

    Names that are none, such as ``#REF!``, are skipped, and told where `skipped` takes them.

    Raises:
        TaxonomyError: a value is missing or wrong.
    """
    label = record.line("label")
    skipped = SkippedRows() if skipped is None else skipped
    return Skill(
        uri=record.identifier("uri"),
        label=label,
        alt_labels=names_in(record, "aliases", label, skipped),
        hidden_labels=names_in(record, "hidden_labels", "", skipped),
        description=record.text("description"),
        skill_type=record.one_of("type", (*SKILL_TYPES, "")),
        reuse_level=record.one_of("reuse_level", (*REUSE_LEVELS, "")),
        collections=tuple(sorted(record.lines("collections"))),
        broader=record.identifiers("broader"),
    )


def _require_own(table: Table, foreign: Collection[str]) -> None:
    """Check that a table is not one of ESCO's files.

    Raises:
        TaxonomyError: it is.
    """
    first = next(table.lines(), "")
    if sum(column in first for column in foreign) > 1:
        raise TaxonomyError(
            f"{table.source}: a file of ESCO; give the zips or folders of the whole release with --esco"
        )
