"""The stand-in for a Qdrant server: every call the server store makes, and what a server refuses."""

import socket
from collections.abc import Iterator
from importlib.metadata import version

import httpx
import numpy as np
import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse
from qdrant_rest import QdrantRest


@pytest.fixture
def server() -> Iterator[QdrantRest]:
    with QdrantRest() as server:
        yield server


@pytest.fixture
def client(server: QdrantRest) -> Iterator[QdrantClient]:
    client = QdrantClient(url=server.url, timeout=10, check_compatibility=False)
    yield client
    client.close()


@pytest.fixture
def words(client: QdrantClient) -> QdrantClient:
    """A client of a server with a collection `words` of three points along the axes."""
    create(client, "words")
    client.create_payload_index("words", "tags", models.PayloadSchemaType.KEYWORD, wait=True)
    tags = {1: ["a"], 2: ["a", "b"], 3: []}
    client.upsert("words", [point(number, tags=tags[number]) for number in tags], wait=True)
    return client


def create(client: QdrantClient, name: str, **options: object) -> None:
    vectors = models.VectorParams(size=4, distance=models.Distance.COSINE, datatype=models.Datatype.FLOAT16)
    client.create_collection(name, vectors_config={"dense": vectors}, **options)  # type: ignore[arg-type]


def point(number: int, vector: list[float] | None = None, **payload: object) -> models.PointStruct:
    axis = [0.0] * 4
    axis[number % 4] = 1.0
    return models.PointStruct(
        id=number, vector={"dense": vector or axis}, payload={"number": number, **payload}
    )


def ids(points: list[models.Record] | list[models.ScoredPoint]) -> list[object]:
    return [point.id for point in points]


def refused(status: int, message: str) -> "pytest.RaisesExc[UnexpectedResponse]":
    def matches(error: UnexpectedResponse) -> bool:
        told = error.content.decode()
        return error.status_code == status and message in told

    return pytest.RaisesExc(UnexpectedResponse, check=matches)


class TestCollections:
    def test_they_are_made_once_listed_and_deleted(self, client: QdrantClient) -> None:
        assert client.get_collections().collections == []
        assert not client.collection_exists("words")
        create(client, "words")
        assert client.collection_exists("words")
        with refused(409, "Collection `words` already exists!"):
            create(client, "words")
        assert [found.name for found in client.get_collections().collections] == ["words"]
        assert client.delete_collection("words") is True
        assert client.delete_collection("words") is False
        assert not client.collection_exists("words")

    def test_a_description_tells_what_was_asked_for(self, client: QdrantClient) -> None:
        create(
            client,
            "words",
            shard_number=6,
            replication_factor=2,
            write_consistency_factor=2,
            on_disk_payload=True,
            hnsw_config=models.HnswConfigDiff(m=0),
            quantization_config=models.ScalarQuantization(
                scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
            ),
            metadata={"name": "one", "none": None, "nested": {"none": None, "list": [1, "é"]}},
        )
        config = client.get_collection("words").config
        assert config.params.vectors == {
            "dense": models.VectorParams(
                size=4, distance=models.Distance.COSINE, datatype=models.Datatype.FLOAT16
            )
        }
        params = config.params
        assert (params.shard_number, params.replication_factor, params.write_consistency_factor) == (6, 2, 2)
        assert params.on_disk_payload is True
        assert (config.hnsw_config.m, config.hnsw_config.ef_construct) == (0, 100)
        assert isinstance(config.quantization_config, models.ScalarQuantization)
        assert config.metadata == {"name": "one", "none": None, "nested": {"none": None, "list": [1, "é"]}}

    def test_one_without_vectors_can_hold_metadata(self, client: QdrantClient) -> None:
        client.create_collection("lock", vectors_config={}, metadata={"pid": 7})
        found = client.get_collection("lock")
        assert (found.config.params.vectors, found.config.metadata) == ({}, {"pid": 7})

    def test_an_update_merges_metadata_and_a_null_removes_a_key(self, client: QdrantClient) -> None:
        create(client, "words", metadata={"state": "unfinished", "base": None, "quality": {"a": 1, "b": 2}})
        client.update_collection("words", metadata={"state": "sealed", "quality": {"a": 3}, "base": None})
        found = client.get_collection("words").config.metadata
        assert found == {"state": "sealed", "quality": {"a": 3}}

    def test_payload_indexes_are_told(self, words: QdrantClient) -> None:
        schema = words.get_collection("words").payload_schema
        assert {key: index.data_type for key, index in schema.items()} == {
            "tags": models.PayloadSchemaType.KEYWORD
        }

    def test_every_call_on_an_unknown_one_is_refused(self, client: QdrantClient) -> None:
        for call in (
            lambda: client.get_collection("none"),
            lambda: client.update_collection("none", metadata={}),
            lambda: client.create_payload_index("none", "tags", models.PayloadSchemaType.KEYWORD),
            lambda: client.upsert("none", [point(1)]),
            lambda: client.retrieve("none", [1]),
            lambda: client.scroll("none"),
            lambda: client.count("none"),
            lambda: client.query_points("none", query=[1.0]),
            lambda: client.facet("none", "tags"),
        ):
            with refused(404, "Collection `none` doesn't exist!"):
                call()


