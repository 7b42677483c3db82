"""The server store: Qdrant over its client, a pair of collections a build, two aliases.

The collections of a build are ``skills__<build>`` and ``occupations__<build>``; the aliases
``skills`` and ``occupations`` name the published ones and move together in one atomic request.
A search asks once where the aliases point and stays with that build to its end.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

import httpx
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from skillsearch.errors import IndexNotFoundError, StoreError, StoreUnavailableError
from skillsearch.filters import Match, Where
from skillsearch.models.encoder import DIMENSION
from skillsearch.store.base import EXACT_LIMIT, SPACES, BuildInfo, Payload, Point, ScoredPoint, Space
from skillsearch.store.schema import KEYWORD_FIELDS, VECTOR_NAME, point_id

__all__ = ["ServerBuild", "ServerStore"]

_PAGE = 500
_ALL = 1_000_000  # more values than any field has

_Params = ParamSpec("_Params")
_Result = TypeVar("_Result")


def _translated(method: Callable[_Params, _Result]) -> Callable[_Params, _Result]:
    """Turn the client's exceptions into ours."""

    @wraps(method)
    def translate(*args: _Params.args, **kwargs: _Params.kwargs) -> _Result:
        try:
            return method(*args, **kwargs)
        except UnexpectedResponse as error:
            if error.status_code in (401, 403):
                raise StoreUnavailableError(
                    "the Qdrant server refuses the API key: set SKILLSEARCH_QDRANT_API_KEY"
                ) from error
            reason = error.content.decode(errors="replace")[:300]
            raise StoreError(f"the Qdrant server answered {error.status_code}: {reason}") from error
        except (ResponseHandlingException, httpx.HTTPError) as error:
            raise StoreUnavailableError(
                f"the Qdrant server does not answer ({error}): is it running at SKILLSEARCH_QDRANT_URL?"
            ) from error
        except (ApiException, ValueError) as error:  # an answer that is not JSON, or not of its form
            raise StoreError(f"the Qdrant server's answer cannot be used: {error}") from error

    return translate


class ServerBuild:
    """The two collections of a build."""

    def __init__(self, client: QdrantClient, info: BuildInfo) -> None:
        self.info = info
        self._client = client

    @_translated
    def upsert(self, space: Space, points: Sequence[Point]) -> None:
        """Write points, and wait until they can be found."""
        batch = [
            models.PointStruct(
                id=point_id(point.uri), vector={VECTOR_NAME: list(point.vector)}, payload=point.payload
            )
            for point in points
        ]
        self._client.upsert(_collection(space, self.info.name), batch, wait=True)

    @_translated
    def seal(self) -> None:
        """Mark both collections as complete."""
        for space in SPACES:
            self._client.update_collection(
                _collection(space, self.info.name), metadata=self.info.to_dict() | {"sealed": True}
            )

    @_translated
    def count(self, space: Space, where: Where | None = None) -> int:
        """Count exactly."""
        name = _collection(space, self.info.name)
        return self._client.count(name, count_filter=_filter(where), exact=True).count

    @_translated
    def query(
        self,
        space: Space,
        vector: Sequence[float],
        limit: int,
        where: Where | None = None,
        fields: Sequence[str] = ("uri",),
    ) -> list[ScoredPoint]:
        """Search, exactly below `EXACT_LIMIT` points; above it compressed vectors are rescored."""
        size = self.info.skills if space == "skills" else self.info.occupations
        params = models.SearchParams(
            exact=size < EXACT_LIMIT, quantization=models.QuantizationSearchParams(rescore=True)
        )
        found = self._client.query_points(
            _collection(space, self.info.name),
            query=list(vector),
            using=VECTOR_NAME,
            query_filter=_filter(where),
            limit=limit,
            with_payload=sorted({"uri", *fields}),
            search_params=params,
        ).points
        points = [ScoredPoint(str(_payload(p)["uri"]), float(p.score), _payload(p)) for p in found]
        return sorted(points, key=lambda point: (-point.score, point.uri))

    @_translated
    def fetch(self, space: Space, uris: Sequence[str]) -> dict[str, Payload]:
        """Payloads by URI."""
        records = self._client.retrieve(
            _collection(space, self.info.name), [point_id(uri) for uri in uris], with_payload=True
        )
        return {str(_payload(record)["uri"]): _payload(record) for record in records}

    def scan(self, space: Space, *, vectors: bool = False) -> Iterator[Point]:
        """All points, a page at a time."""
        offset: models.ExtendedPointId | None = None
        while True:
            records, offset = self._scroll(space, offset, vectors)
            for record in records:
                named = record.vector if isinstance(record.vector, dict) else {}
                vector = named.get(VECTOR_NAME, ())
                yield Point(_payload(record), vector)  # type: ignore[arg-type] # a dense vector
            if offset is None:
                return

    @_translated
    def _scroll(
        self, space: Space, offset: models.ExtendedPointId | None, vectors: bool
    ) -> tuple[list[models.Record], models.ExtendedPointId | None]:
        return self._client.scroll(
            _collection(space, self.info.name),
            limit=_PAGE,
            offset=offset,
            with_payload=True,
            with_vectors=[VECTOR_NAME] if vectors else False,
        )

    @_translated
    def values(self, space: Space, field: str) -> dict[str, int]:
        """Values of a field with their counts."""
        hits = self._client.facet(_collection(space, self.info.name), field, limit=_ALL, exact=True).hits
        return {str(hit.value): hit.count for hit in hits}

    def size(self) -> None:
        """The server does not tell the bytes of a collection."""


