"""Layout of a build on a server: the form and settings of its collections."""

from dataclasses import dataclass
from typing import Any, Literal

from qdrant_client import models

from skillsearch.errors import StoreError
from skillsearch.store.base import Payload
from skillsearch.store.filters import Match, Where
from skillsearch.store.schema import VECTOR_NAME
from skillsearch.store.search import EXACT_LIMIT

__all__ = ["CollectionOptions", "Quantization", "require_size", "to_filter", "to_payload"]

Quantization = Literal["none", "int8", "binary"]


@dataclass(frozen=True, slots=True)
class CollectionOptions:
    """Options of new collections; None leaves a number to the server.

    Attributes:
        shards: `shard_number`: pieces that a cluster spreads over its nodes.
        replicas: `replication_factor`: copies of each piece.
        write_consistency: `write_consistency_factor`: copies that confirm a write.
        quantization: compressed copies of the vectors, searched first and then rescored; only for spaces
            of more than `EXACT_LIMIT` points.
        hnsw_m: links a point in the graph, for such spaces.
        hnsw_ef_construct: neighbours looked at when the graph is built.
        on_disk: keep vectors, payloads and their indexes on disk, and only compressed vectors in memory.
    """

    shards: int | None = None
    replicas: int | None = None
    write_consistency: int | None = None
    quantization: Quantization = "int8"
    hnsw_m: int | None = None
    hnsw_ef_construct: int | None = None
    on_disk: bool = False

    def arguments(self, points: int, dimension: int) -> dict[str, Any]:
        """Arguments of `QdrantClient.create_collection` for so many points of so many dimensions."""
        large = points > EXACT_LIMIT
        vectors = models.VectorParams(
            size=dimension,
            distance=models.Distance.COSINE,
            datatype=models.Datatype.FLOAT16,
            on_disk=self.on_disk or None,
        )
        return {
            "vectors_config": {VECTOR_NAME: vectors},
            "hnsw_config": self.graph() if large else models.HnswConfigDiff(m=0),
            "quantization_config": _quantization(self.quantization) if large else None,
            "shard_number": self.shards,
            "replication_factor": self.replicas,
            "write_consistency_factor": self.write_consistency,
            "on_disk_payload": self.on_disk or None,
        }

    def graph(self, links: int | None = None) -> models.HnswConfigDiff:
        """The graph of a collection; with so many links a point, unless they are set."""
        return models.HnswConfigDiff(m=self.hnsw_m or links, ef_construct=self.hnsw_ef_construct)

    def index(self) -> models.PayloadSchemaType | models.KeywordIndexParams:
        """The index of a payload field."""
        if self.on_disk:
            return models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, on_disk=True)
        return models.PayloadSchemaType.KEYWORD


def require_size(found: models.CollectionInfo, name: str, dimension: int) -> None:
    """Check that a collection's vectors are of the size that its build says.

    Raises:
        StoreError: they are not, or there are none of that name.
    """
    vectors = found.config.params.vectors
    dense = vectors.get(VECTOR_NAME) if isinstance(vectors, dict) else None
    if dense is None or dense.size != dimension:
        size = "no such vectors" if dense is None else f"vectors of {dense.size} numbers"
        raise StoreError(
            f"collection {name} has {size}, expected {dimension} numbers under {VECTOR_NAME!r}: build the "
            "index again with `skillsearch reindex --full`"
        )


def to_filter(where: Where | None) -> models.Filter | None:
    """Conditions as the server takes them."""
    if where is None or not (where.must or where.must_not):
        return None
    return models.Filter(
        must=[_condition(match) for match in where.must],
        must_not=[_condition(match) for match in where.must_not],
    )


def to_payload(point: models.ScoredPoint | models.Record) -> Payload:
    """The payload of a point, empty where it has none."""
    return dict(point.payload or {})


def _condition(match: Match) -> models.Filter:
    return models.Filter(
        should=[
            models.FieldCondition(key=field, match=models.MatchAny(any=list(match.values)))
            for field in match.fields
        ]
    )


def _quantization(kind: Quantization) -> models.QuantizationConfig | None:
    if kind == "int8":
        return models.ScalarQuantization(
            scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
        )
    if kind == "binary":
        return models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True))
    return None