class TestPoints:
    def test_vectors_are_unit_vectors_of_float16(self, words: QdrantClient) -> None:
        words.upsert("words", [point(9, [3.0, 4.0, 1.0, 0.0])])
        (found,) = words.retrieve("words", [9], with_vectors=["dense"])
        unit = np.array([3.0, 4.0, 1.0, 0.0], dtype=np.float32) / np.float32(np.sqrt(26))
        assert isinstance(found.vector, dict)
        assert found.vector["dense"] == [float(x) for x in unit.astype(np.float16)]
        words.upsert("words", [point(10, found.vector["dense"])])  # type: ignore[arg-type] # dense
        (copied,) = words.retrieve("words", [10], with_vectors=True)
        assert copied.vector == found.vector

    def test_they_are_found_by_cosine(self, words: QdrantClient) -> None:
        found = words.query_points(
            "words",
            query=[0.0, 2.0, 1.0, 0.0],
            using="dense",
            limit=2,
            with_payload=["number"],
            search_params=models.SearchParams(
                exact=True, quantization=models.QuantizationSearchParams(rescore=True)
            ),
        ).points
        assert ids(found) == [1, 2]
        assert [hit.score for hit in found] == pytest.approx([2 / 5**0.5, 1 / 5**0.5], abs=1e-3)
        assert [hit.payload for hit in found] == [{"number": 1}, {"number": 2}]

    def test_conditions(self, words: QdrantClient) -> None:
        only_b = models.Filter(
            must=[models.FieldCondition(key="tags", match=models.MatchAny(any=["b"]))],
            must_not=[models.FieldCondition(key="number", match=models.MatchAny(any=[3]))],
        )
        assert words.count("words", only_b, exact=True).count == 1
        assert words.count("words", exact=True).count == 3
        nearest = words.query_points(
            "words", query=[0.0, 1.0, 0.0, 0.0], using="dense", query_filter=only_b, limit=5
        )
        assert ids(nearest.points) == [2]

    def test_they_are_read_page_by_page(self, words: QdrantClient) -> None:
        first, offset = words.scroll("words", limit=2, with_payload=["number"])
        assert (ids(first), offset) == ([1, 2], 3)
        assert first[0].payload == {"number": 1}
        assert first[0].vector is None
        second, end = words.scroll("words", limit=2, offset=offset, with_vectors=["dense"])
        assert (ids(second), end) == ([3], None)
        assert second[0].vector == {"dense": [0.0, 0.0, 0.0, 1.0]}

    def test_values_are_counted_where_there_is_an_index(self, words: QdrantClient) -> None:
        hits = words.facet("words", "tags", limit=1_000_000, exact=True).hits
        assert {hit.value: hit.count for hit in hits} == {"a": 2, "b": 1}
        with refused(400, "No appropriate index for faceting: `number`"):
            words.facet("words", "number")

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            (models.PointStruct(id=1, vector={"dense": [1.0]}), "Vector dimension error"),
            (models.PointStruct(id=1, vector={"x": [1.0] * 4}), "Not existing vector name"),
            (models.PointStruct(id="no-uuid", vector={"dense": [1.0] * 4}), ""),
        ],
    )
    def test_a_wrong_point_is_refused_with_all_that_came_with_it(
        self, words: QdrantClient, wrong: models.PointStruct, message: str
    ) -> None:
        with refused(400, message):
            words.upsert("words", [point(8), wrong])
        assert words.count("words").count == 3

    def test_bad_limits_and_bodies_are_refused(self, words: QdrantClient, server: QdrantRest) -> None:
        with refused(422, "limit"):
            words.scroll("words", limit=0)
        with refused(400, "Empty update request"):
            words.upsert("words", [])
        answer = httpx.post(f"{server.url}/collections/words/points/scroll", content=b"{")
        assert (answer.status_code, answer.json()["status"]["error"][:12]) == (400, "Format error")
        assert httpx.get(f"{server.url}/nothing").status_code == 404