class ServerStore:
    """The builds on one server, or on ``QdrantClient(":memory:")``; safe to share between threads."""

    def __init__(self, client: QdrantClient) -> None:
        self._client = client
        self._cached: ServerBuild | None = None

    @classmethod
    def connect(cls, url: str, api_key: str | None = None, timeout: int = 30) -> "ServerStore":
        """A store on a server; nothing is sent yet."""
        return cls(QdrantClient(url=url, api_key=api_key, timeout=timeout, check_compatibility=False))

    @_translated
    def create(self, info: BuildInfo) -> ServerBuild:
        """Create both collections and their payload indexes."""
        for space in SPACES:
            name = _collection(space, info.name)
            if self._client.collection_exists(name):
                raise StoreError(f"there is a collection {name} already")
            large = (info.skills if space == "skills" else info.occupations) >= EXACT_LIMIT
            self._client.create_collection(
                name,
                vectors_config={VECTOR_NAME: _vector_params()},
                hnsw_config=None if large else models.HnswConfigDiff(m=0),
                quantization_config=_int8() if large else None,
                metadata=info.to_dict() | {"sealed": False},
            )
            for field in KEYWORD_FIELDS:
                self._client.create_payload_index(name, field, models.PayloadSchemaType.KEYWORD, wait=True)
        return ServerBuild(self._client, info)

    @_translated
    def publish(self, name: str) -> None:
        """Move both aliases in one request, which the server applies atomically."""
        self._client.update_collection_aliases(
            [
                models.CreateAliasOperation(
                    create_alias=models.CreateAlias(
                        collection_name=_collection(space, name), alias_name=space
                    )
                )
                for space in SPACES
            ]
        )

    @_translated
    def published(self) -> ServerBuild:
        """The build that the alias ``skills`` names; one small request, the description is cached."""
        name = self._published_name()
        if name is None:
            raise IndexNotFoundError(
                "no index is published on the Qdrant server: build one with `skillsearch reindex`"
            )
        if self._cached is None or self._cached.info.name != name:
            self._cached = ServerBuild(self._client, self._info(_collection("skills", name)))
        return self._cached

    @_translated
    def builds(self) -> list[BuildInfo]:
        """All sealed builds, oldest first."""
        names = [
            collection.name
            for collection in self._client.get_collections().collections
            if collection.name.startswith("skills__")
        ]
        sealed = [name for name in names if self._metadata(name).get("sealed")]
        return sorted((self._info(name) for name in sealed), key=lambda info: info.created)

    @_translated
    def remove(self, name: str) -> None:
        """Delete both collections of a build."""
        if not self._client.collection_exists(_collection("skills", name)):
            raise StoreError(f"there is no build {name} on the Qdrant server")
        if self._published_name() == name:
            raise StoreError(f"build {name} is published and stays; publish another one first")
        for space in SPACES:
            self._client.delete_collection(_collection(space, name))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _published_name(self) -> str | None:
        for alias in self._client.get_aliases().aliases:
            if alias.alias_name == "skills":
                return alias.collection_name.removeprefix("skills__")
        return None

    def _metadata(self, collection: str) -> dict[str, object]:
        return dict(self._client.get_collection(collection).config.metadata or {})

    def _info(self, collection: str) -> BuildInfo:
        return BuildInfo.from_dict(self._metadata(collection), f"collection {collection}")


def _collection(space: Space, build: str) -> str:
    return f"{space}__{build}"


def _vector_params() -> models.VectorParams:
    return models.VectorParams(
        size=DIMENSION, distance=models.Distance.COSINE, datatype=models.Datatype.FLOAT16
    )


def _int8() -> models.ScalarQuantization:
    return models.ScalarQuantization(
        scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
    )


def _filter(where: Where | None) -> models.Filter | None:
    if where is None or not (where.must or where.must_not):
        return None
    return models.Filter(
        must=[_condition(match) for match in where.must],
        must_not=[_condition(match) for match in where.must_not],
    )


def _condition(match: Match) -> models.Filter:
    return models.Filter(
        should=[
            models.FieldCondition(key=field, match=models.MatchAny(any=list(match.values)))
            for field in match.fields
        ]
    )


def _payload(point: models.ScoredPoint | models.Record) -> Payload:
    return dict(point.payload or {})
