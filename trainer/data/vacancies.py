"""A file of vacancies, CSV or JSON Lines, read one by one."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from skillsearch.errors import TrainingError
from trainer.unified.nodes import normal_text, unusable

__all__ = ["DESCRIPTION", "TITLE", "Vacancy", "read_vacancies"]

TITLE: Final = "title"
DESCRIPTION: Final = "description"

_CELL_LIMIT = 16 * 2**20
_JSON_LINES = (".jsonl", ".ndjson")
_SHOWN = 80  # characters of what was found, in a message


@dataclass(frozen=True, slots=True)
class Vacancy:
    """A title with its white space folded, and a description as it stands in the file."""

    title: str
    description: str


def read_vacancies(
    path: Path, drops: Counter[str], *, title: str = TITLE, description: str = DESCRIPTION
) -> Iterator[Vacancy]:
    """Read vacancies; rows that are not usable are left out.

    Args:
        path: ``.csv`` with a header, or ``.jsonl`` or ``.ndjson`` with one object a line; UTF-8.
        drops: rows that were left out are counted here, by reason.
        title: column or key of the title.
        description: column or key of the description.

    Raises:
        TrainingError: the file cannot be read, is not UTF-8, is empty, has no such columns, is not
            CSV, or holds no usable row; names the line where it is known.
    """
    suffix = path.suffix.lower()
    if suffix != ".csv" and suffix not in _JSON_LINES:
        raise TrainingError(f"{path}: expected a CSV file (.csv) or JSON Lines (.jsonl, .ndjson)")
    rows = _csv_rows if suffix == ".csv" else _json_rows
    usable = 0
    try:
        for cells in rows(path, (title, description), drops):
            vacancy = Vacancy(normal_text(cells[0]), cells[1])
            reason = unusable("titles", vacancy.title)
            if reason is None and not vacancy.description.strip():
                reason = "description is empty"
            if reason:
                drops[f"vacancy: {reason}"] += 1
            else:
                usable += 1
                yield vacancy
    except UnicodeDecodeError as error:
        raise TrainingError(
            f"{path} is not UTF-8: {error.reason} at byte {error.start}; convert it"
        ) from error
    except OSError as error:
        raise TrainingError(f"{path} cannot be read: {error}") from error
    if not usable:
        found = "; ".join(f"{reason}: {count:,}" for reason, count in drops.items()) or "the file is empty"
        raise TrainingError(f"{path} holds no usable vacancy ({found})")


def _csv_rows(path: Path, columns: tuple[str, str], drops: Counter[str]) -> Iterator[tuple[str, str]]:
    csv.field_size_limit(_CELL_LIMIT)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = [cell.strip() for cell in next(reader, [])]
            if not header:
                return
            missing = [name for name in columns if name not in header]
            if missing:
                raise TrainingError(
                    f"{path}: no column {' and no column '.join(map(repr, missing))} in the header "
                    f"{', '.join(header)[:_SHOWN]!r}: name the columns with --title-column and "
                    "--description-column"
                )
            places = [header.index(name) for name in columns]
            for row in reader:
                if len(row) == len(header):
                    yield row[places[0]], row[places[1]]
                elif row:
                    drops["vacancy: row has another number of columns than the header"] += 1
        except csv.Error as error:
            raise TrainingError(f"{path}:{reader.line_num}: {error}; is a quote not closed?") from error


def _json_rows(path: Path, keys: tuple[str, str], drops: Counter[str]) -> Iterator[tuple[str, str]]:
    lacking: Counter[str] = Counter()
    objects = 0
    with path.open(encoding="utf-8-sig") as file:
        for line in file:
            if not line.strip():
                continue
            try:
                values = json.loads(line)
            except (ValueError, RecursionError):
                drops["vacancy: line is not JSON"] += 1
                continue
            if not isinstance(values, dict):
                drops["vacancy: line is not a JSON object"] += 1
                continue
            objects += 1
            absent = [key for key in keys if key not in values]
            lacking.update(absent)
            if absent:
                drops[f"vacancy: no {' and no '.join(absent)}"] += 1
            elif not all(isinstance(values[key], str) for key in keys):
                drops["vacancy: title or description is not text"] += 1
            else:
                yield values[keys[0]], values[keys[1]]
    nowhere = [key for key in keys if objects and lacking[key] == objects]
    if nowhere:
        raise TrainingError(
            f"{path}: no line has the key {' and the key '.join(map(repr, nowhere))}: name the keys with "
            "--title-column and --description-column"
        )
