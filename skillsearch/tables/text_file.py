"""Text files, and members of zips: their lines, or an error that says where the file is broken."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Self

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

_LINE_LIMIT: Final = 4 * 2**20  # characters
_HEAD: Final = 4096  # bytes that tell what a file is
_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
"""Byte order marks, and the encodings that read them; without one a file is UTF-8."""

_AS_CSV: Final = "in a spreadsheet program save it as CSV UTF-8"
_OTHER_KINDS: Final = (
    (b"\xd0\xcf\x11\xe0", f"an Excel workbook of the old form (.xls), not text; {_AS_CSV}"),
    (b"\x1f\x8b", "compressed by gzip; unpack it"),
    (b"%PDF", "a PDF, not a table; give a text file"),
)
_WORKBOOK_PARTS: Final = (b"[Content_Types].xml", b"xl/", b"opendocument")


class _TooLargeError(Exception):
    """A file has more bytes than its limit."""


class _Limited(io.RawIOBase):
    """The bytes of a file, up to a limit; a size in a zip's header is not trusted."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file = file
        self._left = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override] # any buffer of bytes
        data = self._file.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise _TooLargeError
        buffer[: len(data)] = data
        return len(data)


@dataclass(frozen=True)
class TextFile:
    """A text file, which may be a member of a zip, or of a zip within a zip.

    It is UTF-8, or UTF-16 or UTF-32 with a byte order mark.

    Attributes:
        name: its file name.
        source: names it in messages.
        path: of the file or the zip.
        members: its name within the zip, after those of the zips between; empty for a file.
        limit: bytes that it may have once unpacked.
        advice: what else helps against a wrong value, such as downloading the file again.
        error_type: what is raised where something is wrong.
    """

    name: str
    source: str
    path: Path
    members: tuple[str, ...] = ()
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
        return cls(path.name, path.name, path, (), limit, advice, error_type)

    def text(self) -> str:
        """Its whole text; raises what `lines` raises."""
        return "".join(self.lines())

    def lines(self) -> Iterator[str]:
        """Its lines with their ends as they are, decoded while it is read.

        Raises:
            SkillSearchError: it is no text, cannot be unpacked or decoded, is too large, has a line of
                more than 4 million characters, or a NUL character.
        """
        with self._reading(), self._open() as file:
            encoding = self._encoding(file.peek(_HEAD)[:_HEAD])
            lines = io.TextIOWrapper(file, encoding, newline="")
            while line := self._next(lines):
                if len(line) == _LINE_LIMIT:
                    raise self.error(f": a line of more than {_LINE_LIMIT:,} characters; {self.remedy}")
                if "\0" in line:
                    raise self._nul(encoding)
                yield line

    def data(self) -> bytes:
        """Its bytes, unpacked.

        Raises:
            SkillSearchError: it cannot be read or unpacked, or is too large.
        """
        with self._reading(), self._open() as file:
            return file.read()

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

    @contextmanager
    def _open(self) -> Iterator[io.BufferedReader]:
        with ExitStack() as stack:
            file: IO[bytes] = stack.enter_context(self.path.open("rb"))
            for member in self.members:
                archive = stack.enter_context(zipfile.ZipFile(file))
                file = stack.enter_context(archive.open(member))
            yield io.BufferedReader(_Limited(file, self.limit))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn what goes wrong while the file is read into errors of ours."""
        try:
            yield
        except _TooLargeError:
            raise self.error(f": has more than the limit of {self.limit:,} bytes; {self.remedy}") from None
        except OSError as error:
            raise self.error(f": cannot be read: {error.strerror or error}; check its permissions") from error
        except (*DAMAGE, KeyError) as error:
            raise self.error(f": damaged in the zip ({error}); {self.remedy}") from error

    def _encoding(self, head: bytes) -> str:
        """The encoding that the first bytes tell.

        Raises:
            SkillSearchError: they are those of another kind of file.
        """
        if head.startswith(b"PK\x03\x04"):
            if any(part in head for part in _WORKBOOK_PARTS):
                raise self.error(f": a spreadsheet (Excel workbook), not text; {_AS_CSV}")
            raise self.error(": a zip, not text; unpack it and give the file in it")
        for start, kind in _OTHER_KINDS:
            if head.startswith(start):
                raise self.error(f": {kind}")
        if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:14].lower().startswith((b"<!doctype html", b"<html")):
            raise self.error(": a web page, not a table; download the file itself")
        for mark, encoding in _MARKS:
            if head.startswith(mark):
                return encoding
        if head[1::2].count(0) > len(head) // 4 or head[::2].count(0) > len(head) // 4:
            raise self.error(f": UTF-16 without a byte order mark; {_AS_CSV}")
        return "utf-8-sig"

    def _next(self, lines: io.TextIOWrapper) -> str:
        try:
            return lines.readline(_LINE_LIMIT)
        except UnicodeDecodeError as error:
            raise self._undecodable(error.encoding) from error

    def _undecodable(self, encoding: str) -> SkillSearchError:
        data = self.data()
        try:
            data.decode(encoding)
        except UnicodeDecodeError as error:
            offset = error.start + len(data) - len(error.object)  # a byte order mark is not in the object
            where = self.position(data[:offset].decode(encoding, errors="ignore"))
            if not encoding.startswith("utf-8"):
                return self.error(f", {where}: damaged {encoding.upper()} at offset {offset}; {_AS_CSV}")
            problem = f"byte 0x{data[offset]:02x} at offset {offset} is not UTF-8"
            return self.error(f", {where}: {problem}; {_AS_CSV}, in an editor as UTF-8")
        return self.error(f": changed while it was read; {self.remedy}")

    def _nul(self, encoding: str) -> SkillSearchError:
        text = self.data().decode(encoding, errors="replace")
        return self.error(f", {self.position(text.partition(chr(0))[0])}: a NUL character; {self.remedy}")
