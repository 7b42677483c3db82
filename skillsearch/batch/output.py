"""The output: the rows of the source with the columns of their results, and the rows that failed."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from skillsearch.batch.columns import result_columns
from skillsearch.batch.journal import Journal
from skillsearch.batch.source import Source, own_name
from skillsearch.characters import json_text, quoted
from skillsearch.errors import AnnotationError
from skillsearch.files import save
from skillsearch.tasks.task import Task

__all__ = ["OUTPUTS", "failed_path", "write_output"]

_Make = Callable[[Iterator[dict[str, object]], Source, Task[..., Any], Mapping[str, Any]], Iterator[bytes]]


def failed_path(output: Path) -> Path:
    """The file of the rows that failed."""
    return output.with_name(f"{output.stem}.failed.jsonl")


def write_output(
    output: Path, source: Source, journal: Journal, task: Task[..., Any], about: Mapping[str, Any]
) -> None:
    """Write the rows with their results, and beside them those that failed, each file whole or not at all.

    Args:
        output: its ending says its form.
        source: of the rows.
        journal: with an answer to each row.
        task: that was done.
        about: what was done, for the metadata of Parquet.

    Raises:
        AnnotationError: it cannot be written; the journal has all answers still.
    """
    failed = failed_path(output)
    if journal.failures:
        save(failed, _failed(source, journal), AnnotationError)
    else:
        failed.unlink(missing_ok=True)
    make = OUTPUTS[output.suffix.lower()]
    names = {name: own_name(name, source.columns) for name in result_columns(task)}
    save(output, make(_annotated(source, journal, names), source, task, about), AnnotationError)


def _annotated(source: Source, journal: Journal, names: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """The rows that did not fail, with their results under these names."""
    for row, answer in zip(source.rows(), journal.answers(), strict=True):
        if "result" in answer:
            result = answer["result"]
            yield {**row.values, **{own: result.get(name) for name, own in names.items()}}


def _failed(source: Source, journal: Journal) -> Iterator[bytes]:
    for row, answer in zip(source.rows(), journal.answers(), strict=True):
        if "error" in answer:
            yield _line({"place": row.place, **answer, "row": row.values})


def _json_lines(
    rows: Iterator[dict[str, object]], _source: Source, _task: Task[..., Any], _about: Mapping[str, Any]
) -> Iterator[bytes]:
    yield from map(_line, rows)


def _parquet(
    rows: Iterator[dict[str, object]], source: Source, task: Task[..., Any], about: Mapping[str, Any]
) -> Iterator[bytes]:
    from skillsearch.batch.arrow import parquet_file

    return parquet_file(rows, source, task, {"skillsearch": json.dumps(about)})


def _line(row: Mapping[str, object]) -> bytes:
    return f"{json_text(row, default=_as_text)}\n".encode()


def _as_text(value: object) -> str:
    """A value of Parquet that JSON does not have, such as a date."""
    return value.isoformat() if hasattr(value, "isoformat") else quoted(value)


OUTPUTS: Final[Mapping[str, _Make]] = {".parquet": _parquet, ".jsonl": _json_lines, ".ndjson": _json_lines}
"""What writes a file, by its ending."""
