"""Files that an evaluation leaves behind: whole or not at all."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from skillsearch.errors import EvaluationError
from skillsearch.files import write_atomically

__all__ = ["write_bytes", "write_csv", "write_text"]


def write_bytes(path: Path, parts: Iterable[bytes]) -> None:
    """Write atomically; see `skillsearch.files.write_atomically`.

    Raises:
        EvaluationError: it cannot be written.
    """
    try:
        write_atomically(path, parts)
    except OSError as error:
        raise EvaluationError(f"{path} cannot be written: {error.strerror or error}") from error


def write_text(path: Path, parts: Iterable[str]) -> None:
    """Write text as UTF-8; see `write_bytes`."""
    write_bytes(path, (part.encode("utf-8") for part in parts))


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table, comma separated, with a header; see `write_bytes`."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, [buffer.getvalue()])
