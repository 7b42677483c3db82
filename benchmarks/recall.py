"""Recall of the candidates by filter and way of searching; for results/recall.md.

The points are made up: 1,024 dimensions, one cluster for ten points, noise around its centre; a quarter
is knowledge, reuse levels are as frequent as in ESCO. The truth is the comparison of every vector.

Example: python benchmarks/recall.py --points 120000 --url http://127.0.0.1:6333 --json
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from indexer.candidates import choose_search, recall
from skillsearch.arrays import Float32Array
from skillsearch.store.base import Build, Point, Store
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.store.filters import Match, Where
from skillsearch.store.info import BuildInfo, Part
from skillsearch.store.search import EXACT, EXACT_LIMIT, LADDER, Search
from skillsearch.store.server import ServerStore

DIMENSION = 1024
NOISE = 0.6  # length of the noise, where a centre has length 1
BATCH = 2_000
CANDIDATES = 200
LEVELS = {"cross-sector": 0.22, "sector-specific": 0.55, "occupation-specific": 0.22, "transversal": 0.01}
FILTERS = {
    "none": Where(),
    "skill": Where((Match(("skill_type",), ("skill",)),)),
    "knowledge": Where((Match(("skill_type",), ("knowledge",)),)),
    "knowledge and sector-specific": Where(
        (Match(("skill_type",), ("knowledge",)), Match(("reuse_level",), ("sector-specific",)))
    ),
    "knowledge and cross-sector": Where(
        (Match(("skill_type",), ("knowledge",)), Match(("reuse_level",), ("cross-sector",)))
    ),
    "transversal": Where((Match(("reuse_level",), ("transversal",)),)),
}


def main() -> None:
    """Make the points where they are not there yet, search them, and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", help="of a Qdrant server; by default the embedded engine")
    parser.add_argument("--grpc-port", type=int, help="of the server; by default 6334 beside 6333")
    parser.add_argument("--folder", type=Path, help="of the embedded index; by default a temporary one")
    parser.add_argument("--points", type=int, default=120_000)
    parser.add_argument("--queries", type=int, default=30)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, closing(opened(options, Path(folder))) as store:
        build, seconds = made(store, options.points)
        report = {"points": options.points, "seconds": seconds, "rows": list(rows(build, options.queries))}
    if options.json:
        print(json.dumps(report))  # noqa: T201 - a script's output
        return
    print(f"written in {seconds['write']:.0f} s, sealed in {seconds['seal']:.0f} s")  # noqa: T201
    for row in report["rows"]:
        print(  # noqa: T201
            f"{row['filter']:<30} {row['points']:>9,} {row['setting']:<16} {row['recall']:.4f} "
            f"{row['p50_ms']:7.1f} ms {row['p95_ms']:7.1f} ms"
        )


def opened(options: argparse.Namespace, folder: Path) -> Store:
    """The store that the options name."""
    if options.url:
        return ServerStore.connect(
            options.url, timeout=600, prefix="recall-benchmark", grpc_port=options.grpc_port
        )
    return EmbeddedStore((options.folder or folder) / "index")


def made(store: Store, points: int) -> tuple[Build, dict[str, float]]:
    """The build of so many points, sealed and with its way of searching chosen; and the seconds it took."""
    name = f"recall-{points}"
    states = {info.name: info.state for info in store.builds()}
    if states.get(name) == "ready":
        return store.open(name), {"write": 0.0, "seal": 0.0, "choose": 0.0}
    part = Part("recall", "1", "en", points, 0)
    info = BuildInfo(name, (part,), "none", "none", 1, "2026-01-01T00:00:00+00:00", "benchmark", DIMENSION)
    times = [time.perf_counter()]
    if states.get(name) == "sealed":  # a run was stopped
        build = store.open(name)
        times.append(times[0])
    else:
        with closing(store.draft(info)) as draft:
            for batch in made_points(points):
                draft.upsert("skills", batch)
            times.append(time.perf_counter())
            build = draft.seal()
    wait_for_graph(store, build)
    times.append(time.perf_counter())
    search, _ = choose_search(build)
    times.append(time.perf_counter())
    write, seal, choose = np.diff(times)
    done = BuildInfo.from_dict(build.info.to_dict() | {"state": "ready", "search_ef": search.ef}, name)
    store.record(done)
    return store.open(name), {"write": round(write, 1), "seal": round(seal, 1), "choose": round(choose, 1)}


