"""Files that an evaluation leaves behind: whole or not at all."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from skillsearch.errors import EvaluationError

__all__ = ["write_bytes", "write_csv", "write_text"]


def write_bytes(path: Path, parts: Iterable[bytes]) -> None:
    """Write beside, part by part, flush to disk, and rename; missing folders above are made.

    Raises:
        EvaluationError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
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
