"""The migration report: what happens to every concept, for those who store its URI elsewhere."""

import io
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from indexer.diff import Action, Change
from indexer.plan import Plan
from skillsearch.errors import ConfigurationError
from skillsearch.files import save
from skillsearch.store.base import SPACES, Space
from skillsearch.tables import write_rows

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
"""Columns of the CSV file, and keys of the JSON Lines file; see `indexer.diff.Change`."""

_LISTS = COLUMNS[5:]


def require_suffix(path: Path) -> None:
    """Check that the name of a report ends in ``.csv`` or ``.jsonl``.

    Raises:
        ConfigurationError: it does not.
    """
    if path.suffix not in (".csv", ".jsonl"):
        raise ConfigurationError(f"--report {path}: expected a file name that ends in .csv or .jsonl")


def write_migration(plan: Plan, path: Path) -> None:
    """Write one row for every concept of the published version and of the release.

    In CSV, a cell with several values has one on each line, as in ESCO's files.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    require_suffix(path)
    text = io.StringIO(newline="")
    if path.suffix == ".csv":
        write_rows(text, COLUMNS, (_cells(row) for row in _rows(plan)))
    else:
        for row in _rows(plan):
            text.write(json.dumps({name: row[name] for name in COLUMNS}, ensure_ascii=False) + "\n")
    save(path, text.getvalue(), ConfigurationError)


def _rows(plan: Plan) -> Iterator[dict[str, Any]]:
    """Rows by space and URI; a concept that did not change has the same label before and after."""
    changes = {(change.kind, change.uri): change.to_dict() for change in plan.changes}
    for space in SPACES:
        kind = space.removesuffix("s")
        for uri in sorted(chain.from_iterable(plan.spaces[space].uris.values())):
            yield changes.get((kind, uri)) or _unchanged(plan, space, kind, uri)


def _cells(row: dict[str, Any]) -> list[str]:
    return ["\n".join(row[name]) if name in _LISTS else row[name] for name in COLUMNS]


def _unchanged(plan: Plan, space: Space, kind: str, uri: str) -> dict[str, Any]:
    label = plan.release.concepts(space)[uri].label
    action: Action = "embedded again" if plan.full_reason else "unchanged"
    return Change(uri, kind, action, label, label).to_dict()
