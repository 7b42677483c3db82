"""Reader of overlays: TOML files or tables in the form of docs/reference/files.md."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from indexer.overlay import Alias, Hide, Overlay, Pin, PrivateSkill
from indexer.read.skills import LIST_FIELDS, SKILL_FIELDS, filled_rows, read_skill
from skillsearch.errors import TaxonomyError
from skillsearch.tables import Record, Table, TextFile, with_lists

__all__ = ["read_overlay"]

_FIELDS: Final = {
    "skill": SKILL_FIELDS,
    "alias": ("uri", "aliases"),
    "hide": ("uri",),
    "pin": ("uri", "label"),
}
"""Names of the keys or columns of an entry, by its action."""

_LIMIT = 16 * 2**20


def read_overlay(path: Path) -> Overlay:
    """Read an overlay from a file whose name ends in ``.toml``, ``.csv`` or ``.tsv``.

    A TOML file with only comments is an overlay without entries; an empty file, or a CSV file with only a
    header, is taken for a mistake.

    Raises:
        TaxonomyError: names the entry, what was found, and what was expected; or two entries contradict
            each other.
    """
    skills: list[PrivateSkill] = []
    hidden: list[Hide] = []
    pins: list[Pin] = []
    aliases: list[Alias] = []
    for action, record in _entries(path):
        record.require_only(("action", *_FIELDS[action]), f"an entry of the action {action}")
        uri = record.line("uri")
        match action:
            case "skill":
                skills.append(_private_skill(record))
            case "hide":
                hidden.append(Hide(record.place, uri))
            case "pin":
                pins.append(Pin(record.place, uri, record.line("label")))
            case _:
                aliases.append(Alias(record.place, uri, _filled(record, "aliases")))
    return Overlay(path.name, tuple(skills), tuple(hidden), tuple(pins), tuple(aliases))


def _entries(path: Path) -> Iterator[tuple[str, Record]]:
    match path.suffix.lower():
        case ".toml":
            return _toml_entries(TextFile.at(path, limit=_LIMIT))
        case ".csv" | ".tsv":
            return _table_entries(Table.at(path, limit=_LIMIT))
    next(TextFile.at(path).lines(), None)  # a missing file, a folder or a workbook has a message of its own
    raise TaxonomyError(
        f"{path.name}: the name ends in {path.suffix!r}; save it as TOML (.toml) or CSV UTF-8 (.csv)"
    )


def _toml_entries(file: TextFile) -> Iterator[tuple[str, Record]]:
    text = file.text()
    if not text.strip():
        raise TaxonomyError(
            f"{file.source}: empty, expected [[skill]], [[alias]], [[hide]] or [[pin]]; "
            "for an overlay without entries, write a comment"
        )
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise TaxonomyError(f"{file.source}: not valid TOML: {error}; correct it") from error
    expected = ", ".join(f"[[{action}]]" for action in _FIELDS)
    for action, tables in values.items():
        if action not in _FIELDS:
            raise TaxonomyError(f"{file.source}: unknown table or key {action!r}, expected {expected}")
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise TaxonomyError(
                f"{file.source}: {action!r} is not a list of tables; write each entry under [[{action}]]"
            )
        for number, table in enumerate(tables, start=1):
            record = Record(file, f"[[{action}]] {number}", "key", table)
            record.require_known(_FIELDS[action])
            yield action, record


def _table_entries(table: Table) -> Iterator[tuple[str, Record]]:
    rows = list(filled_rows(table, ("action", "uri"), ("action", *SKILL_FIELDS)))
    for record in with_lists(rows, LIST_FIELDS)[0]:
        yield record.one_of("action", tuple(_FIELDS)), record
    if not rows:
        raise TaxonomyError(
            f"{table.source}: no entries, expected one or more; for an overlay without entries, write a "
            "TOML file with a comment"
        )


def _private_skill(record: Record) -> PrivateSkill:
    essential_for, optional_for = record.lines("essential_for"), record.lines("optional_for")
    for uri in optional_for:
        if uri in essential_for:
            raise record.error("optional_for", f"{uri!r} is also in essential_for; keep it in one of them")
    return PrivateSkill(record.place, read_skill(record), essential_for, optional_for)


def _filled(record: Record, name: str) -> tuple[str, ...]:
    values = record.lines(name)
    if not values:
        raise record.error(name, "missing or empty, expected one or more")
    return values
