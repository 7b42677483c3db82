"""Size of points: stored, indexed, and on the way to a server; for results/scaling.md.

Example: python benchmarks/point_size.py --esco "$CLASSIFICATION" --esco "$RELATIONS"
"""

import argparse
import json
import time
import tracemalloc
from pathlib import Path

import numpy as np
from qdrant_client import models
from qdrant_client.common.response_parsing import parse_response
from qdrant_client.http.api.points_api import jsonable_encoder
from qdrant_client.http.models.models import InlineResponse20019

from indexer.read.esco import read_esco
from skillsearch.store.base import Hashes, Payload
from skillsearch.store.schema import KEYWORD_FIELDS, VECTOR_NAME, occupation_payload, point_id, skill_payload
from trainer.bases import DIMENSION

POINTS = 500


def main() -> None:
    """Print bytes a point and milliseconds a point as JSON; vectors are random."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--esco", type=Path, action="append", required=True, help="a zip or folder of ESCO")
    taxonomy = read_esco(parser.parse_args().esco).taxonomy
    skills = [skill_payload(taxonomy, skill) for skill in taxonomy.skills.values()]
    occupations = [occupation_payload(taxonomy, occupation) for occupation in taxonomy.occupations.values()]
    report = {"skills": sizes(skills), "occupations": sizes(occupations)}
    report |= {"request": transport(skills[:POINTS]), "plan": {"bytes": plan(skills)}}
    print(json.dumps(report, indent=2))  # noqa: T201 - a script's output


def sizes(payloads: list[Payload]) -> dict[str, float]:
    """Mean bytes of a payload as JSON, and of the values in its indexed fields."""
    texts = [json.dumps(payload, ensure_ascii=False, separators=(",", ":")) for payload in payloads]
    values = [
        value
        for payload in payloads
        for field in KEYWORD_FIELDS
        for value in np.atleast_1d(payload.get(field, [])).tolist()
    ]
    return {
        "points": len(payloads),
        "json_bytes": round(sum(len(text.encode()) for text in texts) / len(payloads)),
        "indexed_bytes": round(sum(len(str(value).encode()) for value in values) / len(payloads)),
        "indexed_values": round(len(values) / len(payloads), 1),
    }


def transport(payloads: list[Payload]) -> dict[str, float]:
    """Bytes a point in a request, and milliseconds in which the client reads and writes one."""
    drawn = np.random.default_rng(0).standard_normal((len(payloads), DIMENSION))
    units = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float16).tolist()
    points = [
        models.PointStruct(id=point_id(payload["uri"]), vector={VECTOR_NAME: unit}, payload=payload)
        for payload, unit in zip(payloads, units, strict=True)
    ]
    begun = time.perf_counter()
    body = jsonable_encoder(models.PointsList(points=points))
    written = time.perf_counter()
    answer = f'{{"result":{body},"status":"ok","time":0.0}}'.encode()
    begun_to_read = time.perf_counter()
    parse_response(answer, InlineResponse20019)
    read = time.perf_counter()
    return {
        "bytes": round(len(body.encode()) / len(points)),
        "vector_bytes": round(sum(len(json.dumps(unit)) - DIMENSION for unit in units) / len(points)),
        "write_ms": round((written - begun) * 1000 / len(points), 3),
        "read_ms": round((read - begun_to_read) * 1000 / len(points), 3),
    }


def plan(payloads: list[Payload]) -> int:
    """Bytes of memory a point for its URI and both hashes."""
    told = json.dumps([(payload["uri"], Hashes.of(payload)) for payload in payloads])
    tracemalloc.start()
    held = {uri: Hashes(*hashes) for uri, hashes in json.loads(told)}
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return round(size / len(held))


if __name__ == "__main__":
    main()