class TestAliases:
    def test_they_move_together(self, client: QdrantClient) -> None:
        for name in ("a1", "b1", "a2", "b2"):
            create(client, name)
        client.update_collection_aliases([to("a1", "a"), to("b1", "b")])
        assert aliases(client) == {"a": "a1", "b": "b1"}
        client.update_collection_aliases([to("a2", "a"), to("b2", "b")])
        assert aliases(client) == {"a": "a2", "b": "b2"}
        with refused(404, "Collection `none` doesn't exist!"):
            client.update_collection_aliases([to("a1", "a"), to("none", "b")])
        assert aliases(client) == {"a": "a2", "b": "b2"}

    def test_they_stand_for_their_collection_and_go_with_it(self, client: QdrantClient) -> None:
        create(client, "words", metadata={"name": "one"})
        client.update_collection_aliases([to("words", "current")])
        client.upsert("current", [point(1)])
        assert client.collection_exists("current")
        assert client.get_collection("current").config.metadata == {"name": "one"}
        assert client.count("current").count == 1
        client.delete_collection("words")
        assert aliases(client) == {}

    def test_names_are_not_taken_twice(self, client: QdrantClient) -> None:
        create(client, "words")
        client.update_collection_aliases([to("words", "current")])
        with refused(409, "Collection `words` already exists!"):
            client.update_collection_aliases([to("words", "words")])
        with refused(400, "Alias with the same name already exists"):
            create(client, "current")


def to(collection: str, alias: str) -> models.CreateAliasOperation:
    return models.CreateAliasOperation(
        create_alias=models.CreateAlias(collection_name=collection, alias_name=alias)
    )


def aliases(client: QdrantClient) -> dict[str, str]:
    return {alias.alias_name: alias.collection_name for alias in client.get_aliases().aliases}


class TestServer:
    def test_it_says_what_it_is(self, client: QdrantClient) -> None:
        told = client.info()
        assert (told.title, told.version) == ("qdrant - vector search engine", version("qdrant-client"))

    def test_it_goes_away_and_comes_back_with_its_data(self, words: QdrantClient, server: QdrantRest) -> None:
        url = server.url
        server.stop()
        with pytest.raises(ResponseHandlingException):
            words.count("words")
        server.start()
        assert server.url == url
        assert words.count("words").count == 3

    def test_half_a_request_is_not_taken(self, words: QdrantClient, server: QdrantRest) -> None:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                b"PUT /collections/words/points?wait=true HTTP/1.1\r\nContent-Length: 999\r\n\r\n"
                b'{"points": [{"id": 5, "vector": {}}]}'
            )
        assert words.count("words").count == 3
