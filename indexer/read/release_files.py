"""The files of a release: CSV tables found in zips and folders, without trusting either."""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath, PurePosixPath

from skillsearch.errors import TaxonomyError
from skillsearch.tables import DAMAGE, FILE_LIMIT, Table

__all__ = ["find_tables"]

_ADVICE = "download the release again"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def find_tables(paths: Sequence[Path], limit: int = FILE_LIMIT) -> dict[str, Table]:
    """The CSV files of all zips and folders, by file name.

    Raises:
        TaxonomyError: a path is missing, damaged, or neither zip nor folder, or a file is there twice.
    """
    tables: dict[str, Table] = {}
    for path in paths:
        for table in _tables_of(path, limit):
            if other := tables.get(table.name):
                raise TaxonomyError(
                    f"{table.name} is in both {other.path.name} and {table.path.name}: give each part once"
                )
            tables[table.name] = table
    return tables


def _tables_of(path: Path, limit: int) -> Iterator[Table]:
    try:
        if path.is_dir():
            for file in sorted(path.iterdir()):
                if _is_table(PurePath(file.name)) and file.is_file():
                    yield Table(file.name, f"{path.name}/{file.name}", file, None, limit, _ADVICE)
            return
        if not path.exists():
            raise TaxonomyError(f"{path}: no such file or folder; check the path")
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except OSError as error:
        raise TaxonomyError(
            f"{path}: cannot be read: {error.strerror or error}; check its permissions"
        ) from error
    except DAMAGE as error:
        raise TaxonomyError(
            f"{path.name}: not a zip, or a truncated one ({error}); give the zip as downloaded"
        ) from error
    for member in members:
        name = _safe_name(path, member.filename)
        if name is None:
            continue
        source = f"{path.name}/{name}"
        if member.flag_bits & 0x1:
            raise TaxonomyError(f"{source}: encrypted; unpack it and give the folder")
        if member.compress_type not in _METHODS:
            raise TaxonomyError(
                f"{source}: compressed by method {member.compress_type}, expected stored or deflated; "
                "unpack it and give the folder"
            )
        yield Table(name, source, path, member.filename, limit, _ADVICE)


def _safe_name(path: Path, member: str) -> str | None:
    """The file name of a CSV member; None for other members.

    Nothing is unpacked to disk, but a name that would escape the folder marks a zip not to be trusted.
    """
    parts = PurePosixPath(member.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in member or not member.isprintable():
        raise TaxonomyError(
            f"{path.name}: the member {member!r} has a name that escapes the folder; do not use this zip"
        )
    return parts.name if _is_table(parts) else None


def _is_table(path: PurePath) -> bool:
    """Whether a path is a CSV file, and not one of the hidden files that macOS adds."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return path.suffix.lower() == ".csv" and not hidden
