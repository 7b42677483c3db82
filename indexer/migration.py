"""The migration report: what became of every concept, for those who keep its URI elsewhere."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from indexer.diff import Fate
from indexer.plan import Plan
from skillsearch.errors import ConfigurationError
from skillsearch.files import write_atomically
from skillsearch.store.base import SPACES, Space

__all__ = ["COLUMNS", "require_suffix", "write_migration"]

COLUMNS = (
    "uri",
    "kind",
    "fate",
    "label_before",
    "label_after",
    "fields",
    "became_essential",
    "became_optional",
    "lost",
)
"""Of the CSV file, and keys of the JSON Lines file; `lost` are occupations that need a skill no more."""

_LISTS = COLUMNS[5:]


def require_suffix(path: Path) -> None:
    """Check that the report can be written in the form that the file's name asks for.

    Raises:
        ConfigurationError: the name ends in neither ``.csv`` nor ``.jsonl``.
    """
    if path.suffix not in (".csv", ".jsonl"):
        raise ConfigurationError(f"--report {path}: expected a file name that ends in .csv or .jsonl")


def write_migration(plan: Plan, path: Path) -> None:
    """Write one row for every concept of the old version and of the new one.

    A cell with several values has one a line, as in ESCO's files.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    require_suffix(path)
    text = io.StringIO(newline="")
    if path.suffix == ".csv":
        writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        for row in _rows(plan):
            writer.writerow(row | {name: "\n".join(row[name]) for name in _LISTS})
    else:
        for row in _rows(plan):
            text.write(json.dumps({name: row[name] for name in COLUMNS}, ensure_ascii=False) + "\n")
    try:
        write_atomically(path, [text.getvalue().encode()])
    except OSError as error:
        raise ConfigurationError(f"--report {path}: cannot be written: {error.strerror or error}") from error


def _rows(plan: Plan) -> Iterator[dict[str, Any]]:
    """By space and URI; concepts of which nothing changed have the same label before and after."""
    changes = {(change.kind, change.uri): change.to_dict() for change in plan.changes}
    for space in SPACES:
        found = plan.spaces[space]
        for uri in sorted((*found.added, *found.removed, *found.embedded, *found.payload, *found.unchanged)):
            kind = space.removesuffix("s")
            yield changes.get((kind, uri)) or _unchanged(plan, space, kind, uri)


def _unchanged(plan: Plan, space: Space, kind: str, uri: str) -> dict[str, Any]:
    taxonomy = plan.target.taxonomy
    label = (taxonomy.skills if space == "skills" else taxonomy.occupations)[uri].label
    fate = Fate.embedded if plan.complete else Fate.unchanged
    row = dict.fromkeys(COLUMNS, ()) | {"uri": uri, "kind": kind, "fate": fate.value}
    return row | {"label_before": label, "label_after": label}
