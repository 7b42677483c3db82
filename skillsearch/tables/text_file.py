"""Text files, and members of zips: their text, or an error that says where it is broken."""

import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from skillsearch.errors import SkillSearchError, TaxonomyError

__all__ = ["DAMAGE", "FILE_LIMIT", "TextFile"]

FILE_LIMIT: Final = 512 * 2**20
"""Bytes that one file may have once unpacked."""

DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What reading a damaged zip raises."""


@dataclass(frozen=True)
class TextFile:
    """A text file, which may be a member of a zip.

    Attributes:
        name: its file name.
        source: names it in messages.
        path: of the file or the zip.
        member: its name within the zip; None for a file.
        limit: bytes that it may have once unpacked.
        advice: what else helps against a wrong value, such as downloading the file again.
        error_type: what is raised where something is wrong.
    """

    name: str
    source: str
    path: Path
    member: str | None = None
    limit: int = FILE_LIMIT
    advice: str = ""
    error_type: type[SkillSearchError] = TaxonomyError

    @classmethod
    def at(
        cls,
        path: Path,
        *,
        limit: int = FILE_LIMIT,
        advice: str = "",
        error_type: type[SkillSearchError] = TaxonomyError,
    ) -> Self:
        """The file at a path.

        Raises:
            SkillSearchError: of the type `error_type`, where there is no such file.
        """
        if path.is_dir():
            raise error_type(f"{path}: a folder, expected a file; name one in it")
        if not path.exists():
            raise error_type(f"{path}: no such file; check the path")
        return cls(path.name, path.name, path, None, limit, advice, error_type)

    def text(self) -> str:
        """Its whole text.

        Raises:
            SkillSearchError: it cannot be unpacked or decoded, is too large, or has a NUL character.
        """
        data = self.data()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            offset = error.start + len(data) - len(error.object)  # a byte order mark is not in the object
            problem = f"byte 0x{data[offset]:02x} at offset {offset} is not UTF-8; save the file as UTF-8"
            before = data[:offset].decode("utf-8-sig")
            raise self.error(f", {self.position(before)}: {problem}") from error
        if "\0" in text:
            before = text[: text.index("\0")]
            raise self.error(f", {self.position(before)}: a NUL character; {self.remedy}")
        return text

    def data(self) -> bytes:
        """Its bytes, unpacked; a size in a zip's header is not trusted.

        Raises:
            SkillSearchError: it cannot be read or unpacked, or is too large.
        """
        try:
            if self.member is None:
                with self.path.open("rb") as file:
                    data = file.read(self.limit + 1)
            else:
                with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as file:
                    data = file.read(self.limit + 1)
        except OSError as error:
            raise self.error(f": cannot be read: {error.strerror or error}; check its permissions") from error
        except (*DAMAGE, KeyError) as error:
            raise self.error(f": damaged in the zip ({error}); {self.remedy}") from error
        if len(data) > self.limit:
            raise self.error(f": has more than the limit of {self.limit:,} bytes; {self.remedy}")
        return data

    def error(self, problem: str) -> SkillSearchError:
        """An error about the file; the problem follows its name at once."""
        return self.error_type(f"{self.source}{problem}")

    @property
    def remedy(self) -> str:
        """Advice about a broken file."""
        return self.advice or "check the file"

    def position(self, before: str) -> str:
        """The position of the character that follows this part of the text."""
        line = before.count("\n") + 1
        return f"line {line}"
