"""Points passed on as messages of gRPC: the same as over REST, whatever was read."""

import uuid

import pytest
from crash_runner import assert_same, content, versions
from hash_encoder import HashEncoder
from indexing import index_taxonomy
from qdrant_client import grpc, models
from servers import Server

from skillsearch.store.server.messages import Found, changed, to_models, uri_of, vector_of

OLD, NEW = versions()
ID = str(uuid.UUID(int=7))
PAYLOAD = {"uri": "urn:a", "label": "before", "codes": ["1", "2"], "broader": [{"uri": "urn:b", "code": ""}]}
CHANGES = {"label": "after", "codes": [], "broader": [{"uri": "urn:c", "code": "C"}], "hash": "0f"}
CHANGED = models.PointStruct(id=ID, vector={"dense": [0.5, -0.5]}, payload=PAYLOAD | CHANGES)


def message(vector: grpc.VectorOutput) -> grpc.RetrievedPoint:
    named = grpc.NamedVectorsOutput(vectors={"dense": vector})
    values = grpc.PointStruct(
        payload={
            "uri": {"string_value": "urn:a"},
            "label": {"string_value": "before"},
            "codes": {"list_value": {"values": [{"string_value": "1"}, {"string_value": "2"}]}},
            "broader": {
                "list_value": {
                    "values": [
                        {
                            "struct_value": {
                                "fields": {"uri": {"string_value": "urn:b"}, "code": {"string_value": ""}}
                            }
                        }
                    ]
                }
            },
        }
    )
    found = grpc.RetrievedPoint(id={"uuid": ID}, vectors=grpc.VectorsOutput(vectors=named))
    found.payload.MergeFrom(values.payload)
    return found


FOUND = {
    "REST": models.Record(id=ID, payload=PAYLOAD, vector={"dense": [0.5, -0.5]}),
    "gRPC": message(grpc.VectorOutput(dense=grpc.DenseVector(data=[0.5, -0.5]))),
    "gRPC of older servers": message(grpc.VectorOutput(data=[0.5, -0.5])),
}


@pytest.mark.parametrize("kind", FOUND)
def test_a_point_is_passed_on_with_its_changes(kind: str) -> None:
    """Fields that are named are replaced whole, the others and the vector stay."""
    found: Found = FOUND[kind]
    assert uri_of(found) == "urn:a"
    assert to_models([changed(found, CHANGES)]) == [CHANGED]
    unchanged = CHANGED.model_copy(update={"payload": PAYLOAD})
    assert to_models([changed(found, {})]) == [unchanged]
    if isinstance(found, grpc.RetrievedPoint):
        assert vector_of(found).tolist() == [0.5, -0.5]


def test_a_build_is_the_same_over_grpc_and_over_rest(server: Server) -> None:
    if not server.grpc_port:
        pytest.skip("no port of gRPC: set SKILLSEARCH_TEST_QDRANT_GRPC_PORT")
    both = []
    for name, url in (("grpc", None), ("rest", server.url)):
        store = server.connect(url=url, prefix=f"{server.prefix}-{name}")
        assert (store.connection.bulk is None) == (name == "rest")
        for taxonomy in (OLD, NEW):
            index_taxonomy(taxonomy, HashEncoder(0.5), store, margin=1.0)
        both.append(content(store.published()))
        store.close()
    assert_same(*both)
