"""A file of vacancies, CSV or JSON Lines, read one by one."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from skillsearch.errors import TrainingError
from skillsearch.tables import Record, Table, TextFile, json_lines
from trainer.unified.nodes import normal_text, unusable

__all__ = ["Vacancy", "read_vacancies"]

_FILE_LIMIT: Final = 4 * 2**30  # bytes
_JSON_LINES = (".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Vacancy:
    """A title with its white space folded, and a description."""

    title: str
    description: str


def read_vacancies(
    path: Path, skipped: Counter[str], *, title: str = "title", description: str = "description"
) -> Iterator[Vacancy]:
    """Read vacancies; rows that are not usable are skipped.

    Args:
        path: ``.csv`` with a header, or ``.jsonl`` or ``.ndjson`` with one object a line; UTF-8.
        skipped: rows that were skipped are counted here, by reason.
        title: column or key of the title.
        description: column or key of the description.

    Raises:
        TrainingError: the file cannot be read, is not UTF-8, has no such columns, is not CSV, or holds no
            usable row; names the row where it is known.
    """
    found: Counter[str] = Counter()
    usable = 0
    for record in _records(path, title, description, found):
        try:
            vacancy = Vacancy(normal_text(record.filled(title)), record.filled(description))
            reason = unusable("titles", vacancy.title)
        except TrainingError:
            reason = "title or description is missing, empty or not text"
        if reason:
            found[f"vacancy: {reason}"] += 1
        else:
            usable += 1
            yield vacancy
    skipped.update(found)
    if not usable:
        problems = "; ".join(f"{reason}: {count:,}" for reason, count in found.items())
        raise TrainingError(
            f"{path} holds no usable vacancy ({problems or 'the file is empty'}); if its columns have other "
            "names, name them with --set title_column=NAME and --set description_column=NAME"
        )


def _records(path: Path, title: str, description: str, found: Counter[str]) -> Iterator[Record]:
    suffix = path.suffix.lower()

    def skip(_place: str, _problem: str) -> None:
        is_csv = suffix == ".csv"
        reason = (
            "row has another number of columns than the header" if is_csv else "line is not a JSON object"
        )
        found[f"vacancy: {reason}"] += 1

    if suffix == ".csv":
        advice = "check the file, or name its columns: --set title_column=NAME, description_column=NAME"
        table = Table.at(path, limit=_FILE_LIMIT, error_type=TrainingError, advice=advice)
        return table.rows(title, description, skip=skip)
    if suffix in _JSON_LINES:
        return json_lines(TextFile.at(path, limit=_FILE_LIMIT, error_type=TrainingError), skip=skip)
    raise TrainingError(f"{path}: expected a CSV file (.csv) or JSON Lines (.jsonl, .ndjson)")
