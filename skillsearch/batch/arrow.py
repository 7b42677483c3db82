"""Parquet in and out; needs pyarrow, of the extra ``parquet``."""

import json
import types
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin

from skillsearch.batch.columns import kept_fields, result_columns
from skillsearch.batch.source import Kind, Row, Source, own_name
from skillsearch.errors import AnnotationError, ConfigurationError
from skillsearch.tasks.task import Task

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ModuleNotFoundError as error:
    raise ConfigurationError(
        "Parquet needs pyarrow, which is not installed: pip install 'skillsearch[parquet]'"
    ) from error

__all__ = ["ParquetSource", "added_columns", "parquet_file"]

_TYPES: Final[Mapping[Any, Any]] = {
    str: pa.string(),
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
}
_KINDS: Final[Mapping[Kind, Any]] = {
    "text": pa.string(),
    "whole": pa.int64(),
    "number": pa.float64(),
    "bool": pa.bool_(),
    "json": pa.string(),
}
_GROUP: Final = 4096  # rows of a row group
_SUFFIX: Final = ".parquet"


class ParquetSource:
    """The rows of a Parquet file, or of all those of a folder, by their names."""

    def __init__(self, path: Path, column: str) -> None:
        """Open it.

        Raises:
            AnnotationError: it is no Parquet file, or has no such column of texts.
        """
        self.path = path
        self.files = sorted(path.rglob(f"*{_SUFFIX}")) if path.is_dir() else [path]
        if not self.files:
            raise AnnotationError(f"{path}: a folder without {_SUFFIX} files; give another, or a file")
        self.schema = _schema(self.files[0])
        for file in self.files[1:]:
            if not _schema(file).equals(self.schema):
                raise AnnotationError(f"{file}: other columns than {self.files[0]}; give files of one kind")
        if column not in self.schema.names:
            found = ", ".join(self.schema.names)
            raise AnnotationError(f"{path}: no column {column!r}; found {found}; name one with --column")
        kind = self.schema.field(column).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
            raise AnnotationError(f"{path}, column {column}: {kind}, expected text")

    @property
    def columns(self) -> dict[str, Kind]:
        """Names of the columns; the schema has their types."""
        return dict.fromkeys(self.schema.names, "json")

    def count(self) -> int:
        """How many rows there are."""
        return sum(pq.read_metadata(file).num_rows for file in self.files)

    def rows(self) -> Iterator[Row]:
        """All rows, as values of Python.

        Raises:
            AnnotationError: a file is damaged.
        """
        number = 0
        for file in self.files:
            try:
                with pq.ParquetFile(file) as opened:
                    for batch in opened.iter_batches(batch_size=_GROUP):
                        for values in batch.to_pylist():
                            number += 1
                            yield Row(f"row {number}", values)
            except (pa.ArrowException, OSError) as error:
                raise AnnotationError(f"{file}: cannot be read: {error}") from error


def added_columns(task: Task[..., Any], given: Collection[str]) -> list[Any]:
    """The Arrow fields that the results of a task become, beside given columns."""
    return [pa.field(own_name(name, given), _arrow_type(hint)) for name, hint in result_columns(task).items()]


def parquet_file(
    rows: Iterable[Mapping[str, object]], source: Source, task: Task[..., Any], metadata: Mapping[str, str]
) -> Iterator[bytes]:
    """A Parquet file of rows with results, part by part; a row group has 4,096 rows.

    Args:
        rows: values by column: those of the source, and those of `added_columns`.
        source: of the rows; the columns of a Parquet file keep their types, a column of JSON whose values
            are of no one type is text.
        task: that was done.
        metadata: of the file.
    """
    as_text = set[str]()
    if isinstance(source, ParquetSource):
        given = source.schema
    else:
        given = pa.schema([pa.field(name, _KINDS[kind]) for name, kind in source.columns.items()])
        as_text = {name for name, kind in source.columns.items() if kind == "json"}
    schema = pa.schema([*given, *added_columns(task, given.names)], metadata=dict(metadata))
    sink = _Parts()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        group: list[Mapping[str, object]] = []
        for row in rows:
            group.append({**row, **{name: _json(row.get(name)) for name in as_text}})
            if len(group) == _GROUP:
                writer.write_table(_table(group, schema))
                group.clear()
                yield from sink.taken()
        if group:
            writer.write_table(_table(group, schema))
    yield from sink.taken()


class _Parts:
    """A file that is only written, and hands out what was written since."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def write(self, data: Any) -> int:  # noqa: ANN401 - a buffer of pyarrow's
        part = bytes(data)
        self._parts.append(part)
        self._length += len(part)
        return len(part)

    def tell(self) -> int:
        return self._length

    def flush(self) -> None:
        """Keep all that was written."""

    def close(self) -> None:
        """Keep all that was written, for whoever takes it."""

    def taken(self) -> list[bytes]:
        """What was written since it was last asked."""
        parts, self._parts = self._parts, []
        return parts


def _schema(file: Path) -> Any:  # noqa: ANN401 - pyarrow has no types
    try:
        return pq.read_schema(file).remove_metadata()
    except (pa.ArrowException, OSError) as error:
        raise AnnotationError(f"{file}: not a Parquet file, or damaged: {error}") from error


def _table(rows: Sequence[Mapping[str, object]], schema: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    columns = [pa.array([_whole(row.get(field.name)) for row in rows], type=field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _json(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _whole(value: object) -> object:
    """A value whose halves of surrogate pairs, which Parquet cannot have, are replacement marks."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _arrow_type(hint: Any) -> Any:  # noqa: ANN401 - any type, and pyarrow has none
    """The Arrow type of a type of Python's."""
    if hint in _TYPES:
        return _TYPES[hint]
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _TYPES[type(inner[0])]
    if origin in (Union, types.UnionType):
        return _arrow_type(next(one for one in inner if one is not types.NoneType))
    if origin is tuple:
        return pa.list_(_arrow_type(inner[0]))
    if is_dataclass(origin or hint):
        return pa.struct([(name, _arrow_type(one)) for name, one in kept_fields(hint)])
    raise TypeError(f"no column can be of type {hint}")
