"""The engine's own terms: shards, conditions, pages, failures."""

import errno
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import qdrant_edge as edge

from skillsearch.errors import StoreError
from skillsearch.store.filters import Match, Where
from skillsearch.store.schema import KEYWORD_FIELDS, VECTOR_NAME

__all__ = ["new_shard", "records", "to_filter", "translated"]

_PAGE: Final = 1000

_Params = ParamSpec("_Params")
_Result = TypeVar("_Result")


def translated(method: Callable[_Params, _Result]) -> Callable[_Params, _Result]:
    """Turn the engine's exceptions, which are plain ones, and those of files into ours."""

    @wraps(method)
    def translate(*args: _Params.args, **kwargs: _Params.kwargs) -> _Result:
        try:
            return method(*args, **kwargs)
        except StoreError:
            raise
        except Exception as error:
            advice = "free some room, then give the command again" if _is_full(error) else ""
            raise StoreError(f"the embedded index failed: {error}" + (advice and f": {advice}")) from error

    return translate


def new_shard(folder: Path, dimension: int) -> edge.EdgeShard:
    """An empty shard with its payload indexes, in a folder that is not there yet."""
    folder.mkdir(parents=True)
    vectors = edge.EdgeVectorParams(
        dimension, edge.Distance.Cosine, datatype=edge.VectorStorageDatatype.Float16
    )
    shard = edge.EdgeShard.create(
        str(folder), edge.EdgeConfig(vectors={VECTOR_NAME: vectors}, wal_enabled=False)
    )
    for field in KEYWORD_FIELDS:
        shard.update(edge.UpdateOperation.create_field_index(field, edge.PayloadSchemaType.Keyword))
    return shard


def records(
    shard: edge.EdgeShard, *, payload: bool | list[str] = True, vectors: bool = False
) -> Iterator[edge.Record]:
    """All points of a shard, read a page at a time; `payload` may name the fields that are wanted."""
    offset: edge.PointId | None = None
    scroll = translated(shard.scroll)
    while True:
        found, offset = scroll(
            edge.ScrollRequest(
                limit=_PAGE,
                offset=offset,
                with_payload=payload,
                with_vector=[VECTOR_NAME] if vectors else False,
            )
        )
        yield from found
        if offset is None:
            return


def to_filter(where: Where | None) -> edge.Filter | None:
    """Conditions as the engine takes them."""
    if where is None or not (where.must or where.must_not):
        return None
    return edge.Filter(
        must=[_condition(match) for match in where.must],
        must_not=[_condition(match) for match in where.must_not],
    )


def _condition(match: Match) -> edge.Filter:
    return edge.Filter(
        should=[
            edge.FieldCondition(key=field, match=edge.MatchAny(list(match.values))) for field in match.fields
        ]
    )


def _is_full(error: Exception) -> bool:
    return (isinstance(error, OSError) and error.errno == errno.ENOSPC) or "is full" in str(error)
