"""Points as they are passed on: messages of gRPC, of whose numbers no Python objects are made."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from qdrant_client import QdrantClient, grpc, models
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc

from skillsearch.arrays import Float32Array
from skillsearch.store.base import Payload
from skillsearch.store.schema import VECTOR_NAME

__all__ = [
    "Found",
    "Offset",
    "Struct",
    "changed",
    "read_messages",
    "to_models",
    "uri_of",
    "vector_of",
    "write_messages",
]

Offset: TypeAlias = models.ExtendedPointId | None
"""The id of a page's first point; None of the first page, and behind the last."""

Found: TypeAlias = models.Record | grpc.RetrievedPoint
"""A point that was read."""

Struct: TypeAlias = models.PointStruct | grpc.PointStruct
"""A point to write."""


def read_messages(
    client: QdrantClient, collection: str, limit: int, offset: Offset, *, payloads: bool, timeout: float
) -> tuple[list[grpc.RetrievedPoint], Offset]:
    """A page of points with their vectors, and where the next begins.

    Raises:
        grpc.RpcError: the server failed.
    """
    request = grpc.ScrollPoints(
        collection_name=collection,
        limit=limit,
        offset=None if offset is None else RestToGrpc.convert_extended_point_id(offset),
        with_payload=grpc.WithPayloadSelector(enable=payloads),
        with_vectors=grpc.WithVectorsSelector(enable=True),
    )
    answer = client.grpc_points.Scroll(request, timeout=timeout)
    following = answer.next_page_offset.uuid if answer.HasField("next_page_offset") else None
    return list(answer.result), following


def write_messages(client: QdrantClient, collection: str, points: Sequence[Struct], timeout: float) -> None:
    """Write points, and wait until they can be found.

    Raises:
        grpc.RpcError: the server failed.
    """
    messages = [
        RestToGrpc.convert_point_struct(point) if isinstance(point, models.PointStruct) else point
        for point in points
    ]
    request = grpc.UpsertPoints(collection_name=collection, points=messages, wait=True)
    client.grpc_points.Upsert(request, timeout=timeout)


def to_models(points: Sequence[Struct]) -> list[models.PointStruct]:
    """Points as they are written over REST."""
    return [
        point if isinstance(point, models.PointStruct) else GrpcToRest.convert_point_struct(point)
        for point in points
    ]


def uri_of(found: Found) -> str:
    """The URI in the payload of a point."""
    if isinstance(found, models.Record):
        return str((found.payload or {})["uri"])
    return str(found.payload["uri"].string_value)


def vector_of(found: grpc.RetrievedPoint) -> Float32Array:
    """The vector of a point, shape (d,)."""
    return np.array(_dense(found), dtype=np.float32)


def changed(found: Found, changes: Payload) -> Struct:
    """A point to write: one that was read, with other values in some fields of its payload."""
    if isinstance(found, models.Record):
        return models.PointStruct(
            id=found.id,
            vector=found.vector,  # type: ignore[arg-type] # those that were read can be written
            payload=(found.payload or {}) | changes,
        )
    point = grpc.PointStruct(id=found.id, payload=found.payload)
    point.vectors.vectors.vectors[VECTOR_NAME].dense.data.MergeFrom(_dense(found))
    if changes:
        point.MergeFrom(grpc.PointStruct(payload=RestToGrpc.convert_payload(changes)))
    return point


def _dense(found: grpc.RetrievedPoint) -> Iterable[float]:
    vector = found.vectors.vectors.vectors[VECTOR_NAME]
    numbers: Iterable[float] = vector.dense.data or vector.data  # the latter of older servers
    return numbers