def wait_for_graph(store: Store, build: Build) -> None:
    """Wait until a server has built its graph; it searches before, by comparing every vector."""
    if isinstance(store, ServerStore):
        name = f"recall-benchmark__skills__{build.info.name}"
        while store.connection.client.get_collection(name).status != "green":
            time.sleep(2)


def made_points(points: int) -> Iterator[list[Point]]:
    """The points in batches."""
    centres = units(np.random.default_rng(0).standard_normal((points // 10, DIMENSION), dtype=np.float32))
    draw = np.random.default_rng(1)
    for start in range(0, points, BATCH):
        count = min(BATCH, points - start)
        vectors = noisy(centres, count, draw)
        levels = draw.choice(list(LEVELS), count, p=list(LEVELS.values()))
        kinds = np.where(draw.random(count) < 0.25, "knowledge", "skill")
        yield [
            Point(payload(start + row, str(kinds[row]), str(levels[row])), vectors[row].tolist())
            for row in range(count)
        ]


def payload(number: int, kind: str, level: str) -> dict[str, Any]:
    """A payload of the fields that filters and hashes need."""
    return {
        "uri": f"urn:{number}",
        "label": f"skill {number}",
        "skill_type": kind,
        "reuse_level": level,
        "embedding_hash": f"{number:016x}",
        "payload_hash": f"{number:016x}",
    }


def rows(build: Build, asked: int) -> Iterator[dict[str, Any]]:
    """Recall and milliseconds of each filter and way of searching."""
    count = build.info.skills
    centres = units(np.random.default_rng(0).standard_normal((count // 10, DIMENSION), dtype=np.float32))
    queries = noisy(centres, asked, np.random.default_rng(2)).tolist()
    settings: dict[str, Search | None] = {"exact": EXACT, "served": None}
    if count > EXACT_LIMIT:  # else there is no graph to walk
        settings |= {str(search): search for search in LADDER if not search.is_exact}
    for name, where in FILTERS.items():
        points, nearest = build.count("skills", where), None
        for setting, search in settings.items():
            found, times = timed(build, where, queries, search)
            nearest = nearest or found
            p50, p95 = np.percentile(times, [50, 95])
            yield {
                "filter": name,
                "points": points,
                "setting": setting,
                "recall": recall(found, nearest),
                "p50_ms": round(float(p50), 1),
                "p95_ms": round(float(p95), 1),
            }


def timed(
    build: Build, where: Where, queries: Sequence[Sequence[float]], search: Search | None
) -> tuple[list[set[str]], list[float]]:
    """URIs of the candidates of each query, and the milliseconds that finding them took."""
    found, times = [], []
    for query in queries:
        begun = time.perf_counter()
        hits = build.query("skills", query, CANDIDATES, where, search=search)
        times.append((time.perf_counter() - begun) * 1000)
        found.append({hit.uri for hit in hits})
    return found, times


def noisy(centres: Float32Array, count: int, draw: np.random.Generator) -> Float32Array:
    """Unit vectors around centres: shape (c, d) to (count, d)."""
    chosen = centres[draw.integers(0, len(centres), count)]
    noise = draw.standard_normal((count, DIMENSION), dtype=np.float32) * (NOISE / np.sqrt(DIMENSION))
    return units(chosen + noise.astype(np.float32))


def units(vectors: Float32Array) -> Float32Array:
    """Rows of unit length."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


if __name__ == "__main__":
    main()
