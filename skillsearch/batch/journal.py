"""The answers found so far, on disk: a run that is killed goes on behind the last one that is whole."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

from skillsearch.batch.annotator import Answer
from skillsearch.characters import json_text
from skillsearch.errors import AnnotationError
from skillsearch.files import make_folder

__all__ = ["Journal"]

_SHOWN: Final = 80  # characters of a value, in a message


class Journal:
    """A file of JSON Lines: what is annotated, then the answer to each row, in the order of the rows.

    Attributes:
        path: of the file.
        rows: how many rows have an answer.
        failures: how many of them failed.
    """

    def __init__(self, path: Path, about: Mapping[str, Any], *, anew: bool = False) -> None:
        """Open the file, or begin it; what a killed process left half written is cut off.

        Args:
            path: of the file.
            about: what is annotated, by whom and how.
            anew: begin it anew where it is about something else; that is else an error.

        Raises:
            AnnotationError: it is about something else, or cannot be read or written.
        """
        self.path = path
        self.rows = self.failures = 0
        self._file: IO[bytes] | None = None
        try:
            end = self._read(about, anew=anew) if path.exists() else 0
            make_folder(path.parent)
            self._file = path.open("r+b" if path.exists() else "w+b")
            self._file.truncate(end)
            self._file.seek(end)
            if not end:
                self._write([about])
        except OSError as error:
            raise self._refused(error) from error

    def append(self, answers: Iterable[Answer]) -> None:
        """Write the answers to the next rows, and wait until they are on disk.

        Raises:
            AnnotationError: they cannot be written.
        """
        answers = list(answers)
        try:
            self._write(answers)
        except OSError as error:
            raise self._refused(error) from error
        self.rows += len(answers)
        self.failures += sum("error" in answer for answer in answers)

    def answers(self) -> Iterator[Answer]:
        """The answer to each row, in order."""
        with self.path.open("rb") as file:
            next(file)
            yield from map(json.loads, file)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self, about: Mapping[str, Any], *, anew: bool) -> int:
        """Count the answers.

        Returns:
            The bytes that are whole; 0 where it has to begin anew.
        """
        with self.path.open("rb") as file:
            first = file.readline()
            began = _parsed(first)
            if began is None:
                return 0  # killed before it began
            if differs := [name for name in about if began.get(name) != about[name]]:
                if anew:
                    return 0
                name = differs[0]
                was, is_now = (str(one.get(name))[:_SHOWN] for one in (began, about))
                raise AnnotationError(
                    f"{self.path} was begun with another {name}: {was}, now {is_now}; give the same again to "
                    "go on, or --overwrite to begin anew"
                )
            end = len(first)
            for line in file:
                answer = _parsed(line)
                if answer is None:
                    break
                self.rows += 1
                self.failures += "error" in answer
                end += len(line)
        return end

    def _write(self, values: Iterable[Mapping[str, Any]]) -> None:
        if self._file is None:
            raise ValueError("the journal is closed")
        self._file.write(b"".join(f"{json_text(value)}\n".encode() for value in values))
        self._file.flush()
        os.fsync(self._file.fileno())

    def _refused(self, error: OSError) -> AnnotationError:
        return AnnotationError(
            f"{self.path} cannot be written: {error.strerror or error}; the answers to {self.rows:,} rows "
            "are kept: make room, and give the same command again"
        )


def _parsed(line: bytes) -> dict[str, Any] | None:
    """The object of a line; None where it is not whole."""
    try:
        value = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
