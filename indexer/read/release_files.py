"""The files of a release: CSV tables found in zips and folders, without trusting either."""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, Final

from skillsearch.errors import TaxonomyError
from skillsearch.tables import DAMAGE, Table

__all__ = ["RELEASE_LIMIT", "TABLE_LIMIT", "ReleaseFiles", "find_tables", "table_names"]

TABLE_LIMIT: Final = 64 * 2**20
"""Bytes that one table may have once unpacked; ESCO's largest has some 20 MB."""

RELEASE_LIMIT: Final = 512 * 2**20
"""Bytes that all tables may have."""

_ADVICE = "download the release again"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DEEPEST = 3  # folders and zips within what was given


@dataclass(frozen=True)
class ReleaseFiles:
    """The tables of a release by file name, and the names of the folders and zips they are in."""

    tables: dict[str, Table]
    names: tuple[str, ...]


def find_tables(
    paths: Sequence[Path], limit: int = TABLE_LIMIT, *, wanted: Callable[[str], bool] = lambda _: True
) -> ReleaseFiles:
    """The CSV files of all zips and folders.

    Where a folder or zip has no CSV file, those in it are looked into.

    Args:
        paths: of the zips and folders.
        limit: bytes that one table may have once unpacked.
        wanted: whether a table of such a file name is asked for; others count for nothing but the names.

    Raises:
        TaxonomyError: a path is missing, damaged, or neither zip nor folder, a file is there twice, or
            all together are too large.
    """
    tables: dict[str, Table] = {}
    names: dict[str, None] = {}
    size = 0
    for path in paths:
        names[path.name] = None
        for table, found in _tables_of(path):
            if other := tables.get(table.name):
                raise TaxonomyError(
                    f"{table.name} is in both {other.path.name} and {table.path.name}: give each part once"
                )
            names |= dict.fromkeys(PurePosixPath(table.source).parts[:-1])
            if not wanted(table.name):
                continue
            tables[table.name] = replace(table, limit=limit, advice=_ADVICE)
            size += found
            if size > RELEASE_LIMIT:
                raise TaxonomyError(
                    f"{path.name}: its tables have more than {RELEASE_LIMIT:,} bytes once unpacked, which "
                    "no release has; do not use it"
                )
    return ReleaseFiles(tables, tuple(names))


def table_names(paths: Sequence[Path]) -> list[str]:
    """The file names of all CSV files of some zips and folders.

    Raises:
        TaxonomyError: a path is missing, damaged, or neither zip nor folder.
    """
    return [table.name for path in paths for table, _ in _tables_of(path)]


def _tables_of(path: Path) -> Iterator[tuple[Table, int]]:
    """The tables below a path, each with its size."""
    try:
        if path.is_dir():
            yield from _in_folder(path, path.name, _DEEPEST)
            return
        if not path.exists():
            raise TaxonomyError(f"{path}: no such file or folder; check the path")
        if path.suffix.lower() == ".csv":
            raise TaxonomyError(
                f"{path.name}: one file of a release; give the folder or the zip that it came in, and a "
                "taxonomy of your own with --taxonomy"
            )
        yield from _in_zip(path, (), path.name, _DEEPEST)
    except OSError as error:
        raise TaxonomyError(
            f"{path}: cannot be read: {error.strerror or error}; check its permissions"
        ) from error


def _in_folder(folder: Path, source: str, deepest: int) -> Iterator[tuple[Table, int]]:
    files = [file for file in sorted(folder.iterdir()) if _is_visible(PurePath(file.name))]
    tables = [file for file in files if _is_table(PurePath(file.name)) and file.is_file()]
    for file in tables:
        yield Table(file.name, f"{source}/{file.name}", file), file.stat().st_size
    for file in files if deepest and not tables else ():
        if file.is_dir():
            yield from _in_folder(file, f"{source}/{file.name}", deepest - 1)
        elif file.suffix.lower() == ".zip":
            yield from _in_zip(file, (), f"{source}/{file.name}", deepest - 1)


def _in_zip(path: Path, members: tuple[str, ...], source: str, deepest: int) -> Iterator[tuple[Table, int]]:
    """The tables of a zip, or of the zip within zips that the members name."""
    found = _members(path, members, source)
    names = {member.filename: _safe_name(source, member.filename) for member in found}
    tables = [member for member in found if _is_table(names[member.filename])]
    zips = [member for member in found if names[member.filename].suffix.lower() == ".zip"]
    for member in tables:
        name = names[member.filename]
        where = f"{source}/{name}" if len(name.parts) > 1 else f"{source}/{name.name}"
        _require_readable(where, member)
        yield Table(name.name, where, path, (*members, member.filename)), member.file_size
    for member in zips if deepest and not tables else ():
        where = f"{source}/{names[member.filename].name}"
        _require_readable(where, member)
        yield from _in_zip(path, (*members, member.filename), where, deepest - 1)


def _members(path: Path, members: tuple[str, ...], source: str) -> list[zipfile.ZipInfo]:
    try:
        with ExitStack() as stack:
            file: IO[bytes] = stack.enter_context(path.open("rb"))
            for member in members:
                file = stack.enter_context(stack.enter_context(zipfile.ZipFile(file)).open(member))
            found = stack.enter_context(zipfile.ZipFile(file)).infolist()
    except OSError:
        raise
    except DAMAGE as error:
        raise TaxonomyError(
            f"{source}: not a zip, or a truncated one ({error}); give the zip as downloaded"
        ) from error
    return [member for member in found if not member.is_dir()]


def _require_readable(source: str, member: zipfile.ZipInfo) -> None:
    if member.flag_bits & 0x1:
        raise TaxonomyError(f"{source}: encrypted; unpack it and give the folder")
    if member.compress_type not in _METHODS:
        raise TaxonomyError(
            f"{source}: compressed by method {member.compress_type}, expected stored or deflated; "
            "unpack it and give the folder"
        )


def _safe_name(source: str, member: str) -> PurePosixPath:
    """The path of a member within its zip.

    Nothing is unpacked to disk, but a name that would escape the folder marks a zip not to be trusted.

    Raises:
        TaxonomyError: the name is such a one.
    """
    path = PurePosixPath(member.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in member or not member.isprintable():
        raise TaxonomyError(
            f"{source}: the member {member!r} has a name that escapes the folder; do not use this zip"
        )
    return path


def _is_table(path: PurePath) -> bool:
    return path.suffix.lower() == ".csv" and _is_visible(path)


def _is_visible(path: PurePath) -> bool:
    """Whether a path is none of the hidden files that macOS adds."""
    return not any(part.startswith((".", "__MACOSX")) for part in path.parts)
